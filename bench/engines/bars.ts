/** What the tree kernel must reach, and what it reached. */

import { type Bar, bar } from "../bar.js";
import { demand, lightgbm1000, type ModelSpec } from "./grid.js";
import { type EnginesResult, ratios } from "./result.js";

export function engineBars({ models }: Pick<EnginesResult, "models">): Bar[] {
  const timesAsFast = ({ id }: ModelSpec, rowCount: number) =>
    ratios(
      models.find(({ spec }) => spec.id === id),
      rowCount,
      "onnxruntime",
      "tree",
    );
  const memory = models.flatMap(({ kernelBytes, onnxBytes }) =>
    kernelBytes === undefined ? [] : [kernelBytes / onnxBytes],
  );
  // No model may need more: the largest counts, not the median of all.
  const largest = memory.length > 0 ? [Math.max(...memory)] : [];
  return [
    bar("demand model, 1 row a call: ONNX Runtime's time over the kernel's", "at least", 5, "", timesAsFast(demand, 1)),
    bar("the same, 64 rows", "at least", 3.5, "", timesAsFast(demand, 64)),
    bar(
      "1000 LightGBM trees of 63 leaves, float64, 100 features, 64 rows",
      "at least",
      2,
      "",
      timesAsFast(lightgbm1000, 64),
    ),
    bar(`the kernel's arrays, of model.onnx's size, the largest of ${models.length} models`, "at most", 2, "", largest),
  ];
}
