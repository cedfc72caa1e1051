/**
 * Goal: whatever a forest is like, the tree kernel gives each row ONNX Runtime's bits, whatever batch the row is in.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Block } from "../../preprocessing/index.js";
import type { EngineSession } from "../../server/inference/engine.js";
import { onnxruntime } from "../../server/inference/session.js";
import { treeEngine } from "../../server/inference/tree/tree-engine.js";
import { fuzzTimeoutMs, rounds } from "../support/fuzzing.js";
import { forestTraits, makeForest, randomOf, rowsFor } from "../support/random-forest.js";
import { type Forest, treeModel } from "../support/tree-onnx.js";

/** Sizes that take different ways: single rows, rows beside whole groups, groups, tiles and what is left of them. */
const batchSizes = [1, 2, 3, 4, 5, 8, 15, 16, 17, 20, 31, 33, 63, 64, 65, 100, 128, 200];

function run(session: EngineSession, rows: Block, width: number, sizes: () => number): Block {
  const parts: Block[] = [];
  for (let first = 0; first < rows.length / width; ) {
    const count = Math.min(sizes(), rows.length / width - first);
    parts.push(...session.run([rows.slice(first * width, (first + count) * width)], count));
    first += count;
  }
  return parts.length === 1 ? parts[0]! : Float64Array.from(parts.flatMap((part) => [...part]));
}

/** @returns Where the first number that differs stands; -1 for none. NaN is NaN, and the zeros are two. */
function firstDifference(got: Block, expected: Block): number {
  for (let i = 0; i < expected.length; i++) if (!Object.is(got[i], expected[i])) return i;
  return got.length === expected.length ? -1 : expected.length;
}

function holdToOnnxRuntime(forest: Forest, rowCount: number, random: () => number): void {
  const model = treeModel(forest);
  const rows = rowsFor(forest, rowCount, random);
  const reference = onnxruntime.load(model);
  const session = treeEngine.load(model);
  try {
    const [expected] = reference.run([rows], rowCount);
    const cuts: [string, () => number][] = [
      ["together", () => rowCount],
      ["cut anywhere", () => batchSizes[Math.floor(random() * batchSizes.length)]!],
    ];
    for (const [name, sizes] of cuts) {
      const got = run(session, rows, forest.featureCount, sizes);
      const at = firstDifference(got, expected!);
      if (at < 0) continue;
      const row = Math.floor(at / (forest.targetCount ?? 1));
      const values = [...rows.subarray(row * forest.featureCount, (row + 1) * forest.featureCount)];
      expect.fail(
        `${name}, row ${row} (${values}), number ${at}: ONNX Runtime gives ${expected![at]}, the kernel ${got[at]}`,
      );
    }
  } finally {
    reference.release();
    session.release();
  }
}

test(
  "any forest, any rows",
  () => {
    fc.assert(
      fc.property(forestTraits, fc.integer({ min: 1, max: 300 }), (traits, rowCount) => {
        holdToOnnxRuntime(makeForest(traits), rowCount, randomOf(~traits.seed));
      }),
      rounds(1200),
    );
  },
  fuzzTimeoutMs,
);

test("where two splits by values lead to the same branch, the kernel sends a missing value where each of them says", () => {
  const split = { feature: 0, mode: "equal" as const, yes: 3 };
  const trees = [{ ...split, split: 12, no: { ...split, split: 1, missingTrue: true, no: 0.5 } }];
  const model = treeModel({ dtype: "float32", featureCount: 1, trees, whole: { how: "truncate", columns: [0] } });
  const [reference, session] = [onnxruntime.load(model), treeEngine.load(model)];
  const answers = [session, reference].map((engine) => engine.run([Float32Array.of(Number.NaN)], 1)[0]![0]);
  // ONNX Runtime makes one split of the two. The day it doesn't, random forests needn't leave this out any more.
  expect(answers).toEqual([3, 0.5]);
  for (const engine of [reference, session]) engine.release();
});
