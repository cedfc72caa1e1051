/** Goal: how long until a worker is free is known from what runs. */

import { expect, test } from "vitest";
import { Executors } from "../../../../server/inference/executors.js";
import { HandWorkedPool } from "../../../support/hand-worked-pool.js";

function busy(endsMs: readonly number[]): Executors {
  const pool = new HandWorkedPool(endsMs.length);
  const executors = new Executors(pool);
  for (const ends of endsMs) {
    void pool.run("tiny/1", [new Float32Array(1)], 1);
    executors.began({ endsMs: ends });
  }
  return executors;
}

test("an idle worker is free now", () => {
  expect(new Executors(new HandWorkedPool(1)).freeInMs(0)).toBe(0);
});

test("busy ones are free when the first of them ends", () => {
  expect(busy([30, 12, 50]).freeInMs(10)).toBe(2);
});

test("one that is over its time takes as much again", () => {
  expect(busy([30]).freeInMs(530)).toBe(500);
});

test("where no worker is there, one is when it has started", () => {
  const pool = new HandWorkedPool(2);
  pool.alive = 0;
  pool.comesMs = 400;
  expect(new Executors(pool).freeInMs(0)).toBe(400);
});

test("a batch that ended is forgotten", () => {
  const executors = busy([30]);
  const batch = { endsMs: 12 };
  executors.began(batch);
  expect(executors.freeInMs(10)).toBe(2);
  executors.ended(batch);
  expect(executors.freeInMs(10)).toBe(20);
});

test("workers are shared by queues whose calls came within a second", () => {
  const executors = new Executors(new HandWorkedPool(1));
  const [a, b] = [{}, {}];
  executors.seen(a, 0);
  expect([executors.isShared(a, 0), executors.isShared(b, 0)]).toEqual([false, true]);
  executors.seen(b, 10);
  for (let nowMs = 20; nowMs <= 1000; nowMs += 10) executors.seen(b, nowMs);
  expect([executors.isShared(a, 999), executors.isShared(b, 999)]).toEqual([true, true]);
  expect(executors.isShared(b, 1000)).toBe(false);
  executors.seen(a, 1500);
  expect(executors.isShared(b, 1501)).toBe(true);
});
