/** Before engines are compared: do they answer the same rows alike? */

import type { Block } from "../../preprocessing/index.js";

/** @returns In words, the first value whose bits differ; undefined where there is none. */
export function firstDifferent(got: Block, expected: Block): string | undefined {
  if (got.length !== expected.length) return `expected ${expected.length} values, got ${got.length}`;
  for (let i = 0; i < got.length; i++)
    if (!Object.is(got[i], expected[i]))
      return `value ${i + 1}: expected ${textOf(expected[i]!)}, got ${textOf(got[i]!)}`;
  return undefined;
}

/**
 * @returns The largest difference, as a share of the largest expected value; NaN where a number is missing on one side.
 */
export function furthestApart(got: Block, expected: Block): number {
  if (got.length !== expected.length) return Number.NaN;
  let [apart, largest] = [0, 0];
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Number.NaN;
    apart = Math.max(apart, difference);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return largest === 0 ? apart : apart / largest;
}

/** Writes -0 with its sign. */
const textOf = (value: number) => (Object.is(value, -0) ? "-0" : String(value));
