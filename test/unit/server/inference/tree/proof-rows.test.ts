/** Goal: where a tree ensemble may answer wrongly, if anywhere, there is a row that would show it. */

import { describe, expect, test } from "vitest";
import type { Block } from "../../../../../preprocessing/index.js";
import { proofRows } from "../../../../../server/inference/tree/proof-rows.js";
import { readTreeModel } from "../../../../../server/inference/tree/tree-model.js";
import { beside, randomOf } from "../../../../support/random-forest.js";
import { type Dtype, type Forest, type TreeNode, treeModel } from "../../../../support/tree-onnx.js";

const rowsOf = (forest: Forest, random = randomOf(1)): Block => proofRows(readTreeModel(treeModel(forest)), random);

/** What stands in a feature's column, each value once; both zeros. */
function column(rows: Block, feature: number, featureCount: number): unknown[] {
  const values = Array.from(rows).filter((_, i) => i % featureCount === feature);
  return [...new Set(values.map((value) => (Object.is(value, -0) ? "-0" : value)))];
}

const tree: TreeNode = {
  feature: 0,
  split: 0.5,
  yes: { feature: 2, split: -1e-3, yes: 1, no: { feature: 0, split: 7e20, yes: 2, no: 3 } },
  no: { feature: 2, split: 3, yes: 4, no: 5 },
};
const dtypes: readonly (readonly [rows: Dtype, trees: Dtype])[] = [
  ["float32", "float32"],
  ["float32", "float64"],
  ["float64", "float64"],
];

describe.each(dtypes)("rows in %s, trees in %s", (inputDtype, dtype) => {
  const forest: Forest = { dtype, inputDtype, featureCount: 3, trees: [tree] };
  const rounded = (value: number, to: Dtype) => (to === "float32" ? Math.fround(value) : value);
  const withNeighbours = (value: number) =>
    [-1, 0, 1].map((places) => beside(rounded(value, dtype), places, inputDtype));

  test("every threshold stands in its feature's column, and the floats beside it", () => {
    const rows = rowsOf(forest);
    expect(rows.constructor.name).toBe(inputDtype === "float32" ? "Float32Array" : "Float64Array");
    expect(column(rows, 0, 3)).toEqual(expect.arrayContaining([0.5, 7e20].flatMap(withNeighbours)));
    expect(column(rows, 2, 3)).toEqual(expect.arrayContaining([-1e-3, 3].flatMap(withNeighbours)));
  });

  test("for a threshold that is at most, the last float that goes left and the first that goes right", () => {
    const atMost: TreeNode = { feature: 0, mode: "atMost", split: 0.1, yes: 1, no: 2 };
    const rows = rowsOf({ ...forest, featureCount: 1, trees: [atMost] });
    const split = rounded(0.1, dtype);
    const values = Array.from(rows);
    const left = Math.max(...values.filter((value) => value <= split));
    const right = Math.min(...values.filter((value) => value > split));
    expect(beside(left, 1, inputDtype)).toBe(right);
  });

  test.each([0, -0])("for a threshold of %s, the smallest numbers beside it", (split) => {
    const rows = rowsOf({ ...forest, featureCount: 1, trees: [{ feature: 0, split, yes: 1, no: 2 }] });
    expect(column(rows, 0, 1)).toEqual(
      expect.arrayContaining([0, "-0", beside(0, 1, inputDtype), beside(0, -1, inputDtype)]),
    );
  });

  test.each([1, -1])("for an infinite threshold, times %d, the largest number that isn't", (sign) => {
    const rows = rowsOf({
      ...forest,
      featureCount: 1,
      trees: [{ feature: 0, split: sign * Number.POSITIVE_INFINITY, yes: 1, no: 2 }],
    });
    const largest = inputDtype === "float32" ? 3.4028234663852886e38 : Number.MAX_VALUE;
    expect(column(rows, 0, 1)).toContain(sign * largest);
  });

  test("every column has what compares in a way of its own, whether or not a node reads it", () => {
    const rows = rowsOf(forest);
    for (const feature of [0, 1, 2])
      expect(column(rows, feature, 3)).toEqual(
        expect.arrayContaining([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, "-0"]),
      );
  });
});

test("members of sets stand in rows, what lies beside them, and what none is", () => {
  const byMember: TreeNode = {
    feature: 0,
    mode: "member",
    members: [3, 40],
    yes: 1,
    no: { feature: 0, mode: "equal", split: 8, yes: 2, no: 3 },
  };
  const rows = rowsOf({ dtype: "float32", featureCount: 1, trees: [byMember], whole: { how: "floor", columns: [0] } });
  expect(column(rows, 0, 1)).toEqual(expect.arrayContaining([3, 4, 2.5, 40, 41, 39.5, 8, 9, 7.5]));
});

test("values of features meet in ever other ways, by chance alone", () => {
  const forest: Forest = { dtype: "float32", featureCount: 3, trees: [tree] };
  expect(rowsOf(forest, randomOf(1))).toEqual(rowsOf(forest, randomOf(1)));
  expect(rowsOf(forest, randomOf(1))).not.toEqual(rowsOf(forest, randomOf(2)));
});

test("of many trees some are looked at, which ones is left to chance", () => {
  const trees = Array.from({ length: 500 }, (_, i): TreeNode => ({ feature: 0, split: i + 0.5, yes: 1, no: 2 }));
  const forest: Forest = { dtype: "float32", featureCount: 1, trees };
  const seen = (seed: number) =>
    new Set(Array.from(rowsOf(forest, randomOf(seed))).filter((value) => value % 1 === 0.5));
  expect(seen(1).size).toBeGreaterThan(20);
  expect(seen(1).size).toBeLessThanOrEqual(32);
  expect(seen(1)).not.toEqual(seen(2));
  expect(new Set([...Array(200).keys()].flatMap((seed) => [...seen(seed)])).size).toBe(500);
});

test("there are few enough of them for a load, however many values and features there are", () => {
  const ladder = (from: number, to: number): TreeNode => {
    if (from === to) return from;
    const middle = Math.floor((from + to) / 2);
    return { feature: 0, split: middle, yes: ladder(from, middle), no: ladder(middle + 1, to) };
  };
  expect(rowsOf({ dtype: "float32", featureCount: 1, trees: [ladder(0, 3000)] }).length).toBe(256);
  const wide = rowsOf({ dtype: "float32", featureCount: 200_000, trees: [ladder(0, 3000)] });
  expect(wide.length % 200_000).toBe(0);
  expect(wide.length).toBeGreaterThan(0);
  expect(wide.byteLength).toBeLessThan(32 * 1024 * 1024);
});

test("trees of one leaf have rows too", () => {
  const rows = rowsOf({ dtype: "float32", featureCount: 2, trees: [0.5] });
  expect(column(rows, 1, 2)).toEqual(expect.arrayContaining([Number.NaN, 0, "-0"]));
});
