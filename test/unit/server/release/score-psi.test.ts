/** Goal: 0 for the same scores, the textbook's index otherwise, and larger the farther apart they are. */

import { expect, it } from "vitest";
import { type BucketCounts, scoreBucket, stabilityIndex } from "../../../../server/release/score-psi.js";

function countsOf(scores: readonly number[]): BucketCounts {
  const counts = new Map<number, number>();
  for (const score of scores) counts.set(scoreBucket(score), (counts.get(scoreBucket(score)) ?? 0) + 1);
  return counts;
}

it("buckets are in the order of their scores", () => {
  const scores = [-1e30, -2, -1, -1e-30, 0, 1e-30, 1, 2, 1e30];
  const buckets = scores.map(scoreBucket);
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  expect(new Set(buckets).size).toBe(scores.length);
});

it("is exactly 0 for the same scores, and null without any", () => {
  const scores = countsOf(Array.from({ length: 1000 }, (_, i) => i / 7 - 30));
  expect(stabilityIndex(scores, scores)).toBe(0);
  expect(stabilityIndex(new Map(), new Map())).toBe(null);
});

it("of labels is the sum over labels, with half a count added to each", () => {
  const [champion, shadow] = [
    new Map([
      ["no", 800],
      ["yes", 200],
    ]),
    new Map([
      ["no", 600],
      ["yes", 400],
    ]),
  ];
  const term = (p: number, q: number) => (p - q) * Math.log(p / q);
  const expected = term(800.5 / 1001, 600.5 / 1001) + term(200.5 / 1001, 400.5 / 1001);
  expect(stabilityIndex(champion, shadow)).toBeCloseTo(expected, 12);
});

it("of numbers is near that of tenths of the champion's scores", () => {
  const champion = Array.from({ length: 10_000 }, (_, i) => 100 + i / 100);
  const shadow = champion.map((score) => score + 10);
  // One tenth is empty, and the last holds two.
  const [empty, twice] = [0.5 / 10_005, 2000.5 / 10_005];
  const tenth = 1000.5 / 10_005;
  const expected = (tenth - empty) * Math.log(tenth / empty) + (twice - tenth) * Math.log(twice / tenth);
  const got = stabilityIndex(countsOf(champion), countsOf(shadow))!;
  expect(Math.abs(got / expected - 1)).toBeLessThan(0.35);
  expect(stabilityIndex(countsOf(champion), countsOf(champion.map((score) => score + 1)))!).toBeLessThan(got);
});
