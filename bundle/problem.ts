/**
 * What is wrong with a bundle, in sentences.
 *
 * Every problem reads the same way: the file, where in it, what was expected, what is there, what to do about it. The
 * readers in this folder collect such sentences instead of stopping at the first, so that one run shows them all.
 */

/**
 * Why a bundle can't be read. `incomplete`: a file isn't there yet, or is shorter than its manifest says, as while it
 * is being copied. `damaged`: its files aren't those that were exported, or the system won't give them. `refused`: it
 * is whole, but no bundle that this reader takes.
 */
export type BundleFault = "incomplete" | "damaged" | "refused";

/** A bundle that will not be served, with everything that was found wrong. */
export class BundleError extends Error {
  readonly directory: string;
  readonly fault: BundleFault;
  /** One sentence each: file, where, expected, got, what to do. Never empty. */
  readonly problems: readonly string[];

  constructor(directory: string, problems: readonly string[], fault: BundleFault = "refused") {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`bundle ${directory}: ${count}\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "BundleError";
    this.directory = directory;
    this.fault = fault;
    this.problems = problems;
  }
}

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

/**
 * Longest text of a foreign value that a message repeats, in UTF-16 units: enough to recognize it, too little to flood
 * a log.
 */
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
export function listWords(
  words: readonly string[],
  { max = 12, last = "or" }: { max?: number; last?: string } = {},
): string {
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

/** The value at a path, undefined where there is none. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
