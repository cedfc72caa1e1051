/**
 * Goal: every character is to the text operators what it is to the Python that trained, for each version of Unicode
 * that they know.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Characters, charactersOf, spaces, unicodeVersions } from "../../preprocessing/text/characters.js";

/** A hash per 65,536 characters, as trainer/parity_unicode.py wrote them. */
const hashes: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("unicode.json", import.meta.url), "utf8"),
);
const plane = 0x10000;

function planeHash(characters: Characters, digits: ReadonlySet<number>, first: number): string {
  const isFinal = (text: string): boolean => characters.lower(text).includes("ς");
  const lines: string[] = [];
  for (let code = first; code < first + plane; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    // The last three hold the capital sigma to Python's rule for the end of a word, around every character.
    const flags = [
      characters.isWord(code),
      digits.has(code),
      isFinal(`a${character}Σ`),
      isFinal(`${character}Σ`),
      isFinal(`aΣ${character}`),
    ];
    lines.push(
      `${code.toString(16)} ${flags.map(Number).join("")} ${characters.lower(character)} ${characters.stripAccents(character)}\n`,
    );
  }
  return createHash("sha256").update(lines.join("")).digest("hex").slice(0, 12);
}

/** Planes that have characters of their own; the others have private ones at most, which no version changes. */
const inhabited = [0, 1, 2, 3, 14];

it("has a hash for each version, and the other way round", () => {
  expect(Object.keys(hashes)).toEqual(unicodeVersions);
});

describe.each(unicodeVersions)("Unicode %s", (version) => {
  const characters = charactersOf(version);
  const digits = new Set(
    characters.digits.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)),
  );

  const planes = hashes[version]!.split(" ").map((hash, index) => ({ hash, index }));
  const compared = version === unicodeVersions[0] ? planes : planes.filter(({ index }) => inhabited.includes(index));
  it.each(compared)("plane $index is Python's", ({ hash, index }) => {
    expect(planeHash(characters, digits, index * plane)).toBe(hash);
  });

  it("finds the words of its ranges", () => {
    const inRanges = characters.words.reduce((count, [first, last]) => count + last - first + 1, 0);
    let found = 0;
    for (let code = 0; code < 17 * plane; code++) if (characters.isWord(code)) found += 1;
    expect(inRanges).toBe(found);
    expect(found).toBeGreaterThan(130_000);
  });
});

it("has Python's spaces, which are not the engine's", () => {
  const codes = spaces.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  expect(codes).toHaveLength(29);
  expect(codes.filter((code) => !/\s/.test(String.fromCharCode(code)))).toEqual([0x1c, 0x1d, 0x1e, 0x1f, 0x85]);
  expect(codes).not.toContain(0xfeff);
});
