/**
 * golden.jsonl: rows with the answers that the trained pipeline gave, one JSON object a line.
 *
 * A line is either an answer (features before the cast, raw outputs of the models, prediction) or a refusal, for a row
 * that must not be answered. Proof at load means that the server's own path gives the same again.
 */

import * as z from "zod";
import type { Prediction, Row } from "../preprocessing/index.js";
import { parseDocument } from "./document.js";
import { decodeNumber, encodeNumber, numberFormSchema } from "./number-form.js";
import type { Pause } from "./pause.js";
import { describeValue, sentence } from "./problem.js";
import { decodeUtf8, JsonFault, parseStrictJson } from "./strict-json.js";

export const goldenFile = "golden.jsonl";

/** Fewest rows with an answer that a bundle must have. */
export const goldenRowsMin = 256;

/** Why a row is among the golden ones: drawn from the training data, or made at an edge. */
export const goldenKinds = [
  "sample",
  "mean",
  "median",
  "bound",
  "threshold",
  "missing",
  "unknown",
  "empty",
  "zero",
  "extreme",
] as const;
export type GoldenKind = (typeof goldenKinds)[number];

interface GoldenInput {
  kind: GoldenKind;
  row: Row;
  /**
   * The row's text as the file has it: what a caller would send. `row` written again could lose a `-0` or a `1e999`.
   */
  rowJson: string;
  /** In golden.jsonl, from 1. */
  line: number;
}

export interface GoldenAnswer extends GoldenInput {
  /** By output of preprocessing.json: float64 values before the cast, one per column. */
  features: Readonly<Record<string, Float64Array>>;
  /** By input of postprocessing.json (`id.name`): what the models gave. */
  raw: Readonly<Record<string, Float64Array>>;
  prediction: Prediction;
  /** In the order of the labels. */
  probabilities?: Float64Array;
  error?: undefined;
}

export interface GoldenRefusal extends GoldenInput {
  /** The code that a caller gets, such as `schema_mismatch`. */
  error: string;
}

export type GoldenRow = GoldenAnswer | GoldenRefusal;

const input = {
  kind: z.enum(goldenKinds).describe("Drawn from the training rows (sample), or made at an edge."),
  row: z.record(z.string(), z.unknown(), { error: "an object" }).describe("The row as a caller sends it."),
};
const values = z.record(z.string(), z.array(numberFormSchema, { error: "a list of numbers" }), {
  error: "an object of lists of numbers",
});

const answerSchema = z.strictObject({
  ...input,
  features: values.describe("By output of preprocessing.json: float64 values before the cast, one per column."),
  raw: values.describe("By input of postprocessing.json: what the models gave."),
  prediction: z
    .union([z.number(), z.string(), z.boolean(), z.array(numberFormSchema)], {
      error: "a number, a label, or a list of numbers",
    })
    .describe(
      "A number (NaN, infinities and -0 as strings), a list of them where postprocessing.json has names, or for a classifier the label.",
    ),
  probabilities: z
    .array(numberFormSchema, { error: "a list of numbers" })
    .describe("In the order of the labels.")
    .optional(),
});
const refusalSchema = z.strictObject({
  ...input,
  error: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, { error: "an error code such as schema_mismatch" }),
});

/** One line of golden.jsonl. */
export const goldenRowSchema = z
  .union([answerSchema, refusalSchema])
  .describe("One line of golden.jsonl of a Plumb bundle.");

// A file may hold thousands of lines, of a hundred numbers each: good answers are read by hand, in less than half of
// the time.
const compiled = { answer: z.compile(answerSchema), refusal: z.compile(refusalSchema) };
const answerMembers: ReadonlySet<string> = new Set(Object.keys(answerSchema.shape));
const kinds: ReadonlySet<unknown> = new Set(goldenKinds);

/** More problems than this are not listed one by one: a file written by another program is wrong in every line. */
const lineProblemsMax = 20;

