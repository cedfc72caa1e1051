/**
 * The rules in deploy/prometheus: Prometheus takes them, each is tested, and each alert tells whoever is woken what to
 * do.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { needProgram } from "../../support/programs.js";

const folder = "deploy/prometheus";
const ruleFiles = ["slo.rules.yml", "server.rules.yml"].map((file) => join(folder, file));
const testFiles = (under: string) => readdirSync(join(under, "tests")).map((file) => join(under, "tests", file));
const rules = ruleFiles.map((file) => readFileSync(file, "utf8")).join("\n");
const tests = testFiles(folder)
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** Each alert with the lines that belong to it. */
const alerts = rules.split(/^ {6}- (?=alert:|record:)|^ {2}- name:/m).flatMap((text) => {
  const [, name] = /^alert: (\w+)$/m.exec(text) ?? [];
  return name === undefined ? [] : [{ name, text, severity: /^ {10}severity: (\w+)$/m.exec(text)?.[1] }];
});
const recorded = [...rules.matchAll(/^ {6}- record: (\S+)$/gm)].map(([, name]) => name!);

describe("promtool", () => {
  const run = (program: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    return { status, said: stdout + stderr };
  };

  it("takes the rules, as many as are read here", (context) => {
    const { status, said } = run(needProgram(context, "promtool"), "check", "rules", ...ruleFiles);
    expect({ status, said }).toMatchObject({ status: 0 });
    const counts = [...said.matchAll(/(\d+) rules found/g)].map(([, count]) => Number(count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(alerts.length + recorded.length);
  });

  it("takes the example configuration, and finds the rules by it", (context) => {
    const { status, said } = run(needProgram(context, "promtool"), "check", "config", join(folder, "prometheus.yml"));
    expect({ status, said }).toMatchObject({ status: 0 });
    for (const file of ruleFiles) expect(said).toContain(file.slice(folder.length));
  });

  it.for(testFiles(folder))("finds that the rules do what %s says", (file, context) => {
    const { status, said } = run(needProgram(context, "promtool"), "test", "rules", file);
    expect({ status, said }).toMatchObject({ status: 0 });
  });

  it.for([
    ["slo", "ratio_rate1h > 14.4 * 0.05", "ratio_rate1h > 20 * 0.05", "slo.test.yml"],
    ["slo", "(rate(plumb_slo_missed_total[30m]))", "(rate(plumb_slo_missed_total[6h]))", "recording.test.yml"],
    [
      "server",
      "(increase(plumb_model_faults_total[15m])) > 0",
      "(increase(plumb_model_faults_total[15m])) > 5",
      "model.test.yml",
    ],
  ] as const)("finds a rule that was changed: %s, %s", ([name, was, is, testFile], context) => {
    const promtool = needProgram(context, "promtool");
    const copy = mkdtempSync(join(tmpdir(), "plumb-rules-"));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    cpSync(folder, copy, { recursive: true });
    const file = join(copy, `${name}.rules.yml`);
    const changed = readFileSync(file, "utf8").replaceAll(was, is);
    expect(changed).toContain(is);
    writeFileSync(file, changed);
    expect(run(promtool, "test", "rules", join(copy, "tests", testFile)).status).toBe(1);
  });
});

describe("the tests of the rules", () => {
  it("have a case in which each alert fires, and one in which it doesn't", () => {
    const firing = new Set([...tests.matchAll(/^ {10}- labels: '\{alertname="(\w+)"/gm)].map(([, name]) => name!));
    const quiet = new Set(
      [...tests.matchAll(/alertname: (\w+), eval_time: \w+, exp_alerts: \[\]/g)].map(([, name]) => name!),
    );
    const names = alerts.map(({ name }) => name).sort();
    expect(names.length).toBeGreaterThan(20);
    expect([...firing].sort()).toEqual(names);
    expect([...quiet].sort()).toEqual(names);
  });

  it("have a value for each recording rule", () => {
    expect(new Set(recorded).size).toBe(recorded.length);
    expect(recorded.filter((name) => !new RegExp(`expr: .*${name}\\b`).test(tests))).toEqual([]);
  });
});

describe("an alert", () => {
  it.each(alerts)("says what it is, what to look at first and where to read on: $name", ({ text, severity }) => {
    expect(severity).toMatch(/^(page|ticket)$/);
    expect(text).toMatch(/^ {10}summary: ".*\{\{ \$labels\.\w+ \}\}.*"$/m);
    const [, description] = /^ {10}description: >-\n((?: {12}.*\n)+)/m.exec(text)!;
    // A question to begin with, or the one thing that it can be.
    expect(description).toMatch(/Look first at|A peak at the same hour|Either the servers/);
    const [, page, anchor] = /^ {10}runbook: (docs\/[\w-]+\.md)#([\w-]+)$/m.exec(text)!;
    expect(readFileSync(page!, "utf8")).toMatch(new RegExp(`^#+ ${anchor}$`, "im"));
  });

  it("has its row in docs/operations.md, with its severity", () => {
    const page = readFileSync("docs/operations.md", "utf8");
    const [, body] = /^\| alert \| severity \| fires when \| first \|\n\| [-| ]+\n((?:\|.*\n)+)/m.exec(page)!;
    const rows = body!.trimEnd().split("\n");
    const cells = rows.map((row) => row.slice(2, -2).split(" | "));
    expect(cells.map(([name, severity]) => [name, severity])).toEqual(
      alerts.map(({ name, severity }) => [`\`${name}\``, severity]),
    );
    for (const row of cells) {
      expect(row).toHaveLength(4);
      for (const cell of row) expect(cell.trim()).not.toBe("");
    }
  });

  it("on the burn rate names the share that it means", () => {
    const burning = alerts.filter(({ name }) => name.startsWith("PlumbSloBurn"));
    expect(burning).toHaveLength(4);
    for (const { name, text } of burning) {
      const rates = [...text.matchAll(/:ratio_rate\w+ > ([\d.]+) \* 0\.05/g)].map(([, rate]) => Number(rate));
      expect(rates, name).toEqual([rates[0], rates[0]]);
      expect(text).toContain(`More than ${Number((rates[0]! * 5).toFixed(3))} % of`);
    }
  });
});
