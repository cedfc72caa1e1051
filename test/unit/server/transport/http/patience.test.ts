/** Goal: a connection that doesn't get on is cut after 8 to 12 s, and one that does never is. */

import { describe, expect, test } from "vitest";
import {
  bodyBytesPerSecondMin,
  lookEveryMs,
  type Phase,
  patienceMs,
  verdict,
} from "../../../../../server/transport/http/patience.js";

const kibibyte = 1_024;

describe("what becomes of a connection", () => {
  const cases: [Phase, number, number, ReturnType<typeof verdict>][] = [
    ["waiting", 7_999, 0, "wait"],
    ["waiting", 8_000, 0, "late"],
    // Bytes of a head that doesn't end are no progress: they may come one by one.
    ["waiting", 8_000, 1_000, "late"],
    ["receiving", 7_999, 0, "wait"],
    ["receiving", 8_000, 128 * kibibyte - 1, "late"],
    ["receiving", 8_000, 128 * kibibyte, "progress"],
    ["receiving", 10_000, 128 * kibibyte, "late"],
    ["answering", 3_600_000, 0, "wait"],
    ["writing", 8_000, 0, "late"],
    ["writing", 8_000, 1, "progress"],
    ["closing", 7_999, 0, "wait"],
    ["closing", 8_000, 1_000_000, "late"],
  ];
  test.each(cases)("%s for %d ms, with %d bytes: %s", (phase, ms, bytes, expected) => {
    expect(verdict(phase, ms, bytes)).toBe(expected);
  });

  test("is seen within 12 s", () => {
    expect(patienceMs + 2 * lookEveryMs).toBeLessThanOrEqual(12_000);
    expect(bodyBytesPerSecondMin).toBe(16 * kibibyte);
  });
});
