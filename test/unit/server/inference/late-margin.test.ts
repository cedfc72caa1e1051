/** Goal: a margin that grows with forecasts that were too short, at once, and shrinks slowly. */

import { expect, test } from "vitest";
import { LateMargin } from "../../../../server/inference/late-margin.js";

test("there is none while batches end as forecast, or earlier", () => {
  const margin = new LateMargin();
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) margin.learn(-5, nowMs);
  expect(margin.at(1000)).toBe(0);
});

test("a few batches that end late make it as long as they were late", () => {
  const margin = new LateMargin();
  for (let nowMs = 0; nowMs < 100; nowMs += 5) margin.learn(40, nowMs);
  expect(margin.at(100)).toBeGreaterThan(35);
  expect(margin.at(100)).toBeLessThanOrEqual(40);
});

test("one that was late by a moment of the machine moves it by half of that", () => {
  const margin = new LateMargin();
  margin.learn(200, 0);
  expect(margin.at(0)).toBe(100);
});

test("it is gone after some seconds in which nothing was late", () => {
  const margin = new LateMargin();
  margin.learn(200, 0);
  expect(margin.at(5000)).toBeCloseTo(100 / Math.E, 6);
  expect(margin.at(50_000)).toBeLessThan(0.1);
});
