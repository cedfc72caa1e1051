/**
 * A tree ensemble as the kernel takes it, read from the operator `TreeEnsemble` (ai.onnx.ml 5) and checked: every index
 * in range, every tree a tree.
 *
 * Whatever way a node compares, here it goes left or right: right where its value has passed the threshold, `x >=
 * threshold`, or isn't a member.
 */

import { NotCovered } from "./not-covered.js";
import type { OnnxNode, OnnxTensor } from "./onnx-file.js";

export interface Ensemble {
  /** Of leaves and sums. Thresholds are float64, which holds those of both. */
  readonly dtype: "float32" | "float64";
  readonly targetCount: number;
  /** Node, or ~leaf, by tree. */
  readonly roots: Int32Array;
  readonly nodes: Nodes;
  /** By leaf. */
  readonly values: Float64Array;
  /** The target that a tree's leaves add to. */
  readonly targets: Int32Array;
  /** Levels of the deepest leaf, by tree. */
  readonly depths: Int32Array;
  /** Whether the sums are divided by the number of trees. */
  readonly averages: boolean;
}

/** One entry per node. */
export interface Nodes {
  readonly feature: Int32Array;
  /** NaN is passed by no number. */
  readonly threshold: Float64Array;
  /** The categories that go left, ascending, of a node that splits by them. */
  readonly members: ReadonlyMap<number, readonly number[]>;
  /** 1 where NaN goes left. */
  readonly missingLeft: Uint8Array;
  /** Node, or ~leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
}

/** The operator's modes. */
const mode = { atMost: 0, below: 1, atLeast: 2, above: 3, equal: 4, unequal: 5, member: 6 } as const;
const sum = 1;
const average = 0;
/**
 * Beyond, a model is left to ONNX Runtime: these would be some 200 MB of nodes, and as many rows in a proof's every
 * tree.
 */
const nodesMax = 4_000_000;
/** Levels of a tree that are followed one by one; real ones have at most a few dozen. */
const depthMax = 1000;
/** Beyond, sums would be most of the memory. */
const targetsMax = 10_000;

/**
 * @param featureCount - Values of a row.
 * @throws {@link NotCovered}
 */
export function readEnsemble(node: OnnxNode, featureCount: number): Ensemble {
  const { attributes } = node;
  const aggregate = attributes.get("aggregate_function") ?? sum;
  if (aggregate !== sum && aggregate !== average)
    throw new NotCovered(`it aggregates by function ${aggregate}, and only sums and means are covered`);
  if ((attributes.get("post_transform") ?? 0) !== 0) throw new NotCovered("the operator transforms its sums");
  const targetCount = attributes.get("n_targets");
  if (typeof targetCount !== "number" || targetCount < 1 || targetCount > targetsMax)
    throw new NotCovered(`it has ${targetCount} targets, and 1 to ${targetsMax} are covered`);
  const splits = tensorOf(attributes, "nodes_splits");
  const weights = tensorOf(attributes, "leaf_weights");
  const nodeCount = splits.values.length;
  const leafCount = weights.values.length;
  if (nodeCount > nodesMax) throw new NotCovered(`it has ${nodeCount} nodes, and ${nodesMax} is the most`);
  if (weights.dtype !== splits.dtype || (weights.dtype !== "float32" && weights.dtype !== "float64"))
    throw new NotCovered(`its splits are ${splits.dtype} and its leaves ${weights.dtype}`);

  const nodes = readNodes(attributes, splits.values, featureCount);
  const children = childrenOf(attributes, nodeCount, leafCount);
  turn(children, nodes.turned);
  const values = new Float64Array(weights.values);
  if (!values.every(Number.isFinite)) throw new NotCovered("a leaf isn't a finite number");
  const leafTargets = wholeNumbers(attributes, "leaf_targetids", leafCount, targetCount);
  const roots = wholeNumbers(attributes, "tree_roots", undefined, nodeCount);
  const { targets, depths } = walk(roots, children, leafTargets);
  const { feature, threshold, members, missingLeft } = nodes;
  return {
    dtype: weights.dtype,
    targetCount,
    roots: roots.map((root) => (children.left[root] === children.right[root] ? children.left[root]! : root)),
    nodes: { feature, threshold, members, missingLeft, ...children },
    values,
    targets,
    depths,
    averages: aggregate === average,
  };
}

type Attributes = OnnxNode["attributes"];

function tensorOf(attributes: Attributes, name: string): OnnxTensor {
  const value = attributes.get(name);
  if (value === undefined || typeof value === "number" || !("dtype" in value))
    throw new NotCovered(`${name} is missing, or no tensor`);
  return value;
}

/** @param length - As many there must be; undefined for any, but one. */
function wholeNumbers(attributes: Attributes, name: string, length: number | undefined, end: number): Int32Array {
  const value = attributes.get(name);
  if (value === undefined || typeof value === "number" || "dtype" in value)
    throw new NotCovered(`${name} is missing, or no list`);
  if (length === undefined ? value.length === 0 : value.length !== length)
    throw new NotCovered(`${name} has ${value.length} entries, and ${length ?? "at least 1"} are expected`);
  for (let i = 0; i < value.length; i++) {
    if (!(value[i]! >= 0 && value[i]! < end))
      throw new NotCovered(`${name}[${i}] is ${value[i]}, out of range: expected 0 to ${end - 1}`);
  }
  return new Int32Array(value);
}

function readNodes(attributes: Attributes, splits: OnnxTensor["values"], featureCount: number) {
  const count = splits.length;
  const modes = tensorOf(attributes, "nodes_modes").values;
  if (modes.length !== count)
    throw new NotCovered(`nodes_modes has ${modes.length} entries, and ${count} are expected`);
  const missingTrue = attributes.has("nodes_missing_value_tracks_true")
    ? wholeNumbers(attributes, "nodes_missing_value_tracks_true", count, 2)
    : new Int32Array(count);
  const feature = wholeNumbers(attributes, "nodes_featureids", count, featureCount);
  const threshold = new Float64Array(count);
  const missingLeft = new Uint8Array(count);
  /** 1 where what is true goes right. */
  const turned = new Uint8Array(count);
  const members = new Map<number, readonly number[]>();
  const nextMembers = attributes.has("membership_values")
    ? memberLists(tensorOf(attributes, "membership_values").values)
    : undefined;
  for (let i = 0; i < count; i++) {
    const split = splits[i]!;
    const how = modes[i]!;
    if (Number.isNaN(split) && how !== mode.member) throw new NotCovered(`nodes_splits[${i}] is NaN`);
    if (how === mode.member) {
      const list = nextMembers?.next().value;
      if (list === undefined)
        throw new NotCovered("membership_values ends before the last node that splits by members");
      members.set(i, list);
    } else if (how === mode.equal || how === mode.unequal) members.set(i, [split]);
    else if (how > mode.member) throw new NotCovered(`nodes_modes[${i}] is ${how}, an unknown one`);
    turned[i] = how === mode.atLeast || how === mode.above || how === mode.unequal ? 1 : 0;
    threshold[i] = how === mode.atMost || how === mode.above ? nextAbove(split) : split;
    // NaN is unequal to anything.
    missingLeft[i] = how === mode.unequal ? 0 : missingTrue[i]! ^ turned[i]!;
  }
  return { feature, threshold, members, missingLeft, turned };
}

/** A list for each node that has members, in the nodes' order: each ends in NaN. */
function* memberLists(values: OnnxTensor["values"]): Generator<readonly number[], undefined> {
  for (let begin = 0; begin < values.length; ) {
    let end = begin;
    while (end < values.length && !Number.isNaN(values[end])) end++;
    yield [...new Set(values.slice(begin, end))].sort((a, b) => a - b);
    begin = end + 1;
  }
  return undefined;
}

const bits = new DataView(new ArrayBuffer(8));

/**
 * The next float64, so that `x > threshold` becomes `x >= nextAbove(threshold)`; above infinity there is none, which
 * NaN says.
 */
function nextAbove(value: number): number {
  if (value === Number.POSITIVE_INFINITY) return Number.NaN;
  if (value === 0) return Number.MIN_VALUE;
  bits.setFloat64(0, value);
  const [high, low] = [bits.getInt32(0), bits.getUint32(4)];
  // Numbers of one sign are in the order of their bits.
  const next = value > 0 ? low + 1 : low - 1;
  bits.setUint32(4, next);
  if (next > 0xffffffff) bits.setInt32(0, high + 1);
  else if (next < 0) bits.setInt32(0, high - 1);
  return bits.getFloat64(0);
}

interface Children {
  readonly left: Int32Array;
  readonly right: Int32Array;
}

function childrenOf(attributes: Attributes, nodeCount: number, leafCount: number): Children {
  const end = Math.max(nodeCount, leafCount);
  const side = (name: "true" | "false"): Int32Array => {
    const ids = wholeNumbers(attributes, `nodes_${name}nodeids`, nodeCount, end);
    const leafs = wholeNumbers(attributes, `nodes_${name}leafs`, nodeCount, 2);
    for (let i = 0; i < nodeCount; i++) {
      const limit = leafs[i] === 1 ? leafCount : nodeCount;
      if (ids[i]! >= limit)
        throw new NotCovered(`nodes_${name}nodeids[${i}] is ${ids[i]}, out of range: expected 0 to ${limit - 1}`);
      if (leafs[i] === 1) ids[i] = ~ids[i]!;
    }
    return ids;
  };
  return { left: side("true"), right: side("false") };
}

function turn({ left, right }: Children, turned: Uint8Array): void {
  for (let i = 0; i < turned.length; i++) {
    if (turned[i] === 1) [left[i], right[i]] = [right[i]!, left[i]!];
  }
}

/** Meets every node of every tree once, or refuses; tells each tree's depth and target. */
function walk(
  roots: Int32Array,
  { left, right }: Children,
  leafTargets: Int32Array,
): { targets: Int32Array; depths: Int32Array } {
  const seen = new Uint8Array(left.length);
  const targets = new Int32Array(roots.length);
  const depths = new Int32Array(roots.length);
  const waiting: number[] = [];
  const levels: number[] = [];
  for (let tree = 0; tree < roots.length; tree++) {
    waiting.push(roots[tree]!);
    levels.push(0);
    let target = -1;
    while (waiting.length > 0) {
      const at = waiting.pop()!;
      const level = levels.pop()!;
      if (at < 0) {
        if (target >= 0 && leafTargets[~at] !== target)
          throw new NotCovered(`the leaves of tree ${tree} add to several targets`);
        target = leafTargets[~at]!;
        if (level > depths[tree]!) depths[tree] = level;
        continue;
      }
      if (seen[at] === 1) throw new NotCovered(`node ${at} is reached twice: its tree isn't one`);
      seen[at] = 1;
      if (level >= depthMax) throw new NotCovered(`tree ${tree} has more than ${depthMax} levels`);
      waiting.push(right[at]!, left[at]!);
      levels.push(level + 1, level + 1);
    }
    targets[tree] = target;
    // The operator has no tree without a node: one whose both sides end in the same leaf stands for it.
    if (left[roots[tree]!] === right[roots[tree]!]) depths[tree] = 0;
  }
  return { targets, depths };
}
