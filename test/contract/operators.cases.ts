/** What the contract suite needs to know of each operator: columns to feed it, parameters that fit, and parameters that do not. */

type Cell = number | string | null;

export interface OperatorCase {
  op: string;
  /** Told apart where an operator has several cases. */
  title: string;
  /** Column by column; every column is as long as the first. Strings and null make it a string column. */
  columns: readonly (readonly Cell[])[];
  params: Record<string, unknown>;
  /** How many columns come out. */
  width: number;
  /** Rows that are refused. */
  refused?: readonly number[];
  /** Parameters to put over `params` that must not pass, and where the complaint must point. */
  malformed: readonly (readonly [over: Record<string, unknown>, at: string])[];
}

const numbers = [1.5, -0, 0, Number.NaN, 1e308, 5e-324, -7, 3];
const more = [0, 1, 2, 3, Number.NaN, -1, 1e-9, 2];
const infinite = [1, Number.POSITIVE_INFINITY, 0, 2, Number.NEGATIVE_INFINITY, 3, 4, Number.NaN];
const integers = [0, 1, 2, 7, Number.NaN, -1, 1, 0];
const words = ["a", "b", "", null, "unseen", "a", "NaN", "b"];
const margins = [0.25, -3, 90, -90, Number.NaN, 0, -0, 1e-9];

export const operatorCases: readonly OperatorCase[] = [
  {
    op: "simple_imputer",
    title: "numbers",
    columns: [numbers, more],
    params: { statistics: [1.25, "-0.0"], indicator_features: [1] },
    width: 3,
    malformed: [
      [{ statistics: [1] }, "params.statistics"],
      [{ statistics: [1, "one"] }, "params.statistics[1]"],
      [{ statistics: [1, null] }, "params.statistics[1]"],
      [{ statistics: [1, true] }, "params.statistics[1]"],
      [{ statistics: 1 }, "params.statistics"],
      [{ indicator_features: [2] }, "params.indicator_features[0]"],
      [{ indicator_features: [0.5] }, "params.indicator_features[0]"],
      [{ indicator_features: [-1] }, "params.indicator_features[0]"],
      [{ keep_empty_features: 1 }, "params.keep_empty_features"],
      [{ missing_values: "none" }, "params.missing_values"],
    ],
  },
  {
    op: "simple_imputer",
    title: "infinities and a column that is dropped",
    columns: [infinite, numbers],
    params: { statistics: ["NaN", 0] },
    width: 1,
    refused: [1, 4],
    malformed: [],
  },
  {
    op: "simple_imputer",
    title: "a placeholder",
    columns: [more],
    params: { statistics: [9], missing_values: -1, indicator_features: [0] },
    width: 2,
    refused: [4],
    malformed: [],
  },
  {
    op: "simple_imputer",
    title: "strings",
    columns: [words, words],
    params: { statistics: ["NaN", null], keep_empty_features: true, indicator_features: [0] },
    width: 3,
    malformed: [
      [{ statistics: [{}, "a"] }, "params.statistics[0]"],
      [{ missing_values: 0 }, "params.missing_values"],
    ],
  },
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
    op: "one_hot_encoder",
    title: "zeros for unknown values",
    columns: [integers, words],
    params: {
      categories: [
        [0, 1, 2],
        ["a", "", null],
      ],
      handle_unknown: "ignore",
      drop_idx: [null, 0],
    },
    width: 5,
    malformed: [
      [{ categories: [[0, 1]] }, "params.categories"],
      [{ categories: [[0, 1], []] }, "params.categories[1]"],
      [{ categories: [[0, 1], [["a"]]] }, "params.categories[1][0]"],
      [{ categories: [[0, true, 1], ["a"]] }, "params.categories[0][2]"],
      [{ categories: [[0, -0], ["a"]] }, "params.categories[0][1]"],
      [{ categories: [[0], ["a", null, null]] }, "params.categories[1][2]"],
      [{ handle_unknown: "warn" }, "params.handle_unknown"],
      [{ handle_unknown: undefined }, "params.handle_unknown"],
      [{ drop_idx: [3, null] }, "params.drop_idx[0]"],
      [{ drop_idx: [0] }, "params.drop_idx"],
      [{ infrequent_categories: [[3], null] }, "params.infrequent_categories[0][0]"],
      [{ infrequent_categories: [[1, true], null] }, "params.infrequent_categories[0][1]"],
      [{ infrequent_categories: [null] }, "params.infrequent_categories"],
    ],
  },
  {
    op: "one_hot_encoder",
    title: "infrequent categories",
    columns: [integers, words],
    params: {
      categories: [
        [0, 1, 2],
        ["a", "", null],
      ],
      handle_unknown: "infrequent_if_exist",
      infrequent_categories: [[0, 2], null],
    },
    width: 5,
    malformed: [],
  },
  {
    op: "one_hot_encoder",
    title: "refused unknown values",
    columns: [numbers],
    params: { categories: [[0, 1.5, 1e308]], handle_unknown: "error" },
    width: 3,
    refused: [3, 5, 6, 7],
    malformed: [],
  },
  {
    op: "ordinal_encoder",
    title: "codes for unknown values",
    columns: [integers, words],
    params: {
      categories: [
        [0, 1, 2, null],
        ["a", "b", null],
      ],
      handle_unknown: "use_encoded_value",
      unknown_value: "NaN",
      encoded_missing_value: [-5, null],
    },
    width: 2,
    malformed: [
      [{ unknown_value: undefined }, "params.unknown_value"],
      [{ unknown_value: null }, "params.unknown_value"],
      [{ handle_unknown: "error" }, "params.unknown_value"],
      [{ handle_unknown: "ignore" }, "params.handle_unknown"],
      [{ encoded_missing_value: [-5] }, "params.encoded_missing_value"],
      [{ encoded_missing_value: -5 }, "params.encoded_missing_value"],
      [{ categories: [[0], ["a", "a"]] }, "params.categories[1][1]"],
      [{ categories: [[0, null, null], ["a"]] }, "params.categories[0][1]"],
      [{ categories: [[0], ["a", null, null]] }, "params.categories[1][2]"],
      [{ infrequent_categories: [null, ["z"]] }, "params.infrequent_categories[1][0]"],
    ],
  },
  {
    op: "ordinal_encoder",
    title: "refused unknown values and infinities",
    columns: [words, infinite],
    params: {
      categories: [
        ["a", "b", ""],
        [0, 1, 2, 3, 4, null],
      ],
      handle_unknown: "error",
    },
    width: 2,
    refused: [1, 3, 4, 6],
    malformed: [],
  },
  {
    op: "select_columns",
    title: "of both kinds",
    columns: [numbers, words, more],
    params: { columns: [2, 1, 2] },
    width: 3,
    malformed: [
      [{ columns: [] }, "params.columns"],
      [{ columns: [3] }, "params.columns[0]"],
      [{ columns: ["0"] }, "params.columns[0]"],
    ],
  },
  { op: "passthrough", title: "of both kinds", columns: [infinite, words], params: {}, width: 2, malformed: [] },
  { op: "identity", title: "of numbers", columns: [margins, infinite], params: {}, width: 2, malformed: [] },
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
