/**
 * What the Python that trained knows of characters.
 *
 * Word characters, lower case and accents follow a version of Unicode: Python's own there, the engine's here. For
 * characters that both know they agree (the tests compare all of them); a character that Python didn't know is to
 * Python no word character, has no lower case, no accents, and parts the texts on its two sides. So tables say what
 * Python knew, and the engine only sees what it knew.
 */
import { unicodeTables } from "./unicode-tables.js";

export type UnicodeVersion = keyof typeof unicodeTables;
export const unicodeVersions = Object.keys(unicodeTables) as [UnicodeVersion, ...UnicodeVersion[]];

const isAssigned = 1;
const isWord = 2;
const isDigit = 4;
const isCombining = 8;
const flagsOf = { assigned: isAssigned, words: isWord, digits: isDigit, combining: isCombining } as const;

const codesCount = 0x110000;

/** From first to last, both included. */
export type CodeRange = readonly [first: number, last: number];

/** Python's `str.isspace` and `\s`, the same in every version. */
export const spaces: readonly CodeRange[] = [
  [0x09, 0x0d],
  [0x1c, 0x20],
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];

// Every ASCII character is one of Unicode's first version.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ASCII characters
const onlyAscii = /^[\x00-\x7f]*$/;

/**
 * The sigma at the end of a word: a letter with case before it and none behind it, not counting marks and the like
 * between them.
 *
 * Two characters changed sides in Unicode 16, later than every version that tables are of: U+0295 had case, and U+1171E
 * was such a mark.
 */
const ignorable = "(?:\\p{Case_Ignorable}|\\u{1171e})";
const letter = `(?:(?!${ignorable})(?:\\p{Cased}|\\u0295))`;
const finalSigma = new RegExp(`(?<=${letter}${ignorable}*)Σ(?!${ignorable}*${letter})`, "gu");

/** Lower case depends on what stands around a character for the sigma alone. */
function lowerKnown(text: string): string {
  return (text.includes("Σ") ? text.replace(finalSigma, "ς").replaceAll("Σ", "σ") : text).toLowerCase();
}

export class Characters {
  readonly #flags: Uint8Array;

  constructor(flags: Uint8Array) {
    this.#flags = flags;
  }

  isWord(code: number): boolean {
    return (this.#flags[code]! & isWord) !== 0;
  }

  get words(): CodeRange[] {
    return this.#ranges(isWord);
  }

  get digits(): CodeRange[] {
    return this.#ranges(isDigit);
  }

  /** `str.lower`. */
  lower(text: string): string {
    return onlyAscii.test(text) ? text.toLowerCase() : this.#mapKnown(text, lowerKnown);
  }

  /** scikit-learn's `strip_accents_unicode`: compatibility forms taken apart, combining characters left out. */
  stripAccents(text: string): string {
    if (onlyAscii.test(text)) return text;
    let stripped = "";
    for (const character of this.#decompose(text)) {
      if ((this.#flags[character.codePointAt(0)!]! & isCombining) === 0) stripped += character;
    }
    return stripped;
  }

  /** scikit-learn's `strip_accents_ascii`: compatibility forms taken apart, and what is ASCII of them. */
  asciiOnly(text: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ASCII characters
    return onlyAscii.test(text) ? text : this.#decompose(text).replace(/[^\x00-\x7f]/g, "");
  }

  #decompose(text: string): string {
    return this.#mapKnown(text, (part) => part.normalize("NFKD"));
  }

  /** Maps the parts of known characters, each by itself, and leaves unknown ones as they are. */
  #mapKnown(text: string, map: (part: string) => string): string {
    let mapped = "";
    let start = 0;
    for (let at = 0; at < text.length; ) {
      const code = text.codePointAt(at)!;
      const next = at + (code > 0xffff ? 2 : 1);
      if ((this.#flags[code]! & isAssigned) === 0) {
        mapped += map(text.slice(start, at)) + text.slice(at, next);
        start = next;
      }
      at = next;
    }
    return start === 0 ? map(text) : mapped + map(text.slice(start));
  }

  #ranges(flag: number): CodeRange[] {
    const ranges: [number, number][] = [];
    for (let code = 0; code < codesCount; code++) {
      if ((this.#flags[code]! & flag) === 0) continue;
      const last = ranges.at(-1);
      if (last?.[1] === code - 1) last[1] = code;
      else ranges.push([code, code]);
    }
    return ranges;
  }
}

const made = new Map<UnicodeVersion, Characters>();

/** The characters as a version of Unicode has them. A megabyte, made once for each version that a graph names. */
export function charactersOf(version: UnicodeVersion): Characters {
  const known = made.get(version);
  if (known !== undefined) return known;
  const flags = new Uint8Array(codesCount);
  for (const older of unicodeVersions.slice(0, unicodeVersions.indexOf(version) + 1)) {
    for (const [name, flag] of Object.entries(flagsOf))
      addRanges(flags, flag, unicodeTables[older][name as keyof typeof flagsOf]);
  }
  const characters = new Characters(flags);
  made.set(version, characters);
  return characters;
}

function addRanges(flags: Uint8Array, flag: number, ranges: string): void {
  const numbers = ranges === "" ? [] : ranges.split(" ").map((part) => Number.parseInt(part, 36));
  let at = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    at += numbers[index]!;
    for (const last = at + numbers[index + 1]!; ; at++) {
      flags[at] = flags[at]! | flag;
      if (at === last) break;
    }
  }
}
