/** Goal: wrk's own figures arrive whole, and its absence or its failure isn't taken for a result. */

import { describe, expect, test } from "vitest";
import { parseWrk } from "../../../loadtest/generators.js";

describe("wrk's output", () => {
  test("ends in our line", () => {
    const output = 'Running 2s test\n  1 threads\n\n{"requests":1000,"duration_us":2000000,"p50_us":71,"p99_us":250,"errors":3}\n';
    expect(parseWrk(output)).toEqual({ requestsPerSecond: 500, p50Ms: 0.071, p99Ms: 0.25, errors: 3 });
  });

  test("without it is an error", () => {
    expect(() => parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n")).toThrow(/unable to connect/);
  });
});
