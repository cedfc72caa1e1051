/**
 * Which columns a tree ensemble reads, and what each of its nodes asks of them (kernel/columns.ts says what a column
 * is).
 *
 * Pure: numbers in, numbers out.
 */

import { NotCovered } from "./not-covered.js";
import type { TreeModel, WholeRule } from "./tree-model.js";

export interface ColumnPlan {
  /** The features that some node reads. */
  readonly features: readonly FeatureColumns[];
  /** With column 0, which nobody reads. */
  readonly columnCount: number;
  /** By node: its column's number. */
  readonly columnOf: Int32Array;
  /** By node: a row goes right whose byte in that column is above this one. */
  readonly codeOf: Int8Array;
}

export interface FeatureColumns {
  readonly feature: number;
  readonly rule: WholeRule;
  /** Ascending, without repetition; NaN, if it is one of them, last. */
  readonly thresholds: Float64Array;
  /**
   * Two columns for each chunk of thresholds: that in which NaN goes left, that in which it goes right; 0 where no node
   * reads it.
   */
  readonly chunks: Int32Array;
  readonly sets: CategorySets | undefined;
}

/** The sets of categories by which nodes split a feature. */
export interface CategorySets {
  /** All categories of all sets, ascending. */
  readonly categories: Float64Array;
  /** The first set's; the others' follow. */
  readonly column: number;
  readonly count: number;
  /**
   * Words for each category, then for what is none, then for NaN; in them a bit for each set that it is in, the first
   * set's the lowest.
   */
  readonly bits: Int32Array;
}

/** What the kernel says of a byte's meaning: its own exports. */
export interface ColumnCodes {
  readonly chunkThresholds: number;
  readonly passedNone: number;
}

const noNodes = new Int32Array(0);
/** A tile's columns are 64 bytes each: 4 MB. */
const columnsMax = 65_536;

/** @throws {@link NotCovered} for more columns than are worth filling for each row. */
export function planColumns({ ensemble, rules, featureCount }: TreeModel, codes: ColumnCodes): ColumnPlan {
  const { nodes } = ensemble;
  const columnOf = new Int32Array(nodes.feature.length);
  const codeOf = new Int8Array(nodes.feature.length);
  let columnCount = 1;
  const takeColumn = (): number => {
    if (columnCount === columnsMax) throw new NotCovered(`it asks more than ${columnsMax} columns of a row`);
    return columnCount++;
  };
  const features: FeatureColumns[] = [];
  for (const [feature, ofFeature] of byFeature(nodes.feature, featureCount).entries()) {
    if (ofFeature.length === 0) continue;
    const byThreshold = nodes.members.size === 0 ? ofFeature : ofFeature.filter((node) => !nodes.members.has(node));
    const thresholds = distinct(thresholdsOf(byThreshold, nodes.threshold));
    const chunks = new Int32Array(2 * Math.ceil(thresholds.length / codes.chunkThresholds));
    for (const node of byThreshold) {
      const place = placeOf(thresholds, nodes.threshold[node]!);
      const chunk = Math.floor(place / codes.chunkThresholds);
      const side = 2 * chunk + (nodes.missingLeft[node] === 1 ? 0 : 1);
      if (chunks[side] === 0) chunks[side] = takeColumn();
      columnOf[node] = chunks[side]!;
      codeOf[node] = codes.passedNone + (place % codes.chunkThresholds);
    }
    const byMembers = nodes.members.size === 0 ? noNodes : ofFeature.filter((node) => nodes.members.has(node));
    const sets = byMembers.length === 0 ? undefined : planSets(byMembers, nodes, takeColumn, columnOf);
    for (const node of byMembers) codeOf[node] = codes.passedNone;
    features.push({ feature, rule: rules[feature]!, thresholds, chunks, sets });
  }
  return { features, columnCount, columnOf, codeOf };
}

function planSets(
  found: Int32Array,
  { members, missingLeft }: TreeModel["ensemble"]["nodes"],
  takeColumn: () => number,
  columnOf: Int32Array,
): CategorySets {
  const categories = distinct(Float64Array.from([...found].flatMap((node) => members.get(node)!)).sort());
  const sets = new Map<string, { column: number; node: number }>();
  for (const node of found) {
    const key = `${missingLeft[node]}:${members.get(node)!.join()}`;
    let set = sets.get(key);
    if (set === undefined) {
      set = { column: takeColumn(), node };
      sets.set(key, set);
    }
    columnOf[node] = set.column;
  }
  const wordCount = (sets.size + 31) >> 5;
  const bits = new Int32Array((categories.length + 2) * wordCount);
  const mark = (category: number, set: number) => {
    bits[category * wordCount + (set >> 5)]! |= 1 << (set & 31);
  };
  for (const [index, { node }] of [...sets.values()].entries()) {
    for (const member of members.get(node)!) mark(placeOf(categories, member), index);
    if (missingLeft[node] === 1) mark(categories.length + 1, index);
  }
  const [first] = sets.values();
  return { categories, column: first!.column, count: sets.size, bits };
}

/** The nodes of each feature. */
function byFeature(feature: Int32Array, featureCount: number): Int32Array[] {
  const counts = new Int32Array(featureCount);
  for (let node = 0; node < feature.length; node++) counts[feature[node]!]!++;
  const lists = Array.from(counts, (count) => new Int32Array(count));
  const filled = new Int32Array(featureCount);
  for (let node = 0; node < feature.length; node++) lists[feature[node]!]![filled[feature[node]!]!++] = node;
  return lists;
}

function thresholdsOf(nodes: Int32Array, threshold: Float64Array): Float64Array {
  const values = new Float64Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) values[i] = threshold[nodes[i]!]!;
  return values.sort();
}

/** Of ascending values, those that differ from the one before: both zeros are one, and so are all NaN. */
function distinct(values: Float64Array): Float64Array {
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const [value, last] = [values[i]!, values[count - 1]];
    const repeats = count > 0 && (value === last || (Number.isNaN(value) && Number.isNaN(last)));
    if (!repeats) values[count++] = value;
  }
  return values.slice(0, count);
}

function placeOf(ascending: Float64Array, value: number): number {
  if (Number.isNaN(value)) return ascending.length - 1;
  let from = 0;
  let to = ascending.length;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (ascending[middle]! <= value) from = middle;
    else to = middle;
  }
  return from;
}
