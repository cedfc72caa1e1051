/** Contract cases of what turns categories into numbers. */
import { infinite, integers, numbers, type OperatorCase, words } from "./case.js";

export const encodeCases: readonly OperatorCase[] = [
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
    op: "target_encoder",
    title: "of one target",
    columns: [integers, words],
    params: {
      categories: [
        [0, 1, 2],
        ["a", null],
      ],
      encodings: [
        [0.5, "-0.0", 1e300],
        [2, 3],
      ],
      target_mean: [0.25],
    },
    width: 2,
    malformed: [
      [{ categories: [[0, 1, 2]] }, "params.categories"],
      [{ categories: [[0, false], ["a"]] }, "params.categories[0][1]"],
      [{ encodings: [[1, 2, 3]] }, "params.encodings"],
      [
        {
          encodings: [
            [1, 2, 3],
            [1, 2, 3],
          ],
        },
        "params.encodings[1]",
      ],
      [
        {
          encodings: [
            [1, 2, "NaN"],
            [1, 2],
          ],
        },
        "params.encodings[0][2]",
      ],
      [{ target_mean: 0.5 }, "params.target_mean"],
      [{ target_mean: [0.5, 0.5] }, "params.encodings"],
      [{ target_mean: [] }, "params.target_mean"],
    ],
  },
  {
    op: "target_encoder",
    title: "of three classes, and infinities",
    columns: [infinite],
    params: {
      categories: [[1, 2]],
      encodings: [
        [0.1, 0.2],
        [0.3, 0.4],
        [0.5, 0.6],
      ],
      target_mean: [0.7, 0.8, 0.9],
    },
    width: 3,
    refused: [1, 4],
    malformed: [],
  },
];
