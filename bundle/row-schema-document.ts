/**
 * schema.json: the closed subset of JSON Schema 2020-12 that describes one row.
 *
 * JSON Schema's own rule is that a keyword nobody knows means nothing. Here it would mean a limit that the author
 * believes in and the server ignores, so everything outside the subset is refused when the bundle is read, and the
 * sentence names the property and the keyword.
 */

import * as z from "zod";
import { type Parsed, parseDocument, parseOnce } from "./document.js";
import { describeValue, jsonPath, listWords, quote, sentence, valueAt } from "./problem.js";
import { isPlainText } from "./text.js";

export const schemaFile = "schema.json";

export type ScalarType = "number" | "integer" | "string" | "boolean";
export type ScalarValue = number | string | boolean;
export type TextFormat = "date" | "date-time" | "uuid";

const finite = z.number({ error: "a number" });
const length = z.int({ error: "an integer from 0 up" }).min(0);
const text = z.string({ error: "a text" });

function typed<const T extends string>(type: T) {
  return z.union([z.literal(type), z.tuple([z.literal(type), z.literal("null")])], {
    error: `"${type}" or ["${type}", "null"]`,
  });
}

const annotations = {
  title: text.optional(),
  description: text.optional(),
  "x-unit": text.describe("The unit of the values, for people.").optional(),
  "x-pii": z
    .boolean({ error: "true or false" })
    .describe("Personal data: never logged, never repeated in a message.")
    .optional(),
};

function scalarKeywords<T extends z.ZodType>(value: T) {
  return {
    ...annotations,
    enum: z.array(value.nullable(), { error: "a list of at least one value" }).min(1).optional(),
    examples: z.array(value.nullable(), { error: "a list of values" }).optional(),
    "x-known-categories": z
      .array(value, { error: "a list of values" })
      .describe("The categories seen in training. Others are served, and counted.")
      .optional(),
  };
}

const range = {
  minimum: finite.optional(),
  maximum: finite.optional(),
  exclusiveMinimum: finite.optional(),
  exclusiveMaximum: finite.optional(),
};

const integer = z.int({ error: "an integer of at most 2^53 - 1" });
const plainText = z.string({ error: "a string" });

/** What a property of each type may say. */
const propertySchemas = {
  number: z.strictObject({ type: typed("number"), ...scalarKeywords(finite), ...range }),
  integer: z.strictObject({ type: typed("integer"), ...scalarKeywords(integer), ...range }),
  string: z.strictObject({
    type: typed("string"),
    ...scalarKeywords(plainText),
    minLength: length.optional(),
    maxLength: length.optional(),
    pattern: z.string({ error: "a regular expression of at most 1000 characters" }).max(1000).optional(),
    format: z.enum(["date", "date-time", "uuid"]).optional(),
  }),
  boolean: z.strictObject({ type: typed("boolean"), ...scalarKeywords(z.boolean({ error: "true or false" })) }),
  array: z.strictObject({
    type: typed("array"),
    ...annotations,
    items: z.strictObject(
      { type: z.enum(["number", "integer", "string", "boolean"]) },
      { error: 'one scalar type, as {"type": "number"}' },
    ),
    minItems: length.optional(),
    maxItems: length.optional(),
    examples: z.array(z.unknown(), { error: "a list of values" }).optional(),
  }),
} as const;

type PropertyType = keyof typeof propertySchemas;
const propertyTypes = Object.keys(propertySchemas) as PropertyType[];

/** A property as read: one flat form for every type, since a keyword of another type has been refused by then. */
export interface PropertySchema {
  type: PropertyType | [PropertyType, "null"];
  title?: string;
  description?: string;
  enum?: (ScalarValue | null)[];
  examples?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: TextFormat;
  items?: { type: ScalarType };
  minItems?: number;
  maxItems?: number;
  "x-unit"?: string;
  "x-pii"?: boolean;
  "x-known-categories"?: ScalarValue[];
}

/** The document, with its properties still unread: they are read one by one, each by the schema of its type. */
const envelopeSchema = z.strictObject({
  type: z.literal("object"),
  title: text.optional(),
  description: text.optional(),
  properties: z.record(z.string(), z.unknown(), { error: "an object with one schema per feature" }),
  required: z.array(z.string({ error: "the name of a property" }), { error: "a list of names" }).optional(),
  additionalProperties: z
    .boolean({ error: "false (a row has no other fields), or true (nobody reads them)" })
    .describe("Whether a row may have fields that nobody reads; never one that looks like a feature misspelt."),
});

