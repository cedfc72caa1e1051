/** Goal: a key has one arm, everywhere and for as long as it may; shares are what they say; experiments are independent. */

import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { armAt, bucketCount, bucketOf, murmur3 } from "../../../../server/routing/assignment.js";

describe("murmur3", () => {
  it.each([
    ["", 0],
    ["a", 0x3c2569b2],
    ["hello", 0x248bfa47],
    ["hello, world", 0x149bbb7f],
    ["The quick brown fox jumps over the lazy dog", 0x2e4ff723],
  ])("gives the published value of %j", (text, expected) => {
    expect(murmur3(Buffer.from(text))).toBe(expected);
  });
});

const keyCount = 1_000_000;
/** Of a normal distribution: 99.9 % lie within. */
const z999 = 3.2905;

describe("shares", () => {
  const buckets = new Uint32Array(bucketCount);
  for (let key = 0; key < keyCount; key++) buckets[bucketOf("demand/2", `customer-${key}`)]!++;
  const countOf = (arm: string, canaryBuckets: number) =>
    buckets.reduce((sum, count, bucket) => (armAt(bucket, canaryBuckets) === arm ? sum + count : sum), 0);

  it.each([1, 100, 500, 1000, 5000])("of %i buckets are within the binomial band, canary and control", (share) => {
    const expected = (keyCount * share) / bucketCount;
    const band = z999 * Math.sqrt(expected * (1 - share / bucketCount));
    for (const arm of ["canary", "control"]) expect(Math.abs(countOf(arm, share) - expected)).toBeLessThan(band);
  });

  it("of nothing and of all", () => {
    expect([countOf("canary", 0), countOf("control", 0)]).toEqual([0, 0]);
    expect(countOf("canary", bucketCount)).toBe(keyCount);
    expect(countOf("canary", 7000) + countOf("control", 7000)).toBe(keyCount);
  });
});

it("two salts draw independently: chi-square of 10 by 10 groups of keys", () => {
  const cells = Array.from({ length: 10 }, () => new Float64Array(10));
  for (let key = 0; key < 200_000; key++) {
    const groupOf = (salt: string) => Math.floor(bucketOf(salt, String(key)) / 1000);
    cells[groupOf("demand/2")]![groupOf("demand/3")]!++;
  }
  const chiSquare = cells.flatMap((row) => [...row]).reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
  // 99 degrees of freedom, p = 0.001.
  expect(chiSquare).toBeLessThan(148.2);
});

it("a key that has the canary keeps it as the share grows, and has no other arm than before while it doesn't", () => {
  const steps = fc.integer({ min: 0, max: bucketCount });
  fc.assert(
    fc.property(fc.string(), fc.string(), steps, steps, (salt, key, one, other) => {
      const bucket = bucketOf(salt, key);
      const [small, large] = [Math.min(one, other), Math.max(one, other)];
      if (armAt(bucket, small) === "canary") expect(armAt(bucket, large)).toBe("canary");
      if (armAt(bucket, small) === "control") expect(armAt(bucket, large)).not.toBe("champion");
    }),
  );
});
