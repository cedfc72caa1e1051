/**
 * Rows at which a tree ensemble may answer wrongly, if anywhere: at thresholds, one float below and above them, at members of sets and beside
 * them, and at the values that compare in ways of their own.
 */

import type { Block } from "../../../preprocessing/index.js";
import type { TreeModel } from "./tree-model.js";

/** Trees whose nodes are looked at, and rows: a few milliseconds of a load. */
const treesMost = 32;
const rowsMost = 256;

/**
 * @param random - From 0 to below 1: which trees are looked at, and which of their values meet in a row.
 * @returns Row-major [rows, featureCount]; every value that was found stands in a row, unless there are more than rows.
 */
export function proofRows(model: TreeModel, random: () => number): Block {
  const { featureCount, inputDtype } = model;
  const values = valuesByFeature(model, random);
  const rowCount = Math.min(rowsMost, Math.max(...values.map(({ length }) => length)));
  const block = inputDtype === "float32" ? new Float32Array(rowCount * featureCount) : new Float64Array(rowCount * featureCount);
  for (let feature = 0; feature < featureCount; feature++) {
    const ofFeature = shuffled(values[feature]!, random);
    for (let row = 0; row < rowCount; row++) block[row * featureCount + feature] = ofFeature[row % ofFeature.length]!;
  }
  return block;
}

const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0];

function valuesByFeature({ ensemble, featureCount, inputDtype }: TreeModel, random: () => number): number[][] {
  const { roots, nodes } = ensemble;
  const values = Array.from({ length: featureCount }, () => new Set<number>(special));
  const waiting = Array.from({ length: Math.min(treesMost, roots.length) }, () => roots[Math.floor(random() * roots.length)]!);
  let left = rowsMost * featureCount;
  while (waiting.length > 0 && left > 0) {
    const at = waiting.pop()!;
    if (at < 0) continue;
    const of = values[nodes.feature[at]!]!;
    const found =
      nodes.members.get(at)?.flatMap((member) => [member, member + 1, member - 0.5]) ?? around(nodes.threshold[at]!, inputDtype);
    for (const value of found) of.add(value);
    left -= found.length;
    waiting.push(nodes.left[at]!, nodes.right[at]!);
  }
  // -0 and 0 are one to a set.
  return values.map((ofFeature) => [...ofFeature, -0]);
}

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new BigInt64Array(double.buffer);

/** A threshold as a row can have it, and its two neighbours. */
function around(threshold: number, dtype: "float32" | "float64"): number[] {
  const [values, bits, one] = dtype === "float32" ? [single, singleBits, 1] : [double, doubleBits, 1n];
  values[0] = threshold;
  const nearest = values[0]!;
  if (!Number.isFinite(nearest) || nearest === 0) return [nearest, Number.MIN_VALUE, -Number.MIN_VALUE];
  const moved = (by: 1 | -1) => {
    values[0] = nearest;
    (bits as Int32Array)[0] = ((bits[0] as number) + (by === 1 ? (one as number) : -(one as number))) as number;
    return values[0]!;
  };
  return [nearest, moved(1), moved(-1)];
}

function shuffled(values: readonly number[], random: () => number): number[] {
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
