/** Goal: how long callers wait is learnt from those who leave, and not from those who are answered before. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Patience } from "../../../../server/inference/patience.js";

/** Calls whose callers wait so long, of a server that takes so long. */
function learn(patience: Patience, calls: readonly { waitsMs: number; answeredMs: number }[], nowMs = 0): void {
  for (const { waitsMs, answeredMs } of calls) {
    if (waitsMs < answeredMs) patience.left(waitsMs, nowMs);
    else if (patience.isWatched(nowMs)) patience.stayed(answeredMs);
  }
}

const many = (count: number, call: (i: number) => { waitsMs: number; answeredMs: number }) =>
  Array.from({ length: count }, (_, i) => call(i));

describe("how long callers wait", () => {
  test("isn't known while nobody leaves", () => {
    const patience = new Patience();
    learn(
      patience,
      many(1000, () => ({ waitsMs: 100, answeredMs: 50 })),
    );
    expect(patience.ms(0)).toBe(Number.POSITIVE_INFINITY);
  });

  test("isn't known of a handful", () => {
    const patience = new Patience();
    learn(
      patience,
      many(16, () => ({ waitsMs: 10, answeredMs: 50 })),
    );
    expect(patience.ms(0)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is the age at which all leave who weren't answered, however many were answered before", () => {
    const patience = new Patience();
    learn(
      patience,
      many(1000, (i) => ({ waitsMs: 10, answeredMs: i % 10 === 0 ? 50 : 1 + (i % 8) })),
    );
    // Three quarters of the time that callers wait.
    expect(patience.ms(0)).toBeGreaterThan(7);
    expect(patience.ms(0)).toBeLessThanOrEqual(7.5);
  });

  test("isn't taken from the few who leave while most wait", () => {
    const patience = new Patience();
    learn(
      patience,
      many(1000, (i) => ({ waitsMs: i % 3 === 0 ? 10 : 500, answeredMs: 100 })),
    );
    expect(patience.ms(0)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is beyond what is seen where the server answers everybody before, but for a few who leave at any age", () => {
    const patience = new Patience();
    learn(
      patience,
      many(5000, (i) => ({ waitsMs: i % 50 === 0 ? i % 20 : 500, answeredMs: 20 })),
    );
    expect(patience.ms(0)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is forgotten when nobody has left for some seconds", () => {
    const patience = new Patience();
    learn(
      patience,
      many(100, () => ({ waitsMs: 10, answeredMs: 50 })),
    );
    expect(patience.ms(4999)).toBeLessThanOrEqual(10);
    expect(patience.ms(5000)).toBe(Number.POSITIVE_INFINITY);
    expect(patience.isWatched(5000)).toBe(false);
    patience.left(300, 6000);
    expect(patience.ms(6000)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is learnt anew from callers who became more patient", () => {
    const patience = new Patience();
    learn(
      patience,
      many(2000, () => ({ waitsMs: 10, answeredMs: 50 })),
    );
    learn(
      patience,
      many(20_000, (i) => ({ waitsMs: 100, answeredMs: i % 20 === 0 ? 200 : 50 })),
    );
    expect(patience.ms(0)).toBeGreaterThan(65);
  });

  test("whatever they are, is never more than the longest that somebody waited who left", () => {
    const call = fc.record({
      waitsMs: fc.double({ min: 0.1, max: 1e5, noNaN: true }),
      answeredMs: fc.double({ min: 0.1, max: 1e5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 500 }), (calls) => {
        const patience = new Patience();
        learn(patience, calls);
        const leftMs = calls
          .filter(({ waitsMs, answeredMs }) => waitsMs < answeredMs)
          .map(({ waitsMs }) => Math.max(1, waitsMs));
        const learnt = patience.ms(0);
        if (learnt < Number.POSITIVE_INFINITY) expect(learnt).toBeLessThanOrEqual(Math.max(...leftMs));
      }),
    );
  });
});