/** The meta-schema: what `proto/row-schema.schema.json` is made from. */
export const rowSchemaDocumentSchema = envelopeSchema
  .extend({ properties: z.record(z.string(), z.union(Object.values(propertySchemas))) })
  .describe("schema.json of a Plumb bundle: the row that a model takes, in a closed subset of JSON Schema 2020-12.");

export type JsonSchemaDocument = Omit<z.infer<typeof envelopeSchema>, "properties"> & {
  properties: Record<string, PropertySchema>;
};

/** Checks schema.json, parsed, against the subset. */
export function parseRowSchemaDocument(document: unknown): Parsed<JsonSchemaDocument> {
  const parsed = parseDocument({ file: schemaFile }, envelopeSchema, document);
  if ("problems" in parsed) return parsed;
  const envelope = parsed.value;
  // The names as the file has them: zod's record leaves out a key such as "__proto__".
  const properties = (document as { properties: Record<string, unknown> }).properties;
  const names = Object.keys(properties);
  const problems = [...requiredProblems(envelope.required ?? [], names)];
  if (names.length === 0) {
    problems.push(sentence({ file: schemaFile, where: "properties", expected: "at least one property", got: "none" }));
  }
  for (const name of names) problems.push(...nameProblems(name), ...propertyProblems(name, properties[name]));
  return problems.length > 0 ? { problems } : { value: envelope as JsonSchemaDocument };
}

export function isNullable(property: PropertySchema): boolean {
  return Array.isArray(property.type);
}

/** The type of a property, without `"null"`. */
export function typeOf(property: PropertySchema): PropertyType {
  return Array.isArray(property.type) ? property.type[0] : property.type;
}

function requiredProblems(required: readonly string[], names: readonly string[]): string[] {
  const unseen = new Set(names);
  const known = new Set(names);
  return required.flatMap((name, index) => {
    const where = `required[${index}]`;
    if (!known.has(name))
      return [sentence({ file: schemaFile, where, expected: "the name of a property", got: quote(name) })];
    if (unseen.delete(name)) return [];
    return [sentence({ file: schemaFile, where, expected: "each name once", got: `${quote(name)} again` })];
  });
}

function nameProblems(name: string): string[] {
  const refuse = (expected: string) => [
    sentence({ file: schemaFile, where: `property ${quote(name)}`, expected, got: "this name" }),
  ];
  // A row is a plain JavaScript object: a name that every object inherits would look present where it is absent.
  if (name === "prototype" || name in Object.prototype)
    return refuse("a name that JavaScript objects do not already have");
  if (name === "rows") return refuse('another name ("rows" is how a request wraps many rows)');
  const isPrintable = isPlainText(name) && !/\p{Cc}/u.test(name);
  const isGood = name.length > 0 && name.length <= 256 && isPrintable;
  return isGood ? [] : refuse("a name of 1 to 256 characters, none of them a control character");
}

function propertyProblems(name: string, property: unknown): string[] {
  const where = `property ${quote(name)}`;
  const type = declaredType(property);
  if (type === undefined) {
    const isObject = typeof property === "object" && property !== null;
    const got = isObject ? describeValue((property as { type?: unknown }).type) : describeValue(property);
    const expected = `${listWords(propertyTypes.map(quote))}, or one of them with "null" as ["number", "null"]`;
    return [sentence({ file: schemaFile, where: `${where}, keyword "type"`, expected, got })];
  }
  const parsed = parseOnce<z.ZodType>(propertySchemas[type], property);
  if (!parsed.success) {
    return parsed.error.issues.flatMap((issue) =>
      keywordProblems(where, type, issue, property as Record<string, unknown>),
    );
  }
  return consistencyProblems(property as PropertySchema).map(({ keyword, ...rest }) =>
    sentence({ file: schemaFile, where: `${where}, keyword "${keyword}"`, ...rest }),
  );
}

function declaredType(property: unknown): PropertyType | undefined {
  if (typeof property !== "object" || property === null) return undefined;
  const { type } = property as { type?: unknown };
  const named = Array.isArray(type) ? type[0] : type;
  return propertyTypes.find((known) => known === named);
}

