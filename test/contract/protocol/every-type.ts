/** The version that protocols are asked about: a feature of each type. */

/** A feature of each type; the pipeline itself refuses a colour that isn't one of two. */
export const everyType = {
  schema: {
    type: "object",
    properties: {
      size: { type: "number", minimum: -10 },
      count: { type: ["integer", "null"] },
      open: { type: "boolean" },
      colour: { type: "string", maxLength: 8 },
      sold: { type: "array", items: { type: "number" } },
    },
    required: ["size", "count", "colour"],
    additionalProperties: false,
  },
  preprocessing: {
    format: "plumb-graph/1",
    inputs: ["number", "integer", "boolean", "string", "numbers"].map((type, i) => ({
      name: ["size", "count", "open", "colour", "sold"][i],
      type,
    })),
    nodes: [
      { id: "n1", op: "passthrough", inputs: ["size", "count", "open"], params: {} },
      {
        id: "n2",
        op: "ordinal_encoder",
        inputs: ["colour"],
        params: { categories: [["blue", "red"]], handle_unknown: "error" },
      },
      { id: "n3", op: "row_window", inputs: ["sold"], params: { statistics: ["sum", "count"], min_items: 1, ddof: 0 } },
    ],
    outputs: [{ name: "X", dtype: "float64", shape: ["rows", 6], from: ["n1", "n2", "n3"] }],
  },
  rowsMax: 2000,
};
