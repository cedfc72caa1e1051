/**
 * Tree ensembles of every shape, and rows that meet them where they may be wrong: made from a few numbers, so that a
 * failing one can be made smaller.
 */

import * as fc from "fast-check";
import type { Dtype, Forest, Mode, Split, TreeNode, WholeHow } from "./tree-onnx.js";

/** The shape of a forest; `seed` decides the rest. */
export interface ForestTraits {
  readonly seed: number;
  readonly dtypes: readonly [rows: Dtype, trees: Dtype];
  readonly shape: TreeShape | "mixed";
  readonly treeCount: number;
  readonly depth: number;
  readonly featureCount: number;
  readonly targetCount: number;
  /** The number of different thresholds of a feature. */
  readonly thresholds: number;
  readonly modes: "below" | "at most" | "any";
  readonly missing: "left" | "right" | "by node";
  readonly whole: WholeHow | undefined;
  readonly averages: boolean;
  readonly after: boolean;
}

type TreeShape = "leaf" | "stump" | "complete" | "uneven" | "chain";
const shapes: readonly TreeShape[] = ["leaf", "stump", "complete", "uneven", "chain"];

export const forestTraits: fc.Arbitrary<ForestTraits> = fc.record({
  seed: fc.integer({ min: 0 }),
  dtypes: fc.constantFrom<ForestTraits["dtypes"][]>(
    ["float32", "float32"],
    ["float32", "float64"],
    ["float64", "float64"],
  ),
  shape: fc.constantFrom<ForestTraits["shape"][]>("mixed", "uneven", "complete", "stump", "chain", "leaf"),
  treeCount: fc.integer({ min: 1, max: 60 }),
  depth: fc.integer({ min: 0, max: 14 }),
  featureCount: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })),
  targetCount: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 5 })),
  thresholds: fc.constantFrom(2, 16, 254, 2000),
  modes: fc.constantFrom<ForestTraits["modes"][]>("below", "at most", "any"),
  missing: fc.constantFrom<ForestTraits["missing"][]>("left", "right", "by node"),
  whole: fc.constantFrom<ForestTraits["whole"][]>(undefined, "floor", "truncate", "or missing"),
  averages: fc.boolean(),
  after: fc.boolean(),
});

/** Numbers in [0, 1), the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = (seed | 0) + 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Inner nodes of one tree, so that a complete one of depth 14 doesn't stand for all the time there is. */
const nodesMax = 400;

export function makeForest(traits: ForestTraits): Forest {
  const { seed, dtypes, shape, treeCount, depth, featureCount, targetCount, whole, averages } = traits;
  const random = randomOf(seed);
  const [inputDtype, dtype] = dtypes;
  const columns = whole
    ? Array.from({ length: featureCount }, (_, i) => i).filter((i) => i === 0 || random() < 0.3)
    : [];
  const maker = new TreeMaker(traits, columns, random);
  const trees = Array.from({ length: treeCount }, () =>
    maker.tree(shape === "mixed" ? pick(shapes, random) : shape, depth),
  );
  return {
    dtype,
    inputDtype,
    featureCount,
    targetCount,
    trees,
    targets: trees.map(() => Math.floor(random() * targetCount)),
    averages,
    ...(whole ? { whole: { how: whole, columns } } : {}),
    after: traits.after
      ? [
          { op: pick(["Div", "Mul"] as const, random), operand: [1 + Math.floor(random() * 9)] },
          { op: "Add", operand: Array.from({ length: targetCount }, () => random() - 0.5) },
        ]
      : [],
  };
}

class TreeMaker {
  readonly #traits: ForestTraits;
  readonly #columns: readonly number[];
  readonly #random: () => number;

  constructor(traits: ForestTraits, columns: readonly number[], random: () => number) {
    this.#traits = traits;
    this.#columns = columns;
    this.#random = random;
  }

  tree(shape: TreeShape, depth: number): TreeNode {
    switch (shape) {
      case "leaf":
        return this.#leaf();
      case "stump":
        return this.#split(this.#leaf(), this.#leaf());
      case "complete":
        return this.#complete(Math.min(depth, 8));
      case "chain":
        return this.#chain(depth);
      case "uneven":
        return this.#uneven(depth, { left: Math.floor(this.#random() * nodesMax) });
    }
  }

