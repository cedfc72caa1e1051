/**
 * Texts to terms, as scikit-learn's vectorizers analyze them: lower case, accents, tokens or characters, stop words,
 * n-grams.
 *
 * Lengths and positions are Python's: code points, where JavaScript's texts count halves of surrogate pairs.
 */
import * as z from "zod";
import { closedSet, flag } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { type Characters, charactersOf, spaces, unicodeVersions } from "./characters.js";
import { createTokenizer, tokenPattern } from "./token-pattern.js";

const gramLength = z.int("a whole number").min(1, "1 or more").max(100, "at most 100");

/** Of every vectorizer. */
export const analyzerParams = {
  unicode: closedSet(unicodeVersions).describe("The version that the training Python knows."),
  analyzer: closedSet(["word", "char", "char_wb"]),
  ngram_range: z.tuple([gramLength, gramLength], "[shortest, longest]"),
  lowercase: flag,
  strip_accents: closedSet(["ascii", "unicode"]).optional(),
  token_pattern: tokenPattern.optional(),
  stop_words: z.array(z.string("a word"), "a list of words").optional(),
};

export type AnalyzerParams = z.output<z.ZodObject<typeof analyzerParams>>;

/** Hands each term of a text to `take`, as often as it is there. */
export type Analyzer = (text: string, take: (term: string) => void) => void;

/** @param path - Of the parameters in the document. */
export function createAnalyzer(params: AnalyzerParams, path: string): Analyzer {
  const { unicode, analyzer, ngram_range, token_pattern, stop_words } = params;
  const [shortest, longest] = ngram_range;
  if (shortest > longest)
    throw new GraphError(`${path}.ngram_range`, "[shortest, longest]", `[${shortest}, ${longest}]`);
  const characters = charactersOf(unicode);
  const prepare = createPreparation(params, characters);
  if (analyzer !== "word") {
    if (token_pattern !== undefined)
      throw new GraphError(`${path}.token_pattern`, `nothing, since analyzer is "${analyzer}"`, "a pattern");
    if (stop_words !== undefined)
      throw new GraphError(`${path}.stop_words`, `nothing, since analyzer is "${analyzer}"`, "a list");
    const grams = analyzer === "char" ? charGrams(shortest, longest) : paddedGrams(shortest, longest);
    return (text, take) => grams(prepare(text), take);
  }
  if (token_pattern === undefined)
    throw new GraphError(`${path}.token_pattern`, 'a pattern, since analyzer is "word"', describe(undefined));
  const tokenize = createTokenizer(token_pattern, characters, `${path}.token_pattern`);
  const stopped = new Set(stop_words);
  const joined = wordGrams(shortest, longest);
  const tokens: string[] = [];
  const keep = (token: string): void => {
    if (!stopped.has(token)) tokens.push(token);
  };
  return (text, take) => {
    tokens.length = 0;
    tokenize(prepare(text), keep);
    joined(tokens, take);
  };
}

function createPreparation(
  { lowercase, strip_accents }: AnalyzerParams,
  characters: Characters,
): (text: string) => string {
  const strip = (text: string): string => {
    if (strip_accents === undefined) return text;
    return strip_accents === "unicode" ? characters.stripAccents(text) : characters.asciiOnly(text);
  };
  return (text) => strip(lowercase ? characters.lower(text) : text);
}

function wordGrams(
  shortest: number,
  longest: number,
): (tokens: readonly string[], take: (term: string) => void) => void {
  return (tokens, take) => {
    for (let start = 0; start < tokens.length; start++) {
      let gram = tokens[start]!;
      const end = Math.min(start + longest, tokens.length);
      for (let next = start + 1; ; next++) {
        if (next - start >= shortest) take(gram);
        if (next >= end) break;
        gram = `${gram} ${tokens[next]!}`;
      }
    }
  };
}

const spaceClass = spaces.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join("");
const severalSpaces = new RegExp(`[${spaceClass}]{2,}`, "gu");
const someSpaces = new RegExp(`[${spaceClass}]+`, "u");

function charGrams(shortest: number, longest: number): Analyzer {
  const slide = slidingGrams();
  return (text, take) => {
    const count = slide.read(text.replace(severalSpaces, " "));
    for (let length = shortest; length <= Math.min(longest, count); length++) slide.run(length, take);
  };
}

function paddedGrams(shortest: number, longest: number): Analyzer {
  const slide = slidingGrams();
  return (text, take) => {
    for (const word of text.split(someSpaces)) {
      if (word === "") continue;
      const count = slide.read(` ${word} `);
      for (let length = shortest; length <= longest; length++) {
        slide.run(Math.min(length, count), take);
        // A word that is no longer than its n-grams counts once.
        if (length >= count) break;
      }
    }
  };
}

/** Grams of code points: where each one begins is looked up once per text. */
function slidingGrams() {
  let text = "";
  let starts = new Int32Array(256);
  let count = 0;
  return {
    read(given: string): number {
      text = given;
      count = 0;
      if (starts.length <= text.length) starts = new Int32Array(2 * text.length);
      for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) starts[count++] = at;
      starts[count] = text.length;
      return count;
    },
    run(length: number, take: (term: string) => void): void {
      for (let at = 0; at + length <= count; at++) take(text.slice(starts[at]!, starts[at + length]!));
    },
  };
}
