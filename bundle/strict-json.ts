/**
 * JSON as a bundle's files must have it: UTF-8, one document, no key twice, no `__proto__`, not deeper than 64.
 *
 * `JSON.parse` keeps the last of two equal keys and says nothing, so two readers of one file could see two bundles. One
 * pass over the text looks for that before the parse.
 */

/** Deepest nesting of a document; the formats here need 8. */
const depthMax = 64;

export interface ParsedJson {
  value: unknown;
  /** The text of the wanted member of the outermost object, exactly as written; undefined where there is none. */
  memberText: string | undefined;
}

/** A document that is no strict JSON. `where` is a line (from 1), where the fault has one. */
export class JsonFault extends Error {
  readonly where: string | undefined;
  readonly expected: string;
  readonly got: string;

  constructor(expected: string, got: string, where?: string) {
    super(`expected ${expected}, got ${got}`);
    this.name = "JsonFault";
    this.expected = expected;
    this.got = got;
    this.where = where;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws {@link JsonFault} when the bytes are not UTF-8, or start with a byte order mark. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new JsonFault("UTF-8 text", "bytes that are not UTF-8");
  }
  if (text.startsWith("\ufeff")) throw new JsonFault("UTF-8 text without a byte order mark", "one with it");
  return text;
}

/**
 * Parses one strict JSON document.
 *
 * @param wantedMember - A key of the outermost object whose text is wanted beside its value, since a text such as
 *   `1e999` or `-0` does not survive being parsed and written again.
 * @throws {@link JsonFault}
 */
export function parseStrictJson(text: string, wantedMember?: string): ParsedJson {
  const memberText = scan(text, wantedMember);
  try {
    return { value: JSON.parse(text), memberText };
  } catch (error) {
    throw new JsonFault(
      "JSON",
      text.trim() === "" ? "nothing" : `text that does not parse (${(error as Error).message.slice(0, 120)})`,
    );
  }
}

const [quoteMark, backslash, comma, openBracket, closeBracket, openBrace, closeBrace, colon] = [
  0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d, 0x3a,
];

/** What can end a list's numbers. */
const inList = /["[\]{}]/g;

/** Looks at structure only: whatever is no JSON is left for `JSON.parse` to refuse. */
function scan(text: string, wantedMember: string | undefined): string | undefined {
  // One entry per open bracket: the keys seen so far in an object, undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let keyComesNext = false;
  let wantedIsNext = false;
  let memberStart = -1;
  let memberText: string | undefined;
  for (let at = 0; at < text.length; at++) {
    // Most of a bundle's text is lists of numbers, in which nothing but an end or a nested value matters.
    if (open.length > 0 && open.at(-1) === undefined) {
      inList.lastIndex = at;
      at = inList.exec(text)?.index ?? text.length;
    }
    switch (text.charCodeAt(at)) {
      case quoteMark: {
        const end = endOfString(text, at);
        if (keyComesNext) {
          const key = readKey(text.slice(at, end + 1));
          const keys = open.at(-1);
          if (key === "__proto__") throw new JsonFault("no key of this name", '"__proto__"', lineOf(text, at));
          if (keys?.has(key))
            throw new JsonFault(
              "each key once",
              `the key ${JSON.stringify(key)} twice in one object`,
              lineOf(text, at),
            );
          keys?.add(key);
          keyComesNext = false;
          wantedIsNext = open.length === 1 && key === wantedMember;
        }
        at = end;
        break;
      }
      case colon:
        if (wantedIsNext) memberStart = at + 1;
        wantedIsNext = false;
        break;
      case openBrace:
      case openBracket:
        keyComesNext = text.charCodeAt(at) === openBrace;
        open.push(keyComesNext ? new Set() : undefined);
        if (open.length > depthMax)
          throw new JsonFault(`nesting of at most ${depthMax} levels`, "a deeper one", lineOf(text, at));
        break;
      case comma:
      case closeBrace:
      case closeBracket:
        if (open.length === 1 && memberStart >= 0) {
          memberText = text.slice(memberStart, at).trim();
          memberStart = -1;
        }
        if (text.charCodeAt(at) !== comma) open.pop();
        keyComesNext = text.charCodeAt(at) === comma && open.at(-1) !== undefined;
        break;
    }
  }
  return memberText;
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function readKey(token: string): string {
  if (!token.includes("\\")) return token.slice(1, -1);
  try {
    return JSON.parse(token) as string;
  } catch {
    return token;
  }
}

function lineOf(text: string, at: number): string {
  let line = 1;
  for (let newline = text.indexOf("\n"); newline !== -1 && newline < at; newline = text.indexOf("\n", newline + 1))
    line++;
  return `line ${line}`;
}
