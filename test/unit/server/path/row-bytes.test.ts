/** Goal: from a body's length follows how many rows it holds, as far as that can be said. */

import { expect, test } from "vitest";
import { RowBytes } from "../../../../server/path/row-bytes.js";
import { jitteredSeconds } from "../../../../server/retry-after.js";

test("nothing is said before a body was decoded", () => {
  const bytes = new RowBytes();
  bytes.learn(2, 0);
  expect(bytes.rowsIn(1000)).toBeUndefined();
});

test("rows of the usual length are between two thirds and one and a half times as many as the length says", () => {
  const bytes = new RowBytes();
  for (let i = 0; i < 20; i++) bytes.learn(740, 10);
  expect(bytes.rowsIn(740_000)).toEqual({ least: 6666, most: 15_000 });
  expect(bytes.rowsIn(74)).toEqual({ least: 1, most: 2 });
});

test("it follows rows that become longer", () => {
  const bytes = new RowBytes();
  for (let i = 0; i < 20; i++) bytes.learn(100, 1);
  for (let i = 0; i < 200; i++) bytes.learn(1000, 1);
  expect(bytes.rowsIn(10_000)!.most).toBe(16);
});

test.each([
  { name: "at least a second", chance: 0, retryAfterMs: 100, seconds: 1 },
  { name: "the time itself", chance: 0, retryAfterMs: 4000, seconds: 4 },
  { name: "up to twice of it", chance: 0.999, retryAfterMs: 4000, seconds: 8 },
])("Retry-After is $name", ({ chance, retryAfterMs, seconds }) => {
  expect(jitteredSeconds(chance, retryAfterMs)).toBe(seconds);
});

test("Retry-After is one to three seconds where nothing is known", () => {
  expect([0, 0.5, 0.999].map((chance) => jitteredSeconds(chance))).toEqual([2, 2, 3]);
});
