/**
 * The dashboard in deploy/grafana, as far as it can be judged without a server: `test/e2e/prometheus.test.ts` evaluates
 * what it asks for.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { seriesUse } from "../../support/prometheus-selectors.js";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: unknown;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: {
    defaults: { unit?: string; thresholds?: { steps: { value: number | null; color: string }[] } };
  };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly datasource: unknown;
    readonly legendFormat: string;
  }[];
}

const dashboard = JSON.parse(readFileSync("deploy/grafana/plumb.json", "utf8"));
const all = dashboard.panels as readonly Panel[];
const panels = all.filter(({ type }) => type !== "row");
const datasource = { type: "prometheus", uid: "${" + "datasource}" };

describe("the dashboard", () => {
  it("has its rows, each with panels", () => {
    const rows = all.flatMap(({ type, title }, i) => (type === "row" ? [{ title, next: all[i + 1]?.type }] : []));
    expect(rows.map(({ title }) => title)).toEqual([
      "The promise",
      "Traffic",
      "Latency",
      "Batches and queue",
      "Refusals and fallbacks",
      "Cache",
      "Process",
      "Versions",
      "Releases",
    ]);
    for (const { next } of rows) expect(next).not.toBe("row");
  });

  it("can be taken in as it is: no id of its own, a schema of Grafana 11", () => {
    expect(dashboard).toMatchObject({ id: null, uid: "plumb", title: "Plumb", schemaVersion: 39 });
  });

  it("lets one choose the Prometheus, job, server, model and version, and uses each", () => {
    const variables = (dashboard.templating.list as { name: string }[]).map(({ name }) => name);
    expect(variables).toEqual(["datasource", "job", "instance", "model", "version"]);
    const used = new Set([...JSON.stringify(all).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!));
    used.delete("__rate_interval");
    expect([...used].sort()).toEqual([...variables].sort());
  });

  it("has no two panels in one place, and none beyond its 24 columns", () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of all) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), title).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  it.each(panels)("$title: is titled, described, in a unit, from the chosen Prometheus, with a legend", (panel) => {
    expect(panel.description).toMatch(/^[A-Z0-9].{30,}[.?]$/);
    expect(panel.fieldConfig!.defaults.unit).toMatch(/./);
    expect(panel.datasource).toEqual(datasource);
    expect(panel.targets!.length).toBeGreaterThan(0);
    expect(new Set(panel.targets!.map(({ refId }) => refId)).size).toBe(panel.targets!.length);
    for (const target of panel.targets!) {
      expect(target.datasource).toEqual(datasource);
      if (panel.type !== "table") expect(target.legendFormat).not.toBe("");
    }
    // Seconds are for what is named in seconds, bytes for bytes.
    const metrics = panel
      .targets!.flatMap(({ expr }) => seriesUse(expr.replaceAll("$__rate_interval", "5m")).selectors)
      .map(({ metric }) => metric);
    if (metrics.every((metric) => metric.endsWith("_bytes"))) expect(panel.fieldConfig!.defaults.unit).toBe("bytes");
    if (metrics.every((metric) => /_seconds(_bucket)?$/.test(metric)))
      expect(panel.fieldConfig!.defaults.unit).toMatch(/^(s|reqps)$/);
  });

  it("has thresholds that rise", () => {
    const lists = panels.flatMap(
      ({ fieldConfig }) => fieldConfig!.defaults.thresholds?.steps.map(({ value }) => value) ?? [],
    );
    expect(lists.length).toBeGreaterThan(panels.length);
    for (const { title, fieldConfig } of panels) {
      const [base, ...rest] = (fieldConfig!.defaults.thresholds?.steps ?? [{ value: null }]).map(({ value }) => value);
      expect(base, title).toBeNull();
      expect(rest, title).toEqual([...rest].sort((a, b) => a! - b!));
    }
  });

  it("draws the promise where it is about it", () => {
    const steps = (title: string) =>
      panels.find((panel) => panel.title === title)!.fieldConfig!.defaults.thresholds!.steps;
    expect(steps("Answered in time").at(-1)).toEqual({ color: "green", value: 0.95 });
    expect(steps("Burn rate").map(({ value }) => value)).toEqual([null, 1, 3, 6, 14.4]);
    expect(
      panels.find(({ title }) => title === "Latency of a call")!.targets!.map(({ legendFormat }) => legendFormat),
    ).toEqual(["P50", "P95", "P99", "target"]);
  });
});
