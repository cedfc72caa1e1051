/** Contract cases of what puts numbers into bins. */
import { infinite, numbers, type OperatorCase } from "./case.js";

export const discretizeCases: readonly OperatorCase[] = [
  {
    op: "binarizer",
    title: "of numbers",
    columns: [numbers, infinite],
    params: { threshold: 0 },
    width: 2,
    refused: [1, 3, 4, 7],
    malformed: [
      [{ threshold: undefined }, "params.threshold"],
      [{ threshold: [0] }, "params.threshold"],
      [{ threshold: "NaN" }, "params.threshold"],
    ],
  },
  ...(["onehot-dense", "ordinal"] as const).map(
    (encode): OperatorCase => ({
      op: "k_bins_discretizer",
      title: encode,
      columns: [numbers, infinite],
      params: {
        bin_edges: [
          [-7, 0, 0, 1.5],
          ["-Infinity", "Infinity"],
        ],
        encode,
      },
      width: encode === "ordinal" ? 2 : 4,
      refused: [1, 3, 4, 7],
      malformed: [
        [{ bin_edges: [[0, 1]] }, "params.bin_edges"],
        [{ bin_edges: [[0, 1], [0]] }, "params.bin_edges[1]"],
        [
          {
            bin_edges: [
              [0, 1],
              [0, 2, 1],
            ],
          },
          "params.bin_edges[1][2]",
        ],
        [
          {
            bin_edges: [
              [0, "NaN", 1],
              [0, 2],
            ],
          },
          "params.bin_edges[0][1]",
        ],
        [{ encode: "onehot" }, "params.encode"],
        [{ encode: undefined }, "params.encode"],
      ],
    }),
  ),
];
