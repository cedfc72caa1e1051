/** Goal: the grid spans what issue and docs promise of it, each model once and by a name that can be a folder's. */

import { expect, test } from "vitest";
import { axes, demand, grid, lightgbm1000, modelText, quickGrid, rowsPerCall } from "../../../../bench/engines/grid.js";

test("every model has an id of its own", () => {
  expect(new Set(grid.map(({ id }) => id)).size).toBe(grid.length);
  for (const { id } of grid) expect(id).toMatch(/^[a-z0-9-]+$/);
});

test("the axes span depth, trees, features and rows, in order, round one middle", () => {
  expect(axes.depth.map(({ depth }) => depth)).toEqual([4, 6, 8, 10, 12]);
  expect(axes.trees.map(({ trees }) => trees)).toEqual([50, 200, 500, 1000, 2000]);
  expect(axes.features.map(({ features }) => features)).toEqual([4, 32, 100, 500]);
  expect([rowsPerCall[0], rowsPerCall.at(-1)]).toEqual([1, 1024]);
  const middle = axes.depth[1];
  expect([axes.trees[1], axes.features[1]]).toEqual([middle, middle]);
  for (const spec of Object.values(axes).flat()) expect(grid).toContain(spec);
});

test("the models of the bars are in it, and the quick one is a part of it", () => {
  expect(grid).toContain(demand);
  expect(grid).toContain(lightgbm1000);
  expect(quickGrid).toHaveLength(4);
  for (const spec of quickGrid) expect(grid).toContain(spec);
});

test("a model is told in words", () => {
  expect(grid.map(modelText)).toEqual(
    expect.arrayContaining([
      "demand: XGBoost, 400 trees of depth 6, 4 features",
      "LightGBM, float64, 1000 trees of 63 leaves, 100 features",
      "XGBoost, 200 trees of depth 6, 32 features, 5 classes",
      "scikit-learn's forest, 100 trees, 32 features",
    ]),
  );
});
