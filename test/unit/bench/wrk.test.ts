/** Goal: wrk's own figures arrive whole, and its absence or its failure isn't taken for a result. */

import { describe, expect, test } from "vitest";
import { parseWrk, withOwnClientAtOne } from "../../../bench/wrk.js";
import type { Generator } from "../../../loadtest/generators.js";
import { answerOne, startTestServer } from "../../support/test-server.js";

describe("wrk's output", () => {
  test("ends in our line", () => {
    const output =
      'Running 2s test\n  1 threads\n\n{"requests":1000,"duration_us":2000000,"p50_us":71,"p99_us":250,"errors":3}\n';
    expect(parseWrk(output)).toEqual({ requests: 1000, requestsPerSecond: 500, p50Ms: 0.071, p99Ms: 0.25, errors: 3 });
  });

  test("without it is an error", () => {
    expect(() => parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n")).toThrow(/unable to connect/);
  });
});

test("at one connection our own client takes the place of a tool that counts whole milliseconds", async () => {
  const theirs = { requests: 7, requestsPerSecond: 7, p50Ms: 0, p99Ms: 0, errors: 0 };
  const tool: Generator = { name: "tool", saturate: async () => theirs };
  const generator = withOwnClientAtOne(tool, ['{"a":1}', '{"a":2}']);
  const server = await startTestServer(answerOne);
  try {
    const target = { host: "127.0.0.1", port: server.port, path: "/predict" };
    expect(await generator.saturate(target, 2, 1)).toBe(theirs);
    const { requests, requestsPerSecond, p50Ms, p99Ms, errors } = await generator.saturate(target, 1, 1);
    expect(errors).toBe(0);
    expect(requestsPerSecond).toBeGreaterThan(0);
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(requests).toBe(server.bodies.length);
    expect(server.connections()).toBe(1);
    expect(server.bodies.slice(0, 2)).toEqual(['{"a":1}', '{"a":2}']);
  } finally {
    await server.end();
  }
});