/**
 * Reads golden.jsonl.
 *
 * @param text - The file's text; one line a row, the last newline may be missing.
 * @param task - Of the manifest: a regression's prediction is a number or a list of them, a classification's is a label
 *   as it stands.
 * @returns The rows, and every problem found; rows with a problem are left out.
 */
export function parseGolden(
  text: string,
  task: "regression" | "classification",
): { rows: GoldenRow[]; problems: string[] } {
  const reader = new GoldenReader(task);
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) reader.take(line);
  return reader.end();
}

/**
 * As {@link parseGolden}, line by line from the file's bytes, so that a large file is read in many short turns.
 *
 * @throws {@link JsonFault} for bytes that are not UTF-8.
 */
export async function parseGoldenBytes(bytes: Uint8Array, task: "regression" | "classification", pause: Pause) {
  const reader = new GoldenReader(task);
  for (let first = 0; first < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, first);
    const end = newline < 0 ? bytes.length : newline;
    reader.take(decodeUtf8(bytes.subarray(first, end)));
    first = end + 1;
    await pause();
  }
  return reader.end();
}

class GoldenReader {
  readonly #task: "regression" | "classification";
  readonly #rows: GoldenRow[] = [];
  readonly #problems: string[] = [];
  #lines = 0;

  constructor(task: "regression" | "classification") {
    this.#task = task;
  }

  take(line: string): void {
    const parsed = parseLine(line, ++this.#lines, this.#task);
    if (Array.isArray(parsed)) this.#problems.push(...parsed);
    else this.#rows.push(parsed);
  }

  end(): { rows: GoldenRow[]; problems: string[] } {
    return { rows: this.#rows, problems: conclude(this.#rows, this.#problems) };
  }
}

function conclude(rows: readonly GoldenRow[], problems: string[]): string[] {
  const answers = rows.filter((row) => row.error === undefined).length;
  if (problems.length === 0 && answers < goldenRowsMin) {
    const advice = "export the bundle again with more rows: too few prove nothing";
    problems.push(
      sentence({
        file: goldenFile,
        expected: `at least ${goldenRowsMin} rows with an answer`,
        got: `${answers}`,
        advice,
      }),
    );
  }
  if (problems.length > lineProblemsMax) {
    problems.splice(
      lineProblemsMax,
      Infinity,
      `${goldenFile}: ${problems.length - lineProblemsMax} more problems like these`,
    );
  }
  return problems;
}

function parseLine(line: string, lineNumber: number, task: "regression" | "classification"): GoldenRow | string[] {
  const place = { file: goldenFile, where: `line ${lineNumber}` };
  let document: unknown;
  let rowJson: string | undefined;
  try {
    ({ value: document, memberText: rowJson } = parseStrictJson(line, "row"));
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return [sentence({ ...place, expected: error.expected, got: error.got })];
  }
  const answer = readAnswer(document, task);
  if (answer !== undefined) return { ...answer, rowJson: rowJson!, line: lineNumber };
  const isRefusal = typeof document === "object" && document !== null && "error" in document;
  const schema = isRefusal ? compiled.refusal : compiled.answer;
  if (!z.validate(schema, document)) {
    const parsed = parseDocument<z.ZodType>(place, isRefusal ? refusalSchema : answerSchema, document);
    return "problems" in parsed ? parsed.problems : [];
  }
  if (isRefusal) {
    const { kind, row, error } = document as z.infer<typeof refusalSchema>;
    return { kind, row, rowJson: rowJson!, line: lineNumber, error };
  }
  const { kind, row, features, raw, prediction, probabilities } = document as z.infer<typeof answerSchema>;
  const value = decodePrediction(prediction, task);
  if (value === undefined) {
    const expected =
      task === "regression"
        ? 'a number, or one of "NaN", "Infinity", "-Infinity", "-0.0", or a list of these, since the task is regression'
        : "a label, since the task is classification";
    return [sentence({ ...place, where: `${place.where}, prediction`, expected, got: describeValue(prediction) })];
  }
  return {
    kind,
    row,
    rowJson: rowJson!,
    line: lineNumber,
    features: decodeValues(features),
    raw: decodeValues(raw),
    prediction: value,
    ...(probabilities && { probabilities: decodeList(probabilities) }),
  };
}

/**
 * A document that {@link answerSchema} takes, without asking it; undefined for whatever isn't plainly good, which the
 * schema then judges.
 */
function readAnswer(
  document: unknown,
  task: "regression" | "classification",
): Omit<GoldenAnswer, "rowJson" | "line"> | undefined {
  if (!isObject(document) || !Object.keys(document).every((name) => answerMembers.has(name))) return undefined;
  const { kind, row, prediction } = document;
  const features = readLists(document.features);
  const raw = readLists(document.raw);
  const probabilities = document.probabilities === undefined ? undefined : readList(document.probabilities);
  const value = task === "regression" ? readNumbers(prediction) : readLabel(prediction);
  if (!kinds.has(kind) || !isObject(row) || !features || !raw || value === undefined) return undefined;
  if (document.probabilities !== undefined && probabilities === undefined) return undefined;
  return { kind: kind as GoldenKind, row, features, raw, prediction: value, ...(probabilities && { probabilities }) };
}

function readNumbers(value: unknown): Prediction | undefined {
  if (!Array.isArray(value)) return readNumber(value);
  const numbers = readList(value);
  return numbers && [...numbers];
}

function readLabel(value: unknown): Prediction | undefined {
  return typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
    ? value
    : undefined;
}

/** @returns Undefined for what the task doesn't predict. */
function decodePrediction(
  prediction: z.infer<typeof answerSchema>["prediction"],
  task: "regression" | "classification",
) {
  if (task === "classification") return Array.isArray(prediction) ? undefined : prediction;
  return Array.isArray(prediction) ? [...decodeList(prediction)] : decodeNumber(prediction);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readLists(value: unknown): Record<string, Float64Array> | undefined {
  if (!isObject(value)) return undefined;
  const lists: Record<string, Float64Array> = {};
  for (const [name, list] of Object.entries(value)) {
    const numbers = readList(list);
    if (numbers === undefined) return undefined;
    lists[name] = numbers;
  }
  return lists;
}

function readList(value: unknown): Float64Array | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers = new Float64Array(value.length);
  for (let i = 0; i < numbers.length; i++) {
    const number = readNumber(value[i]);
    if (number === undefined) return undefined;
    numbers[i] = number;
  }
  return numbers;
}

/** `1e999` is read as an infinity, which has a form of its own. */
function readNumber(value: unknown): number | undefined {
  return typeof value === "number" && !Number.isFinite(value) ? undefined : decodeNumber(value);
}

function decodeValues(lists: Readonly<Record<string, readonly (number | string)[]>>): Record<string, Float64Array> {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, decodeList(list)]));
}