function keywordProblems(
  where: string,
  type: PropertyType,
  issue: z.core.$ZodIssue,
  property: Record<string, unknown>,
): string[] {
  if (issue.code !== "unrecognized_keys" || issue.path.length > 0) {
    const at = `${where}, keyword ${quote(jsonPath(issue.path))}`;
    return [
      sentence({
        file: schemaFile,
        where: at,
        expected: issue.message,
        got: describeValue(valueAt(property, issue.path)),
      }),
    ];
  }
  return issue.keys.map((keyword) => {
    const others = propertyTypes.filter((other) => Object.hasOwn(propertySchemas[other].shape, keyword));
    const expected = `one of the keywords of type "${type}" (${Object.keys(propertySchemas[type].shape).join(", ")})`;
    const advice =
      others.length > 0
        ? `it goes with type ${listWords(others.map(quote))}`
        : "the subset of JSON Schema that rows are described in does not have it";
    return sentence({
      file: schemaFile,
      where: `${where}, keyword ${quote(keyword)}`,
      expected,
      got: "this keyword",
      advice,
    });
  });
}

interface KeywordProblem {
  keyword: string;
  expected: string;
  got: string;
  advice?: string;
}

/** Keywords that are each well-formed and still contradict each other, or could never be met. */
function consistencyProblems(property: PropertySchema): KeywordProblem[] {
  const problems: KeywordProblem[] = [];
  const low = Math.max(property.minimum ?? -Infinity, property.exclusiveMinimum ?? -Infinity);
  const high = Math.min(property.maximum ?? Infinity, property.exclusiveMaximum ?? Infinity);
  const isOpen = property.exclusiveMinimum === low || property.exclusiveMaximum === high;
  if (low > high || (low === high && isOpen)) {
    const keyword = property.minimum === low ? "minimum" : "exclusiveMinimum";
    problems.push({ keyword, expected: "a range with a value in it", got: `${low} to ${high}` });
  }
  problems.push(
    ...orderProblems(property, "minLength", "maxLength"),
    ...orderProblems(property, "minItems", "maxItems"),
  );
  if (property.pattern !== undefined && !isPattern(property.pattern)) {
    problems.push({
      keyword: "pattern",
      expected: "a regular expression of ECMA-262 with the u flag",
      got: quote(property.pattern),
    });
  }
  if (property.enum !== undefined) problems.push(...enumProblems(property, property.enum));
  if (property["x-pii"]) {
    for (const keyword of ["enum", "x-known-categories"]) {
      if (!(keyword in property)) continue;
      problems.push({
        keyword,
        expected: 'no list of values beside "x-pii"',
        got: "one",
        advice: "a bundle never carries personal data",
      });
    }
  }
  if (property.examples?.includes(null) && !isNullable(property)) {
    problems.push({ keyword: "examples", expected: `values of type "${typeOf(property)}"`, got: "null" });
  }
  return problems;
}

function orderProblems(
  property: PropertySchema,
  low: "minLength" | "minItems",
  high: "maxLength" | "maxItems",
): KeywordProblem[] {
  const [least, most] = [property[low], property[high]];
  if (least === undefined || most === undefined || least <= most) return [];
  return [{ keyword: low, expected: `at most ${most}, which is its "${high}"`, got: `${least}` }];
}

function enumProblems(property: PropertySchema, values: readonly (ScalarValue | null)[]): KeywordProblem[] {
  const problems: KeywordProblem[] = [];
  const keyword = "enum";
  const seen = new Set<unknown>();
  const twice = values.find((value) => seen.size === seen.add(value).size);
  if (twice !== undefined)
    problems.push({ keyword, expected: "each value once", got: `${describeValue(twice)} again` });
  if (isNullable(property) !== values.includes(null)) {
    const got = values.includes(null) ? `null, and a "type" without "null"` : `no null, and a "type" with "null"`;
    problems.push({ keyword, expected: "null among the values if, and only if, the type has it", got });
  }
  const limits = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
  ];
  const limit = limits.find((name) => name in property);
  if (limit !== undefined)
    problems.push({
      keyword: limit,
      expected: 'no limit beside "enum"',
      got: "this keyword",
      advice: "the list says it all",
    });
  const unclean = values.find((value) => typeof value === "string" && !isPlainText(value));
  if (unclean !== undefined)
    problems.push({ keyword, expected: "strings without NUL and lone surrogates", got: describeValue(unclean) });
  return problems;
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}
