/**
 * What is wrong with a row, in our own words: the feature, what was expected, what came.
 *
 * Plain code that knows nothing of zod: it is asked only for rows that the compiled check refused, and a property test
 * holds the two to the same answer. Nothing here repeats a value of a feature that is personal data, nor of a field the
 * schema doesn't know, which may be one misspelt.
 */
import type { Feature } from "./feature.js";
import { type IgnoredFields, ignoredFieldsMax } from "./ignored-fields.js";
import { describeValue, listWords, quote } from "./problem.js";
import type { ScalarType } from "./row-schema-document.js";
import { codePointCount, isPlainText, textFormats } from "./text.js";

export interface Issue {
  /** Index of the row in the request, from 0. */
  row: number;
  /** Empty when the row as a whole is at fault. */
  feature: string;
  expected: string;
  got: string;
}

/** Unknown fields that are named one by one; a row of a hostile caller may hold a million. */
const unknownFieldsMax = 10;

/** @returns Every problem of the row; empty when there is none. */
export function rowIssues(
  features: readonly Feature[],
  row: unknown,
  rowIndex: number,
  ignored?: IgnoredFields,
): Issue[] {
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    return [{ row: rowIndex, feature: "", expected: "an object with one member per feature", got: describeValue(row) }];
  }
  const values = row as Readonly<Record<string, unknown>>;
  const fields = new Set<string>();
  for (const field in values) fields.add(field);
  const issues: Issue[] = [];
  for (const feature of features) {
    const isAbsent = !fields.delete(feature.name) && values[feature.name] === undefined;
    const got = isAbsent ? (feature.required ? "nothing" : undefined) : valueFault(feature, values[feature.name]);
    if (got !== undefined) issues.push({ row: rowIndex, feature: feature.name, expected: expectedWords(feature), got });
  }
  if (ignored !== undefined && fields.size > ignoredFieldsMax) {
    const expected = `at most ${ignoredFieldsMax} fields beside the features`;
    issues.push({ row: rowIndex, feature: "", expected, got: `${fields.size}` });
    return issues;
  }
  const unknown = [...fields].filter((field) => !ignored?.mayPass(field));
  issues.push(...unknownFieldIssues(features, unknown, values, rowIndex));
  return issues;
}

function unknownFieldIssues(
  features: readonly Feature[],
  fields: readonly string[],
  values: Readonly<Record<string, unknown>>,
  row: number,
): Issue[] {
  if (fields.length === 0) return [];
  const expected = `no field of this name; the features are ${listWords(
    features.map((feature) => quote(feature.name)),
    { last: "and" },
  )}`;
  const issues = fields.slice(0, unknownFieldsMax).map((field) => {
    const feature = field.length > 256 ? `${field.slice(0, 256)}…` : field;
    return { row, feature, expected, got: kindOf(values[field]) };
  });
  const others = fields.length - issues.length;
  if (others > 0)
    issues.push({
      row,
      feature: "",
      expected: "only fields that the schema names",
      got: `${others} more unknown fields`,
    });
  return issues;
}

/** What a feature's value may be: `a number from 0 to 100 or null`. */
export function expectedWords(feature: Feature): string {
  if (feature.values !== undefined) {
    const values = feature.values.map((value) => (typeof value === "string" ? quote(value) : `${value}`));
    return values.length === 1 ? values[0]! : `one of ${listWords(values, { last: "and" })}`;
  }
  return valueWords(feature) + (feature.nullable ? " or null" : "");
}

function valueWords(feature: Feature): string {
  switch (feature.type) {
    case "boolean":
      return "true or false";
    case "string":
      return textWords(feature);
    case "array": {
      const size = boundsWords(feature.minItems, feature.maxItems);
      return `an array of ${size === "" ? "" : `${size} `}${feature.itemType}s`;
    }
    default:
      return numberWords(feature);
  }
}

