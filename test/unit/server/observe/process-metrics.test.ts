/**
 * Goal: the process's metrics are those that prom-client's own index collects, and no step of loading or writing them
 * is a long one.
 */

import { collectDefaultMetrics, Registry } from "prom-client";
import { expect, test } from "vitest";
import { openProcessMetrics } from "../../../../server/observe/process-metrics.js";

async function textOf(pause: () => undefined): Promise<string> {
  const metrics = await openProcessMetrics(pause);
  let text = "";
  for await (const piece of metrics.text(pause)) text += piece;
  return text;
}

const declared = (text: string) => text.match(/^# (?:HELP|TYPE) .*$/gm)!.sort();

test("are the same, by name, type and meaning", async () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  expect(declared(await textOf(() => undefined))).toEqual(declared(await registry.metrics()));
});

test("count the processor time that the process has had from its start, each second once", async () => {
  const metrics = await openProcessMetrics(() => undefined);
  for (let i = 0; i < 2; i++) {
    const before = process.cpuUsage();
    let text = "";
    for await (const piece of metrics.text(() => undefined)) text += piece;
    const after = process.cpuUsage();
    const seconds = Number(/^process_cpu_seconds_total (.*)$/m.exec(text)![1]);
    expect(seconds).toBeGreaterThanOrEqual((before.user + before.system) / 1e6 - 1e-6);
    expect(seconds).toBeLessThanOrEqual((after.user + after.system) / 1e6 + 1e-6);
  }
});

test("rest between any two of them", async () => {
  let pauses = 0;
  const text = await textOf(() => void pauses++);
  expect(pauses).toBeGreaterThan(text.match(/^# TYPE /gm)!.length);
});
