/**
 * Patterns that find the tokens of a text, as Python's `re.findall` does.
 *
 * The two languages read patterns differently, so none crosses as text: the exporter writes what Python's own parser
 * made of it, in these few forms, and every class of characters becomes ranges of code points here.
 */
import * as z from "zod";
import { closedObject, closedSet, flag, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { type Characters, type CodeRange, spaces } from "./characters.js";

const lastCode = 0x10ffff;
const code = z.int("a code point").min(0, "a code point").max(lastCode, "a code point");
const times = z.int("a whole number").min(0, "0 or more").max(1000, "at most 1000");

const oneOf = closedObject({
  one_of: listOf(
    z.union(
      [z.enum(["word", "digit", "space", "not_word", "not_digit", "not_space"]), z.tuple([code, code])],
      "a class of characters or a pair of code points",
    ),
    "classes of characters",
  ),
  negate: flag.default(false),
});
const at = closedObject({ at: closedSet(["boundary", "not_boundary", "start", "end"]) });
type Part =
  | z.output<typeof oneOf>
  | z.output<typeof at>
  | { repeat: Part[]; min: number; max: number | null; lazy?: boolean }
  | { either: Part[][] }
  | { group: Part[] };
const parts: z.ZodType<Part[]> = z.lazy(() => z.array(part, "a list of parts"));
const part: z.ZodType<Part> = z.lazy(() =>
  z.union(
    [
      oneOf,
      at,
      closedObject({ repeat: parts, min: times, max: z.nullable(times), lazy: flag.default(false) }),
      closedObject({ either: listOf(parts, "lists of parts") }),
      closedObject({ group: parts }),
    ],
    "a part of a pattern",
  ),
);

/**
 * Runs of word characters, at least so many: what the default pattern and most others mean. Or any pattern of the
 * closed forms.
 */
export const tokenPattern = z.union(
  [
    closedObject({ word_run: z.int("a whole number").min(1, "1 or more") }),
    closedObject({ parts: listOf(part, "parts") }),
  ],
  '{"word_run": ...} or {"parts": [...]}',
);
export type TokenPattern = z.output<typeof tokenPattern>;

/** Hands each token of a text to `take`, in order. */
export type Tokenizer = (text: string, take: (token: string) => void) => void;

/** @throws {@link GraphError} for a pattern that could match nothing, which the two languages step over differently. */
export function createTokenizer(pattern: TokenPattern, characters: Characters, path: string): Tokenizer {
  if ("word_run" in pattern) return wordRuns(pattern.word_run, characters);
  const expression = new RegExp(sourceOf(pattern.parts, characters), "gu");
  if (new RegExp(`^(?:${expression.source})$`, "u").test(""))
    throw new GraphError(path, "a pattern that matches no empty text", "one that does");
  return (text, take) => {
    expression.lastIndex = 0;
    for (let found = expression.exec(text); found !== null; found = expression.exec(text)) {
      if (found[0] === "") expression.lastIndex += 1;
      // With a group, `findall` gives what the group matched: an empty text where it took no part.
      else take(found.length > 1 ? (found[1] ?? "") : found[0]);
    }
  };
}

function wordRuns(lengthMin: number, characters: Characters): Tokenizer {
  return (text, take) => {
    let start = 0;
    let length = 0;
    for (let at = 0; at < text.length; ) {
      const code = text.codePointAt(at)!;
      const next = at + (code > 0xffff ? 2 : 1);
      if (characters.isWord(code)) {
        if (length === 0) start = at;
        length += 1;
      } else {
        if (length >= lengthMin) take(text.slice(start, at));
        length = 0;
      }
      at = next;
    }
    if (length >= lengthMin) take(text.slice(start));
  };
}

function sourceOf(list: readonly Part[], characters: Characters): string {
  return list.map((each) => partSource(each, characters)).join("");
}

function partSource(each: Part, characters: Characters): string {
  if ("one_of" in each) {
    const ranges = each.one_of.flatMap((item) => (typeof item === "string" ? classRanges(item, characters) : [item]));
    return classSource(each.negate ? allBut(ranges) : ranges);
  }
  if ("repeat" in each) {
    const { min, max, lazy } = each;
    return `(?:${sourceOf(each.repeat, characters)}){${min},${max ?? ""}}${lazy ? "?" : ""}`;
  }
  if ("either" in each) return `(?:${each.either.map((list) => sourceOf(list, characters)).join("|")})`;
  if ("group" in each) return `(${sourceOf(each.group, characters)})`;
  const word = classSource(characters.words);
  const sources = {
    boundary: `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`,
    not_boundary: `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`,
    start: "(?<![^])",
    // Python's `$` also stands before a line feed that ends the text.
    end: "(?=\\n?(?![^]))",
  };
  return sources[each.at];
}

function classRanges(name: string, characters: Characters): CodeRange[] {
  if (name.startsWith("not_")) return allBut(classRanges(name.slice(4), characters));
  if (name === "word") return characters.words;
  return name === "digit" ? characters.digits : [...spaces];
}

function allBut(ranges: readonly CodeRange[]): CodeRange[] {
  const rest: CodeRange[] = [];
  let from = 0;
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (first > from) rest.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  if (from <= lastCode) rest.push([from, lastCode]);
  return rest;
}

function classSource(ranges: readonly CodeRange[]): string {
  return `[${ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join("")}]`;
}
