/** What is wrong with a graph, in one sentence: where in the document, what was expected there, what came. */
export class GraphError extends Error {
  /** Where, as in `nodes[1].params.scale[0]`; `the graph` for the whole document. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;

  constructor(path: string, expected: string, got: string) {
    super(`${path}: expected ${expected}, got ${got}`);
    this.name = "GraphError";
    this.path = path;
    this.expected = expected;
    this.got = got;
  }
}

const textMax = 40;

/** A value as messages name it: scalars as JSON writes them, cut where long; lists and objects by their kind. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "number") return Object.is(value, -0) ? "-0.0" : String(value);
  if (typeof value === "string")
    return JSON.stringify(value.length > textMax ? `${value.slice(0, textMax)}...` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "boolean" ? String(value) : "an object";
}

/** `"a", "b" or "c"`: a closed set, in a sentence. */
export function oneOf(values: readonly unknown[]): string {
  const words = values.map(describe);
  const last = words.pop();
  return words.length === 0 ? String(last) : `${words.join(", ")} or ${last}`;
}
