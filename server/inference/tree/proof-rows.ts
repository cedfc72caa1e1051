/**
 * Rows at which a tree ensemble may answer wrongly, if anywhere: at thresholds, one float below and above them, at
 * members of sets and beside them, and at the values that compare in ways of their own.
 */

import type { Block } from "../../../preprocessing/index.js";
import type { TreeModel } from "./tree-model.js";

/** Trees whose nodes are looked at, rows, and all their values: a few milliseconds of a load. */
const treesMost = 32;
const rowsMost = 256;
const valuesMost = 2 ** 20;
/** However wide they are: as many as there are values that compare in ways of their own, and more. */
const rowsLeast = 8;

/**
 * @param random - From 0 to below 1: which trees are looked at, and which of their values meet in a row.
 * @returns Row-major [rows, featureCount]; every value that was found stands in a row, unless there are more than rows.
 */
export function proofRows(model: TreeModel, random: () => number): Block {
  const { featureCount, inputDtype } = model;
  const values = valuesByFeature(model, random);
  const wanted = values.reduce((most, { length }) => Math.max(most, length), 0);
  const rowCount = Math.min(wanted, rowsMost, Math.max(rowsLeast, Math.floor(valuesMost / featureCount)));
  const block =
    inputDtype === "float32" ? new Float32Array(rowCount * featureCount) : new Float64Array(rowCount * featureCount);
  for (let feature = 0; feature < featureCount; feature++) {
    const ofFeature = shuffled(values[feature]!, random);
    for (let row = 0; row < rowCount; row++) block[row * featureCount + feature] = ofFeature[row % ofFeature.length]!;
  }
  return block;
}

/** The values that compare in ways of their own. */
const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0];

function valuesByFeature({ ensemble, featureCount, inputDtype }: TreeModel, random: () => number): number[][] {
  const { roots, nodes } = ensemble;
  const found = new Map<number, Set<number>>();
  const waiting = Array.from(
    { length: Math.min(treesMost, roots.length) },
    () => roots[Math.floor(random() * roots.length)]!,
  );
  let left = rowsMost * featureCount;
  while (waiting.length > 0 && left > 0) {
    const at = waiting.pop()!;
    if (at < 0) continue;
    const feature = nodes.feature[at]!;
    const values =
      nodes.members.get(at)?.flatMap((member) => [member, member + 1, member - 0.5]) ??
      around(nodes.threshold[at]!, inputDtype);
    const ofFeature = found.get(feature) ?? new Set(special);
    for (const value of values) ofFeature.add(value);
    found.set(feature, ofFeature);
    left -= values.length;
    waiting.push(nodes.left[at]!, nodes.right[at]!);
  }
  // -0 and 0 are one to a set.
  return Array.from({ length: featureCount }, (_, feature) =>
    found.has(feature) ? [...found.get(feature)!, -0] : special,
  );
}

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new BigInt64Array(double.buffer);
const smallest = { float32: 2 ** -149, float64: Number.MIN_VALUE } as const;
const largest = { float32: 2 ** 128 - 2 ** 104, float64: Number.MAX_VALUE } as const;

/** A threshold as a row can have it, and its two neighbours. */
function around(threshold: number, dtype: "float32" | "float64"): number[] {
  // No number has passed it, and infinity is among the special ones.
  if (Number.isNaN(threshold)) return [largest[dtype]];
  const nearest = dtype === "float32" ? Math.fround(threshold) : threshold;
  if (nearest === 0) return [nearest, smallest[dtype], -smallest[dtype]];
  if (!Number.isFinite(nearest)) return [nearest, Math.sign(nearest) * largest[dtype]];
  return [nearest, moved(nearest, 1, dtype), moved(nearest, -1, dtype)];
}

/** The next float away from zero (1) or towards it (-1). */
function moved(value: number, by: 1 | -1, dtype: "float32" | "float64"): number {
  if (dtype === "float32") {
    single[0] = value;
    singleBits[0]! += by;
    return single[0]!;
  }
  double[0] = value;
  doubleBits[0]! += BigInt(by);
  return double[0]!;
}

function shuffled(values: readonly number[], random: () => number): number[] {
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
