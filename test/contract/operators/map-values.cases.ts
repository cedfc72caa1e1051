/** Contract cases of what maps each number to another, and of what makes few columns of many. */
import { infinite, integers, margins, more, numbers, type OperatorCase } from "./case.js";

const positive = [1.5, 0.1, 5e-324, Number.NaN, 1e308, 0, -1, 3];
const functions = [
  "identity",
  "log",
  "log1p",
  "log2",
  "log10",
  "exp",
  "expm1",
  "sin",
  "cos",
  "tanh",
  "sqrt",
  "absolute",
  "sign",
];
const rounding = ["square", "reciprocal", "negative", "floor", "ceil", "trunc", "rint"];

export const mapValuesCases: readonly OperatorCase[] = [
  {
    op: "power_transformer",
    title: "of Yeo and Johnson, standardized",
    columns: [numbers, infinite, margins],
    params: { method: "yeo-johnson", lambdas: [0.5, 0, 2], mean: [1, 0, "-0.0"], scale: [2, 1, 0.1] },
    width: 3,
    refused: [1, 4],
    malformed: [
      [{ method: "log" }, "params.method"],
      [{ method: undefined }, "params.method"],
      [{ lambdas: [1, 2] }, "params.lambdas"],
      [{ lambdas: [1, 2, "NaN"] }, "params.lambdas[2]"],
      [{ lambdas: undefined }, "params.lambdas"],
      [{ mean: [1] }, "params.mean"],
      [{ mean: null }, "params.scale"],
      [{ scale: null }, "params.scale"],
      [{ scale: [1, 2, "Infinity"] }, "params.scale[2]"],
    ],
  },
  {
    op: "power_transformer",
    title: "that overflows where it is standardized",
    columns: [numbers],
    params: { method: "yeo-johnson", lambdas: [3], mean: [0], scale: [1] },
    width: 1,
    refused: [4],
    malformed: [],
  },
  {
    op: "power_transformer",
    title: "that overflows where it isn't",
    columns: [numbers],
    params: { method: "yeo-johnson", lambdas: [3], mean: null, scale: null },
    width: 1,
    malformed: [],
  },
  {
    op: "power_transformer",
    title: "of Box and Cox",
    columns: [positive],
    params: { method: "box-cox", lambdas: [-0.5], mean: null, scale: null },
    width: 1,
    refused: [5, 6],
    malformed: [],
  },
  ...(["uniform", "normal"] as const).map(
    (distribution): OperatorCase => ({
      op: "quantile_transformer",
      title: distribution,
      columns: [numbers, infinite, more],
      params: {
        quantiles: [
          [-7, 0, 3],
          [0, 0, 0],
          ["-0.0", 1, 1e308],
        ],
        references: [0, 0.5, 1],
        output_distribution: distribution,
      },
      width: 3,
      refused: [1, 4],
      malformed: [
        [{ quantiles: [[0, 1, 2]] }, "params.quantiles"],
        [
          {
            quantiles: [
              [0, 1, 2],
              [0, 1],
              [0, 1, 2],
            ],
          },
          "params.quantiles[1]",
        ],
        [
          {
            quantiles: [
              [0, 1, 2],
              [0, 3, 2],
              [0, 1, 2],
            ],
          },
          "params.quantiles[1][2]",
        ],
        [
          {
            quantiles: [
              [0, 1, 2],
              [0, 3, "NaN"],
              [0, 1, 2],
            ],
          },
          "params.quantiles[1][2]",
        ],
        [{ references: [0, 1] }, "params.quantiles[0]"],
        [{ references: [0, 1, 0.5] }, "params.references[2]"],
        [{ references: [] }, "params.references"],
        [{ output_distribution: "even" }, "params.output_distribution"],
      ],
    }),
  ),
  ...[...functions, ...rounding].map(
    (name): OperatorCase => ({
      op: "function_transformer",
      title: name,
      columns: [numbers, infinite, integers],
      params: { function: name },
      width: 3,
      malformed: [
        [{ function: "cbrt" }, "params.function"],
        [{ function: "toString" }, "params.function"],
        [{ function: "clip" }, "params.min"],
        [{ min: 0 }, "params.min"],
        [{ max: null }, "params.max"],
      ],
    }),
  ),
  {
    op: "function_transformer",
    title: "clip, validated",
    columns: [numbers, infinite],
    params: { function: "clip", min: -1, max: null, validate: true },
    width: 2,
    refused: [1, 3, 4, 7],
    malformed: [
      [{ max: -2 }, "params.max"],
      [{ max: undefined }, "params.max"],
      [{ min: "NaN" }, "params.min"],
      [{ validate: 1 }, "params.validate"],
    ],
  },
  {
    op: "pca",
    title: "whitened",
    columns: [numbers, more, infinite],
    params: {
      components: [
        [1, 0, "-0.0"],
        [0.1, 0.2, 1e308],
      ],
      mean: [0.5, -1, 3],
      explained_variance: [2, 0],
    },
    width: 2,
    refused: [1, 3, 4, 7],
    malformed: [
      [{ components: [[1, 2]] }, "params.components[0]"],
      [{ components: [] }, "params.components"],
      [{ components: [[1, 2, "NaN"]] }, "params.components[0][2]"],
      [{ mean: [1, 2] }, "params.mean"],
      [{ mean: null }, "params.mean"],
      [{ explained_variance: [1] }, "params.explained_variance"],
      [{ explained_variance: [1, -1] }, "params.explained_variance[1]"],
      [{ explained_variance: undefined }, "params.explained_variance"],
    ],
  },
  {
    op: "truncated_svd",
    title: "of two columns",
    columns: [margins, more],
    params: { components: [[0.6, 0.8]] },
    width: 1,
    refused: [4],
    malformed: [
      [{ components: [[1]] }, "params.components[0]"],
      [{ components: undefined }, "params.components"],
    ],
  },
];
