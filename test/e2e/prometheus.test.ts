/**
 * Goal: a real Prometheus reads all that the server counts, the shipped rules and dashboard ask only for what is there,
 * and no scraper, however slow, changes an answer.
 */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from "vitest";
import { ask, post } from "../support/http-client.js";
import { metric, scrape } from "../support/metrics.js";
import {
  echoModel,
  lookupModel,
  lookupSize,
  type ModelStore,
  rootModel,
  spinModel,
  writeStore,
} from "../support/model-store.js";
import { findProgram, needProgram } from "../support/programs.js";
import { PrometheusProcess } from "../support/prometheus-process.js";
import { type Selector, seriesUse } from "../support/prometheus-selectors.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const deployed = (path: string) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
const ruleFiles = ["slo", "server"].map((name) => deployed(`prometheus/${name}.rules.yml`));
const patiently = { interval: 100, timeout: 60_000 };

let store: ModelStore;
let server: ServerProcess;
let prometheus: PrometheusProcess | undefined;
let once: Record<string, number>;

beforeAll(async () => {
  store = await writeStore(
    echoModel(),
    rootModel(),
    lookupModel(),
    rootModel({
      name: "saved",
      change: ({ manifest }) => Object.assign(manifest, { fallback: { kind: "constant", prediction: 0 } }),
    }),
    // No call can be answered within a nanosecond and what a row adds to it, whose row runs in another process.
    spinModel({ name: "hasty", sloMs: 0.000_001 }),
    ...[1, 2, 3].map((version) => echoModel({ name: "released", version })),
    rootModel({
      name: "loose",
      change: ({ files }) => Object.assign(files["schema.json"]!, { additionalProperties: true }),
    }),
  );
  // Nobody listens at the discard service's port.
  const shadows = [{ version: 3 }, { url: "http://127.0.0.1:9/models/released/predict" }];
  const route = { champion: 1, canary: { version: 2, share: 0.3 }, shadows };
  writeFileSync(join(store.directory, "routes.json"), JSON.stringify({ routes: { released: route } }));
  server = await startServer(
    store.directory,
    "--default-model",
    "echo",
    "--cache-bytes",
    "1000000",
    "--access-log",
    "off",
    "--mirror-hosts",
    "127.0.0.1:9",
  );
  const program = findProgram("prometheus");
  if (program === undefined) return;
  // Of what never happened there is no series, and none can grow before it was seen. Nor does the first scrape fall among
  // these calls: its families are of different moments, and increases that begin between them have other shares.
  once = await callAll();
  prometheus = await PrometheusProcess.start(program, server.adminPort, ruleFiles);
});

afterAll(async () => {
  await prometheus?.end();
  await endServers();
  await store.remove();
});

function needPrometheus(context: TestContext): PrometheusProcess {
  needProgram(context, "prometheus");
  return prometheus!;
}

/** What the scrapes have counted so far. */
async function countedByResult(server: PrometheusProcess): Promise<Record<string, number>> {
  const results = await server.query("sum by (result) (plumb_requests_total) > 0");
  return Object.fromEntries(results.map(({ labels, value }) => [labels.result, value]));
}

/** So that each row is a new one: an answer that is kept may be there within the time that a row adds to the objective. */
let asked = 1000;

/** Calls that end in every way that a single caller can bring about, and how many end so. */
async function callAll(): Promise<Record<string, number>> {
  const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    post(server.httpPort, path, body, { headers });
  await Promise.all([
    ...Array.from({ length: 20 }, (_, value) => send("/predict", { value })),
    send("/predict", { rows: [{ value: 1 }, { value: 2 }] }),
    send("/predict", { rows: [{ value: 1 }, {}], partial: true }),
    ...Array.from({ length: 5 }, () => send("/models/hasty/predict", { value: ++asked }, { "x-timeout-ms": "10000" })),
    send("/models/saved/predict", { value: -1 }),
    send("/models/loose/predict", { value: 4, unread: true }),
    ...Array.from({ length: 30 }, async (_, value) => {
      const { json } = await send("/models/released/predict", { value });
      await send("/feedback", { request_id: json.request_id, outcome: value + 1 });
    }),
    send("/predict", {}),
    send("/predict", "no json"),
    send("/models/root/predict", { value: -1 }),
    send("/models/lookup/predict", { value: lookupSize }),
    send("/models/unheard/predict", { value: 1 }),
    send("/nowhere", {}),
  ]);
  return {
    ok: 58,
    fallback: 1,
    schema_mismatch: 1,
    malformed_body: 1,
    model_output_invalid: 1,
    model_failed: 1,
    model_not_found: 1,
    route_not_found: 1,
  };
}

