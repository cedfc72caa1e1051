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