function numberWords(feature: Feature): string {
  const noun = feature.type === "integer" ? "an integer" : "a number";
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = feature;
  const isPlainRange = exclusiveMinimum === undefined && exclusiveMaximum === undefined;
  if (isPlainRange && minimum !== undefined && maximum !== undefined) return `${noun} from ${minimum} to ${maximum}`;
  const bounds = [
    ...(minimum === undefined ? [] : [`of at least ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`of at most ${maximum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ];
  return [noun, listWords(bounds, { last: "and" })].filter(Boolean).join(" ");
}

function textWords(feature: Feature): string {
  const size = boundsWords(feature.minLength, feature.maxLength);
  return [
    feature.format === undefined ? "a string" : textFormats[feature.format].words,
    ...(size === "" ? [] : [`of ${size} characters`]),
    ...(feature.pattern === undefined ? [] : [`that matches ${quote(feature.pattern.source)}`]),
  ].join(" ");
}

function boundsWords(least: number | undefined, most: number | undefined): string {
  if (least !== undefined && most !== undefined) return least === most ? `${least}` : `${least} to ${most}`;
  if (least !== undefined) return `at least ${least}`;
  return most === undefined ? "" : `at most ${most}`;
}

/** What came instead, where the value breaks a rule of the feature; undefined where it keeps them all. */
export function valueFault(feature: Feature, value: unknown): string | undefined {
  if (feature.values !== undefined) {
    // Equality as === has it: true is not 1, and -0 is 0.
    return feature.values.includes(value as never) ? undefined : describe(feature, value);
  }
  if (value === null) return feature.nullable ? undefined : "null";
  return feature.type === "array" ? listFault(feature, value) : scalarFault(feature, feature.type, value);
}

function listFault(feature: Feature, value: unknown): string | undefined {
  if (!Array.isArray(value)) return describe(feature, value);
  const { minItems = 0, maxItems = Infinity } = feature;
  if (value.length < minItems || value.length > maxItems) return describeValue(value);
  for (let index = 0; index < value.length; index++) {
    const got = scalarFault({ pii: feature.pii }, feature.itemType!, value[index]);
    if (got !== undefined) return `an array with ${got} at index ${index}`;
  }
  return undefined;
}

type ScalarRules = Pick<
  Feature,
  | "pii"
  | "minimum"
  | "maximum"
  | "exclusiveMinimum"
  | "exclusiveMaximum"
  | "minLength"
  | "maxLength"
  | "pattern"
  | "format"
>;

function scalarFault(rules: ScalarRules, type: ScalarType, value: unknown): string | undefined {
  switch (type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : describe(rules, value);
    case "string":
      return typeof value === "string" ? textFault(rules, value) : describe(rules, value);
    default:
      return typeof value === "number" ? numberFault(rules, type, value) : describe(rules, value);
  }
}

function numberFault(rules: ScalarRules, type: "number" | "integer", value: number): string | undefined {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "a number beyond the range of float64";
  if (type === "integer" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return "an integer beyond 2^53 - 1, where digits are lost (send long ids as strings)";
  }
  const isWhole = type === "number" || Number.isInteger(value);
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = rules;
  const isWithin = value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
  return isWhole && isWithin ? undefined : describe(rules, value);
}

function textFault(rules: ScalarRules, value: string): string | undefined {
  if (!isPlainText(value))
    return value.includes("\0") ? "a string with a NUL character" : "a string with half a surrogate pair";
  const length = codePointCount(value);
  const { minLength = 0, maxLength = Infinity, pattern, format } = rules;
  const isWithin = length >= minLength && length <= maxLength;
  const hasForm =
    (pattern === undefined || pattern.test(value)) && (format === undefined || textFormats[format].pattern.test(value));
  return isWithin && hasForm ? undefined : describe(rules, value);
}

function describe(rules: { pii: boolean }, value: unknown): string {
  const isHidden = rules.pii && (typeof value === "string" || typeof value === "number" || typeof value === "boolean");
  return isHidden ? `${kindOf(value)} (hidden: personal data)` : describeValue(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return describeValue(value ?? null);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
