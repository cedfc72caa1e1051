/**
 * From a row's values to its columns: everything that a node can ask of a value, asked once a row and not once a node.
 *
 * Thresholds of a feature are sorted, and a node's comparison `x < threshold` becomes "how many thresholds has x
 * passed?": exact, whatever the numbers are, because nothing is computed with them. A byte holds up to 253 thresholds;
 * a feature with more has a column for every 253.
 *
 * What a missing value does differs from node to node. So a chunk of thresholds has two columns: in one NaN counts as
 * having passed none (it goes left), in the other as having passed all (right); a node reads the one that it wants.
 * Membership of a set of categories is a column too.
 */

import { columns, featureCount, features, groupBytes, rowBytes } from "./memory";

/**
 * A feature's record: where its value stands in a row, what is done to it first, its thresholds (float64, ascending,
 * NaN last: never passed) and their number, its chunks (two columns' places each) and their number, its sets (0 for
 * none).
 */
export const featureBytes: i32 = 28;
/**
 * A record of sets: categories (float64, ascending) and their number, the first set's column (the others follow) and
 * their number, and words with a bit for each set, by category.
 */
export const setsBytes: i32 = 20;
/** Thresholds of a chunk. */
export const chunkThresholds: i32 = 253;

/** Passed none: left at every node of the column. */
export const passedNone: i32 = -128;
/** Right at every node of the column. */
export const passedAll: i32 = 126;

const asItIs: i32 = 0;
const roundDown: i32 = 1;
const cutOff: i32 = 2;

// @ts-ignore: decorator
@inline
function prepared(value: f64, rule: i32): f64 {
  if (rule == asItIs) return value;
  if (rule == roundDown) return Math.floor(value);
  if (rule == cutOff) return Math.trunc(value);
  return Math.floor(value) == value ? value : NaN;
}

/** @returns How many of the ascending `values` are at most `x`. */
// @ts-ignore: decorator
@inline
function countPassed(values: i32, count: i32, x: f64): i32 {
  let from = values;
  let length = count;
  while (length > 1) {
    const half = length >> 1;
    const middle = from + (half << 3);
    // A select, not a branch: which way it goes is anybody's guess.
    from = select(middle, from, load<f64>(middle) <= x);
    length -= half;
  }
  return ((from - values) >> 3) + i32(load<f64>(from) <= x);
}

/** Fills the tile's columns for `rowCount` rows that stand at `rows`, with values of type T. */
export function fillColumns<T>(rows: i32, rowCount: i32): void {
  for (let f = 0; f < featureCount; f++) {
    const feature = features + f * featureBytes;
    const rule = load<i32>(feature, 4);
    const thresholds = load<i32>(feature, 8);
    const thresholdCount = load<i32>(feature, 12);
    const chunks = load<i32>(feature, 16);
    const chunkCount = load<i32>(feature, 20);
    const sets = load<i32>(feature, 24);
    let value = rows + load<i32>(feature);
    if (chunkCount == 1 && sets == 0) {
      const left = load<i32>(chunks);
      const right = load<i32>(chunks, 4);
      for (let row = 0; row < rowCount; row++) {
        const x = prepared(<f64>load<T>(value), rule);
        const at = columns + (row >> 4) * groupBytes + (row & 15);
        const code = countPassed(thresholds, thresholdCount, x) - 128;
        const missing = x != x;
        store<i8>(at + left, select(passedNone, code, missing));
        store<i8>(at + right, select(passedAll, code, missing));
        value += rowBytes;
      }
      continue;
    }
    for (let row = 0; row < rowCount; row++) {
      const x = prepared(<f64>load<T>(value), rule);
      const at = columns + (row >> 4) * groupBytes + (row & 15);
      if (chunkCount > 0) fillChunks(chunks, chunkCount, thresholds, thresholdCount, at, x);
      if (sets != 0) fillSets(sets, at, x);
      value += rowBytes;
    }
  }
}

function fillChunks(chunks: i32, chunkCount: i32, thresholds: i32, thresholdCount: i32, at: i32, x: f64): void {
  let passed = countPassed(thresholds, thresholdCount, x);
  const missing = x != x;
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    const code = max(0, min(chunkThresholds, passed)) - 128;
    store<i8>(at + load<i32>(chunks), select(passedNone, code, missing));
    store<i8>(at + load<i32>(chunks, 4), select(passedAll, code, missing));
    passed -= chunkThresholds;
    chunks += 8;
  }
}

/** Members go left. The bits of what is no category, and then of NaN, follow those of the categories. */
function fillSets(sets: i32, at: i32, x: f64): void {
  const categories = load<i32>(sets);
  const categoryCount = load<i32>(sets, 4);
  const setCount = load<i32>(sets, 12);
  let category = categoryCount;
  if (x != x) {
    category++;
  } else {
    const last = countPassed(categories, categoryCount, x) - 1;
    if (last >= 0 && load<f64>(categories + (last << 3)) == x) category = last;
  }
  let word = load<i32>(sets, 16) + (category * ((setCount + 31) >> 5) << 2);
  let to = at + load<i32>(sets, 8);
  for (let done = 0; done < setCount; done += 32) {
    let bits = load<u32>(word);
    const end = to + (min(32, setCount - done) << 4);
    for (; to < end; to += 16) {
      // passedAll, and passedNone for a member: 2 more, by way of the largest byte.
      store<i8>(to, passedAll + ((bits & 1) << 1));
      bits >>= 1;
    }
    word += 4;
  }
}
