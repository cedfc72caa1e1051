/**
 * The row schema of a bundle, ready to check rows.
 *
 * Two forms of one rule. `accepts` answers yes or no for every row that is served: zod compiles it to straight code, it
 * allocates nothing and throws nothing. `issues` says what is wrong with a row that was refused, in our own words; it
 * may take its time. A property test holds them together: a row is accepted exactly when it has no issue. Rows that come
 * as columns are checked by `column-check.ts`.
 */

import * as z from "zod";
import type { Row } from "../preprocessing/index.js";
import { type ColumnCheck, createColumnCheck } from "./column-check.js";
import type { Parsed } from "./document.js";
import { type Feature, featuresOf, type Limits } from "./feature.js";
import { createIgnoredFields, type IgnoredFields, ignoredFieldsMax } from "./ignored-fields.js";
import type { Pause } from "./pause.js";
import { sentence } from "./problem.js";
import { type Issue, rowIssues } from "./row-issues.js";
import { type JsonSchemaDocument, parseRowSchemaDocument, type ScalarType, schemaFile } from "./row-schema-document.js";
import { isPlainText, textFormats } from "./text.js";

export interface RowSchema extends ColumnCheck {
  /** The document as schema.json holds it. */
  readonly document: JsonSchemaDocument;
  /** In the order of the document's properties. */
  readonly features: readonly Feature[];
  /** Where rows may have fields that nobody reads. */
  readonly ignored: IgnoredFields | undefined;
  /** True for a row that keeps every rule. About 15 ns for three numbers; no allocation, no throw. */
  accepts(row: unknown): row is Row;
  /**
   * Everything that is wrong with a row, in words; empty exactly when {@link accepts} is true. Values of features that
   * are personal data, and of fields that the schema doesn't know, are never repeated.
   */
  issues(row: unknown, rowIndex: number): Issue[];
}

/** Reads schema.json, parsed, and compiles it. */
export function parseRowSchema(json: unknown): Parsed<RowSchema> {
  const steps = parseRowSchemaSteps(json);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** {@link parseRowSchema}, a few features a step: each costs a tenth of a millisecond. */
export async function parseRowSchemaInSteps(json: unknown, pause: Pause): Promise<Parsed<RowSchema>> {
  const steps = parseRowSchemaSteps(json);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}

function* parseRowSchemaSteps(json: unknown): Generator<void, Parsed<RowSchema>> {
  const parsed = parseRowSchemaDocument(json);
  if ("problems" in parsed) return parsed;
  yield;
  const document = parsed.value;
  const features = featuresOf(document);
  try {
    const ignored = document.additionalProperties ? createIgnoredFields(features) : undefined;
    const accepts = yield* compileAccepts(features, ignored);
    const issues = (row: unknown, rowIndex: number) => rowIssues(features, row, rowIndex, ignored);
    return { value: { document, features, ignored, accepts, issues, ...createColumnCheck(features, ignored) } };
  } catch (error) {
    // Nothing of the subset is known to end here; a schema that does is refused, never served half compiled.
    const got = `a schema that does not compile (${(error as Error).message})`;
    return { problems: [sentence({ file: schemaFile, expected: "a schema that compiles", got })] };
  }
}

// V8 optimizes no function of more than about 60 kB of bytecode, and zod's strict objects compare each key of a row
// with each known name. Measured, one row of n numbers: strict 17 ns (n = 3), 0.2 us (30), 29 us (300), 3.7 ms (1000);
// in groups of 32 with a count of the keys instead 15 ns, 64 ns, 12 us, 95 us.
const groupSize = 32;

/**
 * Unknown fields are found by counting. Once every required feature is known to be there, a row has an unknown field
 * exactly when it has more keys than there are required features and optional ones present.
 */
function* compileAccepts(
  features: readonly Feature[],
  ignored: IgnoredFields | undefined,
): Generator<void, (row: unknown) => row is Row> {
  const groups: z.ZodType[] = [];
  for (let start = 0; start < features.length; start += groupSize) {
    const shape: Record<string, z.ZodType> = {};
    for (const feature of features.slice(start, start + groupSize)) {
      const value = valueSchema(feature);
      shape[feature.name] = feature.required ? value : value.optional();
      yield;
    }
    groups.push(z.compile(z.object(shape), { strict: true }));
    yield;
  }
  const optional = features.filter((feature) => !feature.required).map((feature) => feature.name);
  const requiredCount = features.length - optional.length;
  const names = new Set(features.map((feature) => feature.name));
  return (row): row is Row => {
    for (let group = 0; group < groups.length; group++) {
      if (!z.validate(groups[group]!, row)) return false;
    }
    let present = requiredCount;
    for (let at = 0; at < optional.length; at++) {
      if ((row as Row)[optional[at]!] !== undefined) present++;
    }
    let keys = 0;
    for (const _ in row as Row) keys++;
    return keys === present || (ignored !== undefined && mayHaveOthers(row as Row, keys - present, names, ignored));
  };
}

function mayHaveOthers(row: Row, count: number, names: ReadonlySet<string>, ignored: IgnoredFields): boolean {
  if (count > ignoredFieldsMax) return false;
  for (const field in row) if (!names.has(field) && !ignored.mayPass(field)) return false;
  return true;
}

// A custom string format costs less than a regular expression of the same meaning (41 ns against 72 for two strings).
const plainString = () => z.stringFormat("plain-text", isPlainText);

function valueSchema(feature: Feature): z.ZodType {
  if (feature.values !== undefined) return z.literal([...feature.values]);
  const value = feature.type === "array" ? listSchema(feature) : scalarSchema(feature.type, feature);
  return feature.nullable ? value.nullable() : value;
}

function listSchema(feature: Feature): z.ZodType {
  let list = z.array(scalarSchema(feature.itemType!, {}));
  if (feature.minItems !== undefined) list = list.min(feature.minItems);
  if (feature.maxItems !== undefined) list = list.max(feature.maxItems);
  return list;
}

function scalarSchema(type: ScalarType, limits: Limits): z.ZodType {
  if (type === "boolean") return z.boolean();
  if (type === "string") {
    let text = plainString();
    if (limits.minLength !== undefined) text = text.min(limits.minLength);
    if (limits.maxLength !== undefined) text = text.max(limits.maxLength);
    if (limits.pattern !== undefined) text = text.regex(limits.pattern);
    if (limits.format !== undefined) text = text.regex(textFormats[limits.format].pattern);
    return text;
  }
  let value: z.ZodNumber = type === "integer" ? z.int() : z.number();
  if (limits.minimum !== undefined) value = value.gte(limits.minimum);
  if (limits.maximum !== undefined) value = value.lte(limits.maximum);
  if (limits.exclusiveMinimum !== undefined) value = value.gt(limits.exclusiveMinimum);
  if (limits.exclusiveMaximum !== undefined) value = value.lt(limits.exclusiveMaximum);
  return value;
}
