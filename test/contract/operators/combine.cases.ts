/** Contract cases of what puts the outputs of several models together, and of the curves that correct them. */
import { infinite, margins, more, numbers, type OperatorCase, words } from "./case.js";

export const combineCases: readonly OperatorCase[] = [
  ...(["float32", "float64"] as const).map(
    (dtype): OperatorCase => ({
      op: "exp",
      title: dtype,
      columns: [margins.map(Math.fround), infinite],
      params: { dtype },
      width: 2,
      malformed: [
        [{ dtype: "float16" }, "params.dtype"],
        [{ dtype: undefined }, "params.dtype"],
      ],
    }),
  ),
  { op: "expm1", title: "of numbers", columns: [margins, infinite, numbers], params: {}, width: 3, malformed: [] },
  {
    op: "isotonic",
    title: "of several points",
    columns: [numbers, infinite],
    params: { x: [-1, 0, 2.5], y: [0, 0.25, 1] },
    width: 2,
    malformed: [
      [{ x: [-1, 0] }, "params.y"],
      [{ x: [-1, -1, 0] }, "params.x[1]"],
      [{ x: [], y: [] }, "params.x"],
      [{ y: [0, 1, "NaN"] }, "params.y[2]"],
      [{ dtype: "float16" }, "params.dtype"],
      [{ interpolation: "weights" }, "params.interpolation"],
      [{ interpolation: "spline" }, "params.interpolation"],
    ],
  },
  {
    op: "isotonic",
    title: "in float32, by weights",
    columns: [margins],
    params: { x: [-1, 0.75], y: [0.125, 0.25], dtype: "float32", interpolation: "weights" },
    width: 1,
    malformed: [],
  },
  {
    op: "isotonic",
    title: "in float32",
    columns: [margins],
    params: { x: [-1, 0.75], y: [0.125, 0.25], dtype: "float32" },
    width: 1,
    malformed: [],
  },
  { op: "isotonic", title: "of one point", columns: [infinite], params: { x: [3], y: [0.5] }, width: 1, malformed: [] },
  { op: "both_classes", title: "of one column", columns: [margins], params: {}, width: 2, malformed: [] },
  { op: "both_classes", title: "of several columns", columns: [margins, more], params: {}, width: 2, malformed: [] },
  { op: "proportions", title: "of scores", columns: [more, infinite, numbers], params: {}, width: 3, malformed: [] },
  {
    op: "weighted_mean",
    title: "of two tables",
    columns: [margins, more, infinite, numbers],
    params: { weights: [0.3, 2] },
    width: 2,
    malformed: [
      [{ weights: [1, 1, 1] }, "params.weights"],
      [{ weights: [1, -1] }, "params.weights"],
      [{ weights: [] }, "params.weights"],
      [{ weights: [1, "Infinity"] }, "params.weights[1]"],
      [{ dtype: "float16" }, "params.dtype"],
    ],
  },
  {
    op: "weighted_mean",
    title: "in float32",
    columns: [margins.map(Math.fround), more.map(Math.fround)],
    params: { weights: [1, 1], dtype: "float32" },
    width: 1,
    malformed: [],
  },
  {
    op: "vote",
    title: "of two classifiers",
    columns: [words, ["b", "b", "a", "a", "a", "a", "b", "a"]],
    params: { labels: ["a", "b", ""], weights: [0.5, 2] },
    width: 3,
    malformed: [
      [{ weights: [1] }, "params.weights"],
      [{ labels: ["a", "a"] }, "params.labels[1]"],
      [{ labels: [] }, "params.labels"],
    ],
  },
];
