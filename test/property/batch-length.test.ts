/** Goal: whatever waits, a batch beyond its first call keeps every deadline in it and the limit of rows, and leaves out nothing that fits. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { batchLength, type QueuedCall } from "../../server/inference/batch-length.js";

const queued: fc.Arbitrary<QueuedCall> = fc.record({
  rowCount: fc.integer({ min: 1, max: 300 }),
  deadlineMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(Number.POSITIVE_INFINITY)),
});
const situation = fc.record({
  queue: fc.array(queued, { minLength: 1, maxLength: 30 }),
  cost: fc.record({ fixedUs: fc.integer({ min: 0, max: 2000 }), perRowUs: fc.integer({ min: 0, max: 500 }) }),
  rowsMax: fc.integer({ min: 1, max: 1000 }),
  nowMs: fc.integer({ min: 0, max: 300 }),
});
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

const lengthOf = ({ queue, cost, rowsMax, nowMs }: Situation) => batchLength(queue, cost, rowsMax, nowMs);

/** Whether a batch of the first `count` calls keeps the limit and all its deadlines. */
function fits({ queue, cost, rowsMax, nowMs }: Situation, count: number): boolean {
  const batch = queue.slice(0, count);
  const rows = batch.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const endMs = nowMs + (cost.fixedUs + cost.perRowUs * rows) / 1000;
  return rows <= rowsMax && batch.every(({ deadlineMs }) => endMs <= deadlineMs);
}

test("takes the longest beginning of the queue that fits, and at least one call", () => {
  fc.assert(
    fc.property(situation, (given) => {
      const length = lengthOf(given);
      expect(length).toBeGreaterThanOrEqual(1);
      expect(length).toBeLessThanOrEqual(given.queue.length);
      if (length > 1) expect(fits(given, length)).toBe(true);
      if (length < given.queue.length) expect(fits(given, length + 1)).toBe(false);
    }),
  );
});

test("gets no shorter when the limit grows, the clock is earlier, a run costs less or a deadline is later", () => {
  fc.assert(
    fc.property(situation, fc.integer({ min: 0, max: 100 }), (given, more) => {
      const length = lengthOf(given);
      const { queue, cost, rowsMax, nowMs } = given;
      expect(lengthOf({ ...given, rowsMax: rowsMax + more })).toBeGreaterThanOrEqual(length);
      expect(lengthOf({ ...given, nowMs: nowMs - more })).toBeGreaterThanOrEqual(length);
      expect(lengthOf({ ...given, cost: { ...cost, perRowUs: Math.max(0, cost.perRowUs - more) } })).toBeGreaterThanOrEqual(length);
      expect(lengthOf({ ...given, queue: queue.map((call) => ({ ...call, deadlineMs: call.deadlineMs + more })) })).toBeGreaterThanOrEqual(
        length,
      );
    }),
  );
});

test("isn't changed by what waits behind the call that ended it", () => {
  fc.assert(
    fc.property(situation, fc.array(queued, { maxLength: 5 }), (given, behind) => {
      const length = lengthOf(given);
      fc.pre(length < given.queue.length);
      expect(lengthOf({ ...given, queue: [...given.queue, ...behind] })).toBe(length);
    }),
  );
});