describe("a Prometheus that scrapes the server", () => {
  let sent: Record<string, number>;

  beforeAll(async () => {
    if (prometheus === undefined) return;
    // What is counted before the first scrape is no increase.
    await vi.waitFor(async () => expect(await countedByResult(prometheus!)).toEqual(once), patiently);
    await callAll();
    sent = Object.fromEntries(Object.entries(once).map(([result, count]) => [result, 2 * count]));
  });

  test("finds its target", async (context) => {
    expect(await needPrometheus(context).targets()).toEqual([
      expect.objectContaining({
        scrapeUrl: `http://127.0.0.1:${server.adminPort}/metrics`,
        health: "up",
        lastError: "",
      }),
    ]);
  });

  test("counts what was sent, result by result", async (context) => {
    const bound = needPrometheus(context);
    await expect.poll(() => countedByResult(bound), patiently).toEqual(sent);
  });

  test("has every sample that a direct scrape has, with the same value", async (context) => {
    const { query } = boundTo(needPrometheus(context));
    // An empty label is no label.
    const key = (name: string, labels: Readonly<Record<string, string>>) =>
      `${name}${JSON.stringify(
        Object.entries(labels)
          .filter(([, value]) => value !== "")
          .sort(),
      )}`;
    const differing = async () => {
      const families = [...(await scrape(server)).values()].filter(({ name }) => /^(plumb|nv_inference)_/.test(name));
      const direct = families.flatMap(({ samples }) =>
        samples.map(({ name, labels, value }) => [key(name, labels), value] as const),
      );
      expect(direct.length).toBeGreaterThan(500);
      const results = await query('{job="plumb", __name__=~"(plumb|nv_inference)_.+"}');
      const seen = new Map(
        results.map(({ labels: { __name__, job, instance, ...labels }, value }) => [key(__name__!, labels), value]),
      );
      return direct.filter(([name, value]) => seen.get(name) !== value);
    };
    await expect.poll(differing, patiently).toEqual([]);
  });

  test("evaluates every rule, and the shares are what the calls make them", async (context) => {
    const { query, rules } = boundTo(needPrometheus(context));
    const unwell = async () => (await rules()).filter(({ health, lastError }) => health !== "ok" || lastError);
    await expect.poll(unwell, patiently).toEqual([]);
    const share = async (name: string, model: string) =>
      (await query(`${name}{model="${model}"}`)).map(({ value }) => value);
    for (const window of ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]) {
      await expect
        .poll(() => share(`job_model_version:plumb_slo_missed:ratio_rate${window}`, "hasty"), patiently)
        .toEqual([1]);
      await expect
        .poll(() => share(`job_model_version:plumb_slo_missed:ratio_rate${window}`, "echo"), patiently)
        .toEqual([0]);
    }
    await expect
      .poll(() => share("job_model_version:plumb_slo_budget_left:ratio30d", "hasty"), patiently)
      .toEqual([-19]);
    for (const [name, model] of [
      ["job_model_version:plumb_fallbacks:ratio_rate5m", "saved"],
      ["job_model_version:plumb_model_faults:ratio_rate5m", "root"],
    ] as const)
      await expect.poll(() => share(name, model), patiently).toEqual([1]);
  });

  test("alerts of a single fault of a model, in words that are whole", async (context) => {
    const { rules } = boundTo(needPrometheus(context));
    const firing = async () =>
      (await rules())
        .find(({ name }) => name === "PlumbModelFaults")!
        .alerts!.filter(({ state }) => state === "firing");
    const models = async () => (await firing()).map(({ labels }) => `${labels.model} ${labels.code}`).sort();
    await expect
      .poll(models, patiently)
      .toEqual(["lookup model_failed", "root model_output_invalid", "saved model_output_invalid"]);
    for (const { annotations } of await firing()) {
      expect(annotations.summary).toMatch(/^(lookup|root|saved)\/1: model_\w+ in the last 15 minutes$/);
      expect(annotations.description).not.toMatch(/<|\{\{/);
    }
  });
});

describe("what is shipped asks for what is there", () => {
  test("the rules", async (context) => {
    const all = await needPrometheus(context).rules();
    expect(all.length).toBeGreaterThan(40);
    await expect
      .poll(async () => (await Promise.all(all.map(({ query }) => missing(query)))).flat(), patiently)
      .toEqual([]);
  });

  const dashboard = JSON.parse(readFileSync(deployed("grafana/plumb.json"), "utf8"));
  interface Panel {
    readonly title: string;
    readonly type: string;
    readonly targets?: readonly { expr: string }[];
  }
  const panels = dashboard.panels as readonly Panel[];
  /** As Grafana does it, with all of everything chosen. */
  const filled = (expression: string) =>
    expression.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|instance|model|version)\b/g, ".*");

  test("the dashboard's panels, and each of them has something to show", async (context) => {
    const { query } = boundTo(needPrometheus(context));
    const expressions = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ title, expression: filled(expr) })),
    );
    expect(expressions.length).toBeGreaterThan(50);
    for (const { expression } of expressions) expect(expression).not.toContain("$");
    const empty = async () => {
      const found = await Promise.all(
        expressions.map(async ({ title, expression }) => {
          const absent = await missing(expression);
          const results = await query(expression);
          return [...absent, ...(results.length === 0 ? ["nothing to show"] : [])].map(
            (problem) => `${title}: ${problem}: ${expression}`,
          );
        }),
      );
      return found.flat();
    };
    await expect.poll(empty, patiently).toEqual([]);
  });

  test("the dashboard's variables and marks", async (context) => {
    needPrometheus(context);
    const queries = (dashboard.templating.list as { type: string; definition: string }[]).flatMap(
      ({ type, definition }) => (type === "query" ? [definition] : []),
    );
    expect(queries).toHaveLength(4);
    for (const definition of queries) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(definition)!;
      expect(await missing(`count by (${label}) (${filled(series!)})`)).toEqual([]);
    }
    const marks = (dashboard.annotations.list as { target?: { expr: string } }[]).flatMap(({ target }) =>
      target ? [target.expr] : [],
    );
    expect(marks).toHaveLength(1);
    for (const expression of marks) {
      expect(await missing(filled(expression))).toEqual([]);
      await prometheus!.query(filled(expression));
    }
  });

  test("and leaves out nothing that is counted", async () => {
    const used = new Set(
      [
        ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => filled(expr))),
        ...ruleFiles.flatMap((file) => readFileSync(file, "utf8").match(/\bplumb_\w+/g)!),
      ].flatMap((expression) =>
        seriesUse(expression).selectors.map(({ metric }) => metric.replace(/_(bucket|sum|count)$/, "")),
      ),
    );
    const counted = [...(await scrape(server)).keys()].filter((name) => name.startsWith("plumb_"));
    expect(counted.length).toBeGreaterThan(20);
    expect(counted.filter((name) => !used.has(name))).toEqual([]);
  });

  test.for([
    ["plumb_nonsense_total", ["no series plumb_nonsense_total{}"]],
    ['plumb_ready{colour="red"}', ['no series plumb_ready{colour="red"}']],
    ['plumb_requests_total{result=~"ok|okay"}', ['no series plumb_requests_total{result="okay"}']],
    ["sum by (modell) (plumb_rows_total)", ["no label modell"]],
  ] as const)("what isn't there is found: %s", async ([expression, problems], context) => {
    needPrometheus(context);
    expect(await missing(expression)).toEqual(problems);
  });
});

