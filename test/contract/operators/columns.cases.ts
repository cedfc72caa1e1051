/** Contract cases of what picks columns, or passes them on. */
import { infinite, integers, more, numbers, type OperatorCase, words } from "./case.js";

export const columnsCases: readonly OperatorCase[] = [
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
  {
    op: "check_finite",
    title: "of numbers",
    columns: [integers, infinite],
    params: {},
    width: 2,
    refused: [1, 4, 7],
    malformed: [
      [{ allow_nan: "no" }, "params.allow_nan"],
      [{ allow_nan: null }, "params.allow_nan"],
      [{ dtype: "float16" }, "params.dtype"],
      [{ columns: [] }, "params.columns"],
      [{ columns: [0, 2] }, "params.columns[1]"],
      [{ columns: ["0"] }, "params.columns[0]"],
    ],
  },
  {
    op: "check_finite",
    title: "of some columns",
    columns: [infinite, integers, more],
    params: { columns: [1] },
    width: 3,
    refused: [4],
    malformed: [],
  },
  {
    op: "check_finite",
    title: "of numbers that may be missing",
    columns: [integers, infinite],
    params: { allow_nan: true },
    width: 2,
    refused: [1, 4],
    malformed: [],
  },
  {
    op: "check_finite",
    title: "of what float32 holds",
    columns: [
      [
        3.4028235677973362e38,
        3.4028235677973366e38,
        -3.4028235677973362e38,
        -3.4028235677973366e38,
        5e-324,
        Number.NaN,
        -0,
        1e308,
      ],
    ],
    params: { allow_nan: true, dtype: "float32" },
    width: 1,
    refused: [1, 3, 7],
    malformed: [],
  },
  {
    op: "transformer_weight",
    title: "of numbers",
    columns: [numbers, infinite],
    params: { weight: -0.1 },
    width: 2,
    malformed: [
      [{ weight: undefined }, "params.weight"],
      [{ weight: [1] }, "params.weight"],
      [{ weight: "Infinity" }, "params.weight"],
    ],
  },
];
