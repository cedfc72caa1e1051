/**
 * Goal: columns are made for what nodes ask and for nothing else, and a model that asks for too much is refused before
 * its memory is taken.
 */

import { describe, expect, test } from "vitest";
import { kernelSizes } from "../../../../../server/inference/tree/kernel.js";
import { layOut } from "../../../../../server/inference/tree/layout.js";
import { NotCovered } from "../../../../../server/inference/tree/not-covered.js";
import { type ColumnPlan, planColumns } from "../../../../../server/inference/tree/plan-columns.js";
import { readTreeModel, type TreeModel } from "../../../../../server/inference/tree/tree-model.js";
import { type Forest, type TreeNode, treeModel } from "../../../../support/tree-onnx.js";

const stump = (feature: number, split: number, missingTrue = false): TreeNode => ({
  feature,
  split,
  missingTrue,
  yes: 1,
  no: 2,
});
const member = (members: readonly number[]): TreeNode => ({ feature: 0, mode: "member", members, yes: 1, no: 2 });
const forest = (trees: readonly TreeNode[], change: Partial<Forest> = {}): Forest => ({
  dtype: "float32",
  featureCount: 4,
  trees,
  ...change,
});
const read = (of: Forest): TreeModel => readTreeModel(treeModel(of));
const plan = (of: Forest): ColumnPlan => planColumns(read(of), kernelSizes());
/** Distinct columns that nodes read. */
const columnsRead = (of: Forest): number => new Set(plan(of).columnOf).size;
const whole = { how: "floor", columns: [0] } as const;

describe("columns are made", () => {
  test("of features that a node reads, and of no others", () => {
    const { features, columnCount } = plan(forest([stump(2, 1), stump(0, 5), stump(2, 3)]));
    expect(features.map(({ feature }) => feature)).toEqual([0, 2]);
    expect(columnCount).toBe(3);
  });

  test("one for all thresholds of a feature, however often they come", () => {
    const trees = Array.from({ length: 600 }, (_, i) => stump(0, i % kernelSizes().chunkThresholds));
    expect(columnsRead(forest(trees))).toBe(1);
  });

  test("one more for every so many thresholds as a byte can't count", () => {
    const { chunkThresholds } = kernelSizes();
    const trees = (count: number) => Array.from({ length: count }, (_, i) => stump(0, i));
    expect(columnsRead(forest(trees(chunkThresholds)))).toBe(1);
    expect(columnsRead(forest(trees(chunkThresholds + 1)))).toBe(2);
    expect(columnsRead(forest(trees(2 * chunkThresholds + 1)))).toBe(3);
  });

  test("one for either way that a missing value goes", () => {
    expect(columnsRead(forest([stump(0, 1), stump(0, 2)]))).toBe(1);
    expect(columnsRead(forest([stump(0, 1), stump(0, 2, true)]))).toBe(2);
    expect(columnsRead(forest([stump(0, 1), stump(0, 1, true)]))).toBe(2);
  });

  test("one for each set of categories, however often it comes and in whatever order", () => {
    expect(columnsRead(forest([member([1, 2]), member([2, 1]), member([1, 2])], { whole }))).toBe(1);
    expect(columnsRead(forest([member([1, 2]), member([1, 3])], { whole }))).toBe(2);
    expect(
      columnsRead(
        forest([member([1, 2]), { ...(member([1, 2]) as object), missingTrue: true } as TreeNode], { whole }),
      ),
    ).toBe(2);
  });

  test("for no node, where all trees are of one leaf", () => {
    // A tree of one leaf stands in a file as a node that nobody has to follow.
    expect(plan(forest([1, 2])).columnCount).toBeLessThanOrEqual(2);
  });
});

test("two zeros are one threshold", () => {
  expect(plan(forest([stump(0, 0), stump(0, -0)])).features[0]!.thresholds).toHaveLength(1);
});

describe("refused", () => {
  test("a model that asks more columns of a row than are worth filling", () => {
    const trees = Array.from({ length: 65_536 }, (_, i) => member([i]));
    expect(() => plan(forest(trees, { whole }))).toThrow(new NotCovered("it asks more than 65536 columns of a row"));
    expect(plan(forest(trees.slice(1), { whole })).columnCount).toBe(65_536);
  });

  test("a model that takes too much memory, before any is taken", () => {
    const { dtype, featureCount }: Forest = forest([], { dtype: "float64", featureCount: 1_100_000 });
    const model = read({ dtype, featureCount, trees: [stump(7, 1)] });
    expect(() => layOut(model, kernelSizes())).toThrow(NotCovered);
    expect(() => layOut(model, kernelSizes())).toThrow(/^it would take 5\d\d MB, and 512 is the most$/);
  });
});

describe("a model that is laid out", () => {
  const ladder = (from: number, to: number): TreeNode => {
    if (from === to) return from;
    const middle = Math.floor((from + to) / 2);
    return { feature: from % 4, split: middle, yes: ladder(from, middle), no: ladder(middle + 1, to) };
  };
  const chain = (levels: number): TreeNode => {
    let node: TreeNode = 0;
    for (let level = 0; level < levels; level++) node = { feature: level % 4, split: level, yes: 1, no: node };
    return node;
  };

  test.each<[string, readonly TreeNode[]]>([
    ["even trees", Array.from({ length: 100 }, () => ladder(0, 63))],
    ["deep and uneven trees", Array.from({ length: 100 }, () => chain(60))],
    ["one deep tree among stumps", Array.from({ length: 200 }, (_, i) => (i === 100 ? chain(500) : stump(0, i)))],
    ["stumps", Array.from({ length: 200 }, (_, i) => stump(i % 4, i))],
  ])("of %s takes at most twice its file", (_, trees) => {
    const of = forest(trees);
    expect(layOut(read(of), kernelSizes()).modelBytes).toBeLessThanOrEqual(2 * treeModel(of).bytes.length);
  });
});