  #complete(depth: number): TreeNode {
    return depth === 0 ? this.#leaf() : this.#split(this.#complete(depth - 1), this.#complete(depth - 1));
  }

  #chain(depth: number): TreeNode {
    let node: TreeNode = this.#leaf();
    for (let level = 0; level < depth; level++)
      node = this.#random() < 0.5 ? this.#split(node, this.#leaf()) : this.#split(this.#leaf(), node);
    return node;
  }

  #uneven(depth: number, nodes: { left: number }): TreeNode {
    if (depth === 0 || nodes.left <= 0 || this.#random() < 0.15) return this.#leaf();
    nodes.left--;
    return this.#split(this.#uneven(depth - 1, nodes), this.#uneven(depth - 1, nodes));
  }

  #leaf(): number {
    const chance = this.#random();
    if (chance < 0.02) return pick([0, -0, 1e-45, 5e-324, 3e38, -3e38], this.#random);
    return (this.#random() - 0.5) * 10 ** Math.floor(this.#random() * 6 - 3);
  }

  #split(yes: TreeNode, no: TreeNode): Split {
    const { featureCount, missing } = this.#traits;
    const feature = Math.floor(this.#random() * featureCount);
    const missingTrue = missing === "by node" ? this.#random() < 0.5 : missing === "left";
    const mode = this.#mode(this.#columns.includes(feature));
    const ofWhole = mode === "equal" || mode === "unequal";
    const split = ofWhole ? Math.floor(this.#random() * 12) - 2 : this.#threshold(feature);
    const members =
      mode === "member" ? Array.from({ length: Math.floor(this.#random() * 6) + 1 }, () => this.#member()) : [];
    const node = { feature, mode, split, members: [...new Set(members)], missingTrue, yes, no };
    return isJoinedWith(node, no) ? { ...node, missingTrue: (no as Split).missingTrue! } : node;
  }

  #mode(isWhole: boolean): Mode {
    const { modes } = this.#traits;
    if (isWhole && this.#random() < 0.6)
      return modes === "any" ? pick(["equal", "unequal", "member"] as const, this.#random) : "member";
    if (modes === "any") return pick(["atMost", "below", "atLeast", "above"] as const, this.#random);
    return modes === "below" ? "below" : "atMost";
  }

  #member(): number {
    return this.#random() < 0.8
      ? Math.floor(this.#random() * 20)
      : pick([-7, 31, 32, 33, 63, 64, 65, 1000, 2 ** 24], this.#random);
  }

  #threshold(feature: number): number {
    if (this.#random() < 0.03)
      return pick([0, -0, 1e-45, -1e-45, 1e38, Infinity, -Infinity, 3.4028234663852886e38], this.#random);
    // The n-th value of a feature is the same in every tree.
    return 5 * Math.sin(feature + 7.3 * Math.floor(this.#random() * this.#traits.thresholds));
  }
}

/** Thresholds, their neighbours, members, what lies between, and what compares in ways of its own; row-major. */
export function rowsFor(forest: Forest, rowCount: number, random: () => number): Float32Array | Float64Array {
  const { featureCount, dtype, inputDtype = dtype } = forest;
  const known = valuesOf(forest);
  const length = rowCount * featureCount;
  const rows = inputDtype === "float32" ? new Float32Array(length) : new Float64Array(length);
  const value = (feature: number): number => {
    const chance = random();
    if (chance < 0.15) return pick(special, random);
    if (chance < 0.3) return Math.floor(random() * 24) - 3;
    const ofFeature = known[feature]!;
    if (chance > 0.9 || ofFeature.length === 0) return (random() - 0.5) * 12;
    return beside(pick(ofFeature, random), Math.floor(random() * 3) - 1, inputDtype);
  };
  for (let i = 0; i < length; i++) rows[i] = value(i % featureCount);
  return rows;
}

const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-45, -1e-45, 2 ** 31, -(2 ** 31), 1e20, 0.5, -0.5];

function valuesOf({ trees, featureCount }: Forest): number[][] {
  const values = Array.from({ length: featureCount }, () => [] as number[]);
  const waiting = [...trees];
  while (waiting.length > 0) {
    const at = waiting.pop()!;
    if (typeof at === "number") continue;
    values[at.feature]!.push(at.split ?? 0, ...(at.members ?? []));
    waiting.push(at.yes, at.no);
  }
  return values;
}

/** The float so many places above. */
export function beside(value: number, places: number, dtype: Dtype): number {
  const floats = dtype === "float32" ? new Float32Array([value]) : new Float64Array([value]);
  if (places === 0 || !Number.isFinite(floats[0]!)) return floats[0]!;
  if (floats[0] === 0) return places * (dtype === "float32" ? 2 ** -149 : Number.MIN_VALUE);
  const upwards = floats[0]! > 0 ? places : -places;
  if (dtype === "float32") new Int32Array(floats.buffer)[0]! += upwards;
  else new BigInt64Array(floats.buffer)[0]! += BigInt(upwards);
  return floats[0]!;
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!;
}

const byValue: readonly (Mode | undefined)[] = ["equal", "member"];

/**
 * Whether ONNX Runtime makes one split of a split by values and its neighbour: of one feature, with the same branch for
 * what is true. Missing values then go where the first one says, whatever the second says, which is not the operator's
 * definition (1.30.0).
 */
function isJoinedWith(node: Split, no: TreeNode): boolean {
  if (typeof no === "number" || no.feature !== node.feature) return false;
  if (!byValue.includes(node.mode) || !byValue.includes(no.mode)) return false;
  return textOf(node.yes) === textOf(no.yes);
}

/** As the model has its numbers. */
function textOf(node: TreeNode): string {
  return JSON.stringify(node, (_, value) => (typeof value === "number" ? Math.fround(value) : value));
}
