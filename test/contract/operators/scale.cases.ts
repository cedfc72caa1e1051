/** Contract cases of what scales numbers. */
import { infinite, integers, numbers, type OperatorCase } from "./case.js";

export const scaleCases: readonly OperatorCase[] = [
  {
    op: "standard_scaler",
    title: "both halves",
    columns: [numbers, infinite],
    params: { mean: [1, 2], scale: [3, 0.1] },
    width: 2,
    refused: [1, 4],
    malformed: [
      [{ mean: [1] }, "params.mean"],
      [{ scale: [1, 2, 3] }, "params.scale"],
      [{ scale: [1, "2"] }, "params.scale[1]"],
      [{ scale: [1, "NaN"] }, "params.scale[1]"],
      [{ mean: [1, "Infinity"] }, "params.mean[1]"],
      [{ mean: undefined }, "params.mean"],
    ],
  },
  { op: "standard_scaler", title: "switched off", columns: [numbers], params: { mean: null, scale: null }, width: 1, malformed: [] },
  {
    op: "min_max_scaler",
    title: "clipped",
    columns: [numbers, infinite],
    params: { scale: [2, 0.5], min: [-1, 0], clip: true, feature_range: [-1, 1] },
    width: 2,
    refused: [1, 4],
    malformed: [
      [{ min: [1] }, "params.min"],
      [{ scale: [1] }, "params.scale"],
      [{ scale: null }, "params.scale"],
      [{ clip: false }, "params.feature_range"],
      [{ feature_range: undefined }, "params.feature_range"],
      [{ feature_range: [0] }, "params.feature_range"],
      [{ feature_range: [0, "1"] }, "params.feature_range[1]"],
    ],
  },
  {
    op: "max_abs_scaler",
    title: "clipped",
    columns: [numbers, infinite],
    params: { scale: [2, 0.1], clip: true },
    width: 2,
    refused: [1, 4],
    malformed: [
      [{ scale: [1] }, "params.scale"],
      [{ scale: null }, "params.scale"],
      [{ scale: [1, "NaN"] }, "params.scale[1]"],
      [{ clip: 1 }, "params.clip"],
    ],
  },
  {
    op: "robust_scaler",
    title: "both halves",
    columns: [numbers, infinite],
    params: { center: [1, 2], scale: [3, 0.1] },
    width: 2,
    refused: [1, 4],
    malformed: [
      [{ center: [1] }, "params.center"],
      [{ scale: [1, 2, 3] }, "params.scale"],
      [{ scale: [1, "Infinity"] }, "params.scale[1]"],
      [{ center: undefined }, "params.center"],
    ],
  },
  { op: "robust_scaler", title: "switched off", columns: [numbers], params: { center: null, scale: null }, width: 1, malformed: [] },
  ...(["l1", "l2", "max"] as const).map(
    (norm): OperatorCase => ({
      op: "normalizer",
      title: norm,
      columns: [numbers, integers, infinite],
      params: { norm },
      width: 3,
      refused: [1, 3, 4, 7],
      malformed: [
        [{ norm: "l3" }, "params.norm"],
        [{ norm: undefined }, "params.norm"],
      ],
    }),
  ),
];