test("Prometheus had nothing to complain of, all the while", (context) => {
  const complaints = needPrometheus(context).log.filter(
    ({ level, msg }) => level === "warn" || level === "error" || msg === "Scrape failed",
  );
  // A machine that stands still for a second is not what this is about.
  expect(complaints.filter(({ err }) => !String(err).includes("context deadline exceeded"))).toEqual([]);
});

/** Methods to take apart. */
function boundTo(process: PrometheusProcess) {
  return { query: process.query.bind(process), rules: process.rules.bind(process) };
}

/** What an expression asks for and Prometheus doesn't have: series, values of labels, labels. */
async function missing(expression: string): Promise<string[]> {
  const { selectors, groupings } = seriesUse(expression);
  const wanted = selectors.flatMap(alternatives);
  const has = async (series: string) => (await prometheus!.query(`count(${series})`)).length > 0;
  const series = await Promise.all(wanted.map(async (one) => ((await has(one)) ? [] : [`no series ${one}`])));
  const labels = await Promise.all(
    groupings.map(async (label) => {
      const found = await Promise.all(selectors.map(({ metric }) => has(`${metric}{${label}!=""}`)));
      return found.includes(true) ? [] : [`no label ${label}`];
    }),
  );
  return [...series, ...labels].flat();
}

