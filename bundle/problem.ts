/**
 * What is wrong with a bundle, in sentences.
 *
 * Every problem reads the same way: the file, where in it, what was expected, what is there, what to do about it. The
 * readers in this folder collect such sentences instead of stopping at the first, so that one run shows them all.
 */
import type * as z from "zod";

/** A bundle that will not be served, with everything that was found wrong. */
export class BundleError extends Error {
  readonly directory: string;
  /** One sentence each: file, where, expected, got, what to do. Never empty. */
  readonly problems: readonly string[];

  constructor(directory: string, problems: readonly string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`bundle ${directory}: ${count}\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "BundleError";
    this.directory = directory;
    this.problems = problems;
  }
}

/** What a reader of a document gives: the document's meaning, or every problem found in it. */
export type Parsed<Value> = { value: Value } | { problems: string[] };

/** The parts of a problem's sentence, in the order they are said. */
export interface Problem {
  file: string;
  /** A place in the file: a JSON path, a line, a property. */
  where?: string;
  expected: string;
  got: string;
  /** What to do, where it isn't plain from `expected`. */
  advice?: string;
}

export function sentence(problem: Problem): string {
  const place = problem.where ? `${problem.file}, ${problem.where}` : problem.file;
  const advice = problem.advice ? `; ${problem.advice}` : "";
  return `${place}: expected ${problem.expected}, got ${problem.got}${advice}`;
}

/** Longest text of a foreign value that a message repeats, in UTF-16 units: enough to recognize it, too little to flood a log. */
const quotedUnitsMax = 60;

/** A foreign text in double quotes: cut at 60 characters, control characters and lone surrogates escaped. */
export function quote(text: string): string {
  return JSON.stringify(text.length > quotedUnitsMax ? `${text.slice(0, quotedUnitsMax)}…` : text);
}

/** A value as messages name it, of bounded length: `the number 5`, `the string "n/a"`, `an array of 3 values`. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "number":
      return Number.isFinite(value) ? `the number ${Object.is(value, -0) ? "-0" : value}` : `${value}`;
    case "string":
      return value === "" ? "an empty string" : `the string ${quote(value)}`;
    case "boolean":
      return `${value}`;
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `an array of ${countOf(value.length, "value")}`;
      return "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** `1 value`, `2 values`. */
export function countOf(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** `a`, `a or b`, `a, b or c`; after `max` items `and N more`. */
export function listWords(words: readonly string[], { max = 12, last = "or" }: { max?: number; last?: string } = {}): string {
  if (words.length > max) return `${words.slice(0, max).join(", ")} and ${words.length - max} more`;
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

/** A path in a JSON document: `models[0].inputs[1].dtype`; a member that is no plain word is quoted: `files["a b"]`. */
export function jsonPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(String(step))) text += text === "" ? String(step) : `.${String(step)}`;
    else text += `[${quote(String(step))}]`;
  }
  return text;
}

/**
 * What a zod issue expected, in our words. Given to `safeParse` as its error map, so a schema's own `error` (which the
 * schemas of this folder write as "a name of ...") goes before it and the message is the expectation in either case.
 */
export function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords[issue.expected] ?? `a value of type ${issue.expected}`;
    case "invalid_value":
      return listWords(issue.values.map((value) => JSON.stringify(value)));
    case "too_small":
      return issue.origin === "number"
        ? `a number ${issue.inclusive ? "of at least" : "above"} ${issue.minimum}`
        : `at least ${countOf(Number(issue.minimum), unitOf(issue.origin))}`;
    case "too_big":
      return issue.origin === "number"
        ? `a number ${issue.inclusive ? "of at most" : "below"} ${issue.maximum}`
        : `at most ${countOf(Number(issue.maximum), unitOf(issue.origin))}`;
    default:
      return "another value";
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  record: "an object",
};

function unitOf(origin: string): string {
  if (origin === "string") return "character";
  return origin === "array" ? "item" : "member";
}

/**
 * The problems that zod found in one document, as sentences.
 *
 * @param place - The file and, for a document inside a document, where it stands in it.
 */
export function schemaProblems(place: { file: string; where?: string }, error: z.core.$ZodError, document: unknown): string[] {
  return error.issues.map((issue) => {
    const where = join(place.where, jsonPath(issue.path));
    if (issue.code === "unrecognized_keys") {
      const keys = listWords(issue.keys.map(quote), { last: "and" });
      const advice = "remove it, or use a version of Plumb that knows it";
      return sentence({ file: place.file, ...where, expected: "only the members that the format names", got: keys, advice });
    }
    if (issue.code === "invalid_key") {
      return sentence({ file: place.file, ...where, expected: issue.issues[0]?.message ?? "another name", got: "this name" });
    }
    return sentence({ file: place.file, ...where, expected: issue.message, got: describeValue(valueAt(document, issue.path)) });
  });
}

function join(outer: string | undefined, inner: string): { where?: string } {
  if (!outer) return inner ? { where: inner } : {};
  return { where: inner ? `${outer}, ${inner}` : outer };
}

/** The value at a path, undefined where there is none. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
