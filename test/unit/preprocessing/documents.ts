/** Graph documents for the tests: plain JSON, fresh for every call, so that a test may change its copy. */

export function demandDocument() {
  return {
    format: "plumb-graph/1",
    inputs: [
      { name: "price", type: "number" },
      { name: "promo", type: "integer" },
    ],
    nodes: [
      { id: "n1", op: "simple_imputer", inputs: ["price"], params: { statistics: [100] } },
      { id: "n2", op: "standard_scaler", inputs: ["n1"], params: { mean: [98], scale: [2] } },
      {
        id: "n3",
        op: "one_hot_encoder",
        inputs: ["promo"],
        params: { categories: [[0, 1]], handle_unknown: "ignore" },
      },
    ],
    outputs: [{ name: "X", dtype: "float32", shape: ["rows", 3], from: ["n2", "n3"] }],
  };
}

/** Inputs that one `passthrough` node carries to one output. */
export function passthroughDocument(inputs: readonly { name: string; type: string }[]) {
  return {
    format: "plumb-graph/1",
    inputs,
    nodes: [{ id: "all", op: "passthrough", inputs: inputs.map(({ name }) => name), params: {} }],
    outputs: [{ name: "X", dtype: "float64", shape: ["rows", inputs.length], from: ["all"] }],
  };
}

export function regressionDocument() {
  return {
    format: "plumb-graph/1",
    inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 1] }],
    nodes: [{ id: "p1", op: "identity", inputs: ["main.Y"], params: {} }],
    outputs: [{ name: "prediction", from: ["p1"] }],
  };
}

export function binaryDocument() {
  return {
    format: "plumb-graph/1",
    inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 1] }],
    nodes: [
      { id: "p1", op: "sigmoid", inputs: ["main.Y"], params: { dtype: "float32" } },
      { id: "p2", op: "label", inputs: ["p1"], params: { labels: ["no", "yes"], threshold: 0.5 } },
    ],
    outputs: [
      { name: "prediction", from: ["p2"] },
      { name: "probabilities", from: ["p1"], params: { labels: ["no", "yes"] } },
    ],
  };
}

/** A copy of a document with one place of it replaced (or, with undefined, taken out). */
export function replaced(document: unknown, place: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(document) as Record<string | number, unknown>;
  let at = copy;
  for (const key of place.slice(0, -1)) at = at[key] as typeof at;
  const last = place.at(-1)!;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}
