/**
 * Zod schemas whose messages are the "expected" half of a sentence, and the one function that turns a first issue into
 * a {@link GraphError}. Everything that a graph document may say is built from these pieces, so nothing unknown passes.
 */
import * as z from "zod";
import { describe, GraphError, oneOf } from "./graph-error.js";

/** An object with exactly these keys; another key is refused by name. */
export function closedObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape);
  const only = keys.length === 0 ? "no keys at all" : `only the keys ${keys.map((key) => `"${key}"`).join(", ")}`;
  return z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? only : "an object") });
}

export function closedSet<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, oneOf(values));
}

/** A list of at least one; `what` says what is listed, in the plural. */
export function listOf<Item extends z.ZodType>(item: Item, what: string) {
  return z.array(item, `a list of ${what}`).min(1, `at least one of the ${what}`);
}

export const name = z.string("a name").min(1, "a name that is not empty");
export const flag = z.boolean("true or false");
export const columnIndex = z.int("a column's index").min(0, "a column's index, 0 or more");

/** Numbers that JSON has no form for travel as these strings, wherever a number is expected. */
const specials = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "-0.0": -0,
} as const;

function decodeSpecial(text: string): number | undefined {
  return Object.hasOwn(specials, text) ? specials[text as keyof typeof specials] : undefined;
}

const numberExpected = `a number, or ${oneOf(Object.keys(specials))}`;

/** A float64: a JSON number or a special; the parsed value is the number itself. */
export const float64 = z.unknown().transform((value, context): number => {
  const decoded = typeof value === "string" ? decodeSpecial(value) : value;
  if (typeof decoded === "number") return decoded;
  context.addIssue({ code: "custom", message: numberExpected });
  return z.NEVER;
});

/** As {@link float64}, without NaN and the infinities: for constants that arithmetic uses. */
export const finite = float64.refine(Number.isFinite, "a finite number");

/**
 * What a category or a label may be; `null` is the missing category. Strings stand for themselves: "NaN" is three
 * letters.
 */
export const label = z.union([z.string(), z.number(), z.boolean()], "a string, number or boolean");
export const category = z.custom<string | number | boolean | null>(
  (value) => value === null || ["string", "number", "boolean"].includes(typeof value),
  "a string, number, boolean or null",
);

/**
 * Parses a part of the document.
 *
 * @param path - Where `value` stands in the document; empty for the document itself.
 * @throws {@link GraphError} for the first thing that is wrong.
 */
export function parseClosed<Schema extends z.ZodType>(schema: Schema, value: unknown, path: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const at = issue.path.reduce<string>(joinPath, path) || "the graph";
  const got =
    issue.code === "unrecognized_keys" ? `the key ${describe(issue.keys[0])}` : describe(valueAt(value, issue.path));
  throw new GraphError(at, issue.message, got);
}

function joinPath(path: string, key: PropertyKey): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return path === "" ? String(key) : `${path}.${String(key)}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path)
    at = at === null || typeof at !== "object" ? undefined : (at as Record<PropertyKey, unknown>)[key];
  return at;
}
