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

test("a batch that ended is forgotten", () => {
  const executors = busy([30]);
  const batch = { endsMs: 12 };
  executors.began(batch);
  expect(executors.freeInMs(10)).toBe(2);
  executors.ended(batch);
  expect(executors.freeInMs(10)).toBe(20);
});