function decodeList(list: readonly (number | string)[]): Float64Array {
  const values = new Float64Array(list.length);
  for (let i = 0; i < list.length; i++) values[i] = decodeNumber(list[i])!;
  return values;
}

/** One line of golden.jsonl, without the newline. The reverse of {@link parseGolden}, to the last bit. */
export function formatGoldenRow(golden: GoldenRow): string {
  const { kind, rowJson } = golden;
  const head = `{"kind":${JSON.stringify(kind)},"row":${rowJson}`;
  if (golden.error !== undefined) return `${head},"error":${JSON.stringify(golden.error)}}`;
  const encodeLists = (lists: Readonly<Record<string, Float64Array>>) =>
    JSON.stringify(
      Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, Array.from(list, encodeNumber)])),
    );
  const prediction = encodePrediction(golden.prediction);
  const results = `${head},"features":${encodeLists(golden.features)},"raw":${encodeLists(golden.raw)},"prediction":${JSON.stringify(prediction)}`;
  return golden.probabilities
    ? `${results},"probabilities":${JSON.stringify(Array.from(golden.probabilities, encodeNumber))}}`
    : `${results}}`;
}

function encodePrediction(prediction: Prediction): unknown {
  if (typeof prediction === "object") return prediction.map(encodeNumber);
  return typeof prediction === "number" ? encodeNumber(prediction) : prediction;
}