/** A selector as several, one for each of the values that a matcher names. */
function alternatives({ metric, matchers }: Selector): string[] {
  if (matchers.length === 0) return [`${metric}{}`];
  return matchers.flatMap(({ label, operator, value }) => {
    if (operator === "=~" && /^\w+(\|\w+)+$/.test(value))
      return value.split("|").map((one) => `${metric}{${label}="${one}"}`);
    return [`${metric}{${label}${operator}${JSON.stringify(value)}}`];
  });
}

describe("promtool check metrics", () => {
  /**
   * Names that break Prometheus' conventions and aren't ours: Triton's are kept as they are so that its users'
   * dashboards work unchanged, and prom-client gives Node's active resources, which are gauges, a counter's name.
   */
  const othersNames = /^(nv_inference_\w+|nodejs_active_(handles|requests|resources)_total)$/;

  test("finds nothing wrong with any name of ours", async (context) => {
    const promtool = needProgram(context, "promtool");
    await callAll();
    const { text } = await ask(server.adminPort, "/metrics");
    const check = (metrics: string) => spawnSync(promtool, ["check", "metrics"], { input: metrics, encoding: "utf8" });
    const complaints = (said: { stdout: string; stderr: string }) =>
      `${said.stdout}${said.stderr}`.split("\n").filter((line) => line !== "");
    const all = complaints(check(text));
    expect(all.length).toBeGreaterThan(0);
    expect(all.filter((line) => !othersNames.test(line.split(" ")[0]!))).toEqual([]);
    const ours = text
      .split("\n")
      .filter((line) => !othersNames.test(/^(?:# \w+ )?([\w:]+)/.exec(line)?.[1] ?? ""))
      .join("\n");
    expect(ours).toContain("plumb_requests_total{");
    expect(ours).not.toContain("nv_inference");
    expect({ status: check(ours).status, complaints: complaints(check(ours)) }).toEqual({ status: 0, complaints: [] });
  });
});

describe("a scraper", () => {
  test("that reads nothing, or leaves before or within its reply, changes no answer", async () => {
    // Many models make a text of which a client that doesn't read takes only a part.
    const many = await writeStore(...Array.from({ length: 30 }, (_, i) => echoModel({ name: `echo-${i}` })));
    const scraped = await startServer(many.directory, "--default-model", "echo-0", "--access-log", "off");
    for (let i = 0; i < 30; i++) await post(scraped.httpPort, `/models/echo-${i}/predict`, { value: 1 });
    expect((await ask(scraped.adminPort, "/metrics")).text.length).toBeGreaterThan(400_000);
    const request = "GET /metrics HTTP/1.1\r\nhost: plumb\r\n\r\n";
    const connections = await Promise.all(Array.from({ length: 30 }, () => RawConnection.open(scraped.adminPort)));
    await Promise.all(
      connections.map(async (connection, i) => {
        if (i % 3 === 0) connection.socket.pause();
        if (i % 3 === 1) connection.socket.once("data", () => connection.destroy());
        await connection.write(request);
        if (i % 3 === 2) connection.destroy();
      }),
    );
    for (let value = 0; value < 200; value++) {
      const { status, json } = await post(scraped.httpPort, "/predict", { value });
      expect([status, json.prediction]).toEqual([200, value]);
    }
    // Those that read a little have left, each within its reply.
    await Promise.all(connections.filter((_, i) => i % 3 === 1).map(({ closed }) => closed));
    expect(await metric(scraped, "plumb_requests_total", { result: "ok" })).toBe(230);
    expect(await metric(scraped, "plumb_ready")).toBe(1);
    for (const connection of connections) connection.destroy();
    expect(scraped.log.filter(({ level }) => level === "error")).toEqual([]);
    expect((await scraped.end()).code).toBe(0);
    await many.remove();
  });
});
