/** Contract cases of what stands after a model. */
import { infinite, margins, more, type OperatorCase } from "./case.js";

export const answerCases: readonly OperatorCase[] = [
  { op: "identity", title: "of numbers", columns: [margins, infinite], params: {}, width: 2, malformed: [] },
  {
    op: "sort_ascending",
    title: "of numbers",
    columns: [margins, infinite, more],
    params: {},
    width: 3,
    malformed: [],
  },
  ...(["float32", "float64"] as const).flatMap((dtype): OperatorCase[] => [
    {
      op: "sigmoid",
      title: dtype,
      columns: [margins.map(Math.fround), infinite],
      params: { dtype },
      width: 2,
      malformed: [
        [{ dtype: "float16" }, "params.dtype"],
        [{ dtype: undefined }, "params.dtype"],
      ],
    },
    {
      op: "softmax",
      title: dtype,
      columns: [margins.map(Math.fround), more.map(Math.fround), infinite],
      params: { dtype },
      width: 3,
      malformed: [[{ dtype: 32 }, "params.dtype"]],
    },
  ]),
  {
    op: "linear",
    title: "in float64",
    columns: [margins, more, infinite],
    params: {
      coef: [
        [0.1, -2, "-0.0"],
        [1e308, 0, 5e-324],
      ],
      intercept: [0.3, -1],
    },
    width: 2,
    malformed: [
      [{ coef: undefined }, "params.coef"],
      [{ coef: [] }, "params.coef"],
      [{ coef: [1, 2, 3] }, "params.coef[0]"],
      [
        {
          coef: [
            [1, 2, 3],
            [1, 2],
          ],
        },
        "params.coef[1]",
      ],
      [
        {
          coef: [
            [1, 2, 3],
            [1, 2, 3, 4],
          ],
        },
        "params.coef[1]",
      ],
      [
        {
          coef: [
            [1, 2, 3],
            [1, "NaN", 3],
          ],
        },
        "params.coef[1][1]",
      ],
      [{ intercept: undefined }, "params.intercept"],
      [{ intercept: 0 }, "params.intercept"],
      [{ intercept: [1] }, "params.intercept"],
      [{ intercept: [1, 2, 3] }, "params.intercept"],
      [{ intercept: [1, "Infinity"] }, "params.intercept[1]"],
      [{ dtype: "float16" }, "params.dtype"],
      [{ dtype: "float32" }, "params.coef[1][0]"],
    ],
  },
  {
    op: "linear",
    title: "in float32",
    columns: [margins.map(Math.fround), infinite],
    params: { coef: [[0.1, 0.7]], intercept: [0.3], dtype: "float32" },
    width: 1,
    malformed: [[{ intercept: [-1e39] }, "params.intercept[0]"]],
  },
  {
    op: "label",
    title: "of one column",
    columns: [margins],
    params: { labels: ["no", "yes"], threshold: 0.25 },
    width: 1,
    malformed: [
      [{ labels: ["no"] }, "params.labels"],
      [{ labels: ["no", "no"] }, "params.labels[1]"],
      [{ labels: [0, false] }, "params.labels[1]"],
      [{ labels: ["no", null] }, "params.labels[1]"],
      [{ threshold: undefined }, "params.threshold"],
      [{ threshold: "NaN" }, "params.threshold"],
    ],
  },
  {
    op: "label",
    title: "of several columns",
    columns: [margins, more, margins],
    params: { labels: [3, true, "three"] },
    width: 1,
    malformed: [
      [{ labels: ["a", "b"] }, "params.labels"],
      [{ threshold: 0.5 }, "params.threshold"],
    ],
  },
];
