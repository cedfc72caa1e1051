/** Goal: a version's batches hold it while they run, and one that is gone leaves nothing behind in the scheduler. */

import { expect, test } from "vitest";
import { createRig, expectedRaw } from "../../../support/scheduler-rig.js";

test("a batch in a worker holds its version, though nobody waits for its calls any more", async () => {
  const { pool, turns, submit, versions } = createRig({ execution: "pool" });
  const version = versions[0]!;
  const one = submit(1);
  turns.untilQuiet();
  expect(version.references).toBe(1);
  one.call.finished = true;
  let isDrained = false;
  void version.drain().then(() => (isDrained = true));
  await Promise.resolve();
  expect(isDrained).toBe(false);
  await pool.complete();
  expect([isDrained, version.references]).toEqual([true, 0]);
});

test("so does one whose worker died, only while it runs", async () => {
  const { pool, turns, submit, versions } = createRig({ execution: "pool", workers: 2 });
  const version = versions[0]!;
  const one = submit(1);
  turns.untilQuiet();
  await pool.die();
  turns.untilQuiet();
  expect(version.references).toBe(1);
  await pool.complete();
  expect([version.references, one.raw]).toEqual([0, expectedRaw(one)]);
});

test.each(["inline", "pool", "auto"] as const)(
  "%s: a version that is removed takes no more calls, its queue is gone, and the others go on",
  async (execution) => {
    const { pool, turns, submit, versions, scheduler, lanes } = createRig({ execution, lanes: 2 });
    const left = submit(1, { lane: 0 });
    const other = submit(2, { lane: 1 });
    left.call.finished = true;
    scheduler.removeLane(versions[0]!);
    expect([scheduler.lane(versions[0]!), scheduler.queuedRows]).toEqual([undefined, 2]);
    turns.untilQuiet();
    if (execution === "pool") await pool.complete();
    expect([left.ran, other.ran, other.raw, lanes[1]!.idle]).toEqual([0, 1, expectedRaw(other), true]);
    expect(() => submit(1, { lane: 0 })).toThrow("model tiny/1 isn't ready to run");
    scheduler.removeLane(versions[0]!);
  },
);
