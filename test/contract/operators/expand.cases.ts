/** Contract cases of what makes several columns of each. */
import { infinite, integers, more, numbers, type OperatorCase } from "./case.js";

const knots = [-3, -2, -1, 0, 1, 2, 3, 4];

export const expandCases: readonly OperatorCase[] = [
  {
    op: "polynomial_features",
    title: "of degrees 0 to 3",
    columns: [numbers, infinite],
    params: { degree: [0, 3], interaction_only: false, include_bias: true },
    width: 10,
    refused: [1, 3, 4, 7],
    malformed: [
      [{ degree: 2 }, "params.degree"],
      [{ degree: [2, 1] }, "params.degree[1]"],
      [{ degree: [0, 0.5] }, "params.degree[1]"],
      [{ degree: [-1, 2] }, "params.degree[0]"],
      [{ degree: [0, 100_000] }, "params.degree"],
      [{ interaction_only: undefined }, "params.interaction_only"],
      [{ include_bias: 1 }, "params.include_bias"],
    ],
  },
  {
    op: "polynomial_features",
    title: "interactions of a degree alone",
    columns: [numbers, more, integers],
    params: { degree: [2, 3], interaction_only: true, include_bias: false },
    width: 4,
    refused: [3, 4],
    malformed: [],
  },
  {
    op: "spline_transformer",
    title: "within the knots",
    columns: [more, more],
    params: { knots: [knots, knots], degree: 2, extrapolation: "error", include_bias: true },
    width: 10,
    refused: [3, 4],
    malformed: [
      [{ knots: [knots] }, "params.knots"],
      [{ knots: [knots, [0, 1, 2, 3, 4]] }, "params.knots[1]"],
      [{ knots: [knots, [...knots, 3]] }, "params.knots[1][8]"],
      [{ knots: [knots, [...knots, "Infinity"]] }, "params.knots[1][8]"],
      [{ degree: -1 }, "params.degree"],
      [{ degree: 0, extrapolation: "linear" }, "params.degree"],
      [{ degree: 0, extrapolation: "constant" }, "params.degree"],
      [{ degree: 4, extrapolation: "periodic" }, "params.knots[0]"],
      [{ extrapolation: "none" }, "params.extrapolation"],
      [{ include_bias: undefined }, "params.include_bias"],
      [{ handle_missing: "mean" }, "params.handle_missing"],
    ],
  },
  ...(["constant", "linear", "continue", "periodic"] as const).flatMap((extrapolation) =>
    [true, false].map(
      (missing): OperatorCase => ({
        op: "spline_transformer",
        title: `${extrapolation}, ${missing ? "missing as zeros" : "nothing missing"}`,
        columns: [numbers, more],
        params: {
          knots: [knots, knots],
          degree: 2,
          extrapolation,
          include_bias: missing,
          handle_missing: missing ? "zeros" : "error",
        },
        width: (extrapolation === "periodic" ? 6 : 10) - (missing ? 0 : 2),
        refused: missing ? [] : [3, 4],
        malformed: [],
      }),
    ),
  ),
];
