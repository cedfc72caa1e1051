/**
 * Where a text stops being JSON, and what its writer probably meant. Asked only once `JSON.parse` has refused the text:
 * V8's own sentence has the place of some faults only, and quotes the body, which may be personal data.
 *
 * The grammar is that of RFC 8259, read token by token. The fault is the first character with which no JSON text can go
 * on; that of a word that JSON doesn't have is the word's first character.
 */

export interface JsonFault {
  /** Index of the character; "end" where the text ends too early. */
  readonly at: number | "end";
  /** What to write instead, for the mistakes that are made most; undefined for all others. */
  readonly hint: string | undefined;
}

/** What may come next. */
type State = "value" | "value or end of list" | "key" | "key or end of object" | "colon" | "comma or end" | "nothing";

/** Characters of a string between two breaks. */
const sliceChars = 65_536;

const word = /[-+]?[\p{L}_$][\p{L}\p{N}_$]*/uy;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const blanks = /[ \t\n\r]*/y;

/** Finds the fault of a text that `JSON.parse` refused, in slices. */
export function* findFault(text: string): Generator<undefined, JsonFault> {
  const open: ("{" | "[")[] = [];
  let state: State = "value";
  let at = 0;
  for (let tokens = 0; ; tokens++) {
    if (tokens % 1024 === 1023) yield;
    at = endOf(blanks, text, at);
    if (at >= text.length) return { at: "end", hint: undefined };
    const char = text[at]!;
    switch (state) {
      case "value or end of list":
      case "value": {
        if (char === "{" || char === "[") {
          open.push(char);
          state = char === "{" ? "key or end of object" : "value or end of list";
          at++;
          continue;
        }
        if (char === "]" && state === "value or end of list") {
          open.pop();
          break;
        }
        if (char === '"') {
          const end: number | JsonFault = yield* endOfString(text, at);
          if (typeof end !== "number") return end;
          at = end;
        } else {
          const end = endOfScalar(text, at);
          if (end === at) return { at, hint: hintForValue(text, at, open.length > 0) };
          at = end;
        }
        state = open.length === 0 ? "nothing" : "comma or end";
        continue;
      }
      case "key or end of object":
      case "key": {
        if (char === "}" && state === "key or end of object") {
          open.pop();
          break;
        }
        if (char !== '"') return { at, hint: hintForKey(text, at) };
        const end: number | JsonFault = yield* endOfString(text, at);
        if (typeof end !== "number") return end;
        at = end;
        state = "colon";
        continue;
      }
      case "colon":
        if (char !== ":") return { at, hint: undefined };
        at++;
        state = "value";
        continue;
      case "comma or end": {
        const inObject = open.at(-1) === "{";
        if (char === ",") {
          at++;
          state = inObject ? "key" : "value";
          continue;
        }
        if (char !== (inObject ? "}" : "]")) return { at, hint: hintBehindValue(text, at) };
        open.pop();
        break;
      }
      case "nothing":
        return { at, hint: hintBehindEnd(text, at) };
    }
    // A list or an object has ended.
    at++;
    state = open.length === 0 ? "nothing" : "comma or end";
  }
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** @returns Behind the closing quote, or the fault. */
function* endOfString(text: string, quoteAt: number): Generator<undefined, number | JsonFault> {
  for (let at = quoteAt + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) return at + 1;
    if (char < 0x20) return { at, hint: controlHint(char) };
    if (char === 0x5c) {
      const letter = text[++at];
      if (letter === undefined) break;
      if (letter === "u") {
        for (let digit = 0; digit < 4; digit++) {
          if (++at >= text.length) return { at: "end", hint: undefined };
          if (!/[0-9a-fA-F]/.test(text[at]!)) return { at, hint: "\\u is followed by four hexadecimal digits in JSON" };
        }
      } else if (!'"\\/bfnrt'.includes(letter)) return { at, hint: "a backslash is written \\\\ in JSON" };
    }
    if (at % sliceChars === 0) yield;
  }
  return { at: "end", hint: undefined };
}

/** @returns Behind a number, true, false or null; `at` itself where none of them begins. */
function endOfScalar(text: string, at: number): number {
  for (const literal of ["true", "false", "null"]) {
    // `nullable` is a word, and none of ours.
    if (text.startsWith(literal, at) && endOf(word, text, at) === at + literal.length) return at + literal.length;
  }
  return endOf(number, text, at);
}

const comments = "JSON has no comments";
const trailingComma = "JSON takes no comma behind the last item";

/** By the word in lower case, as Python, R, JavaScript, pandas and Ruby write it. */
const words = new Map<string, string>([
  ...["nan", "na", "none", "undefined", "nil", "missing"].map((name) => [name, "null"] as const),
  ["null", "null"],
  ["true", "true"],
  ["false", "false"],
]);

function hintForValue(text: string, at: number, isInside: boolean): string | undefined {
  const char = text[at]!;
  if (char === "}" || char === "]") return text[lastTokenBefore(text, at)] === "," ? trailingComma : undefined;
  if (char === "'") return quotes;
  if (isComment(text, at)) return comments;
  const end = endOf(word, text, at);
  if (end > at) {
    const written = text.slice(at, Math.min(end, at + 12));
    if (/^[-+]?inf(?:inity)?$/i.test(written)) return "JSON has no infinity: a missing value is null";
    const meant = words.get(written.toLowerCase());
    // The words of the list alone are repeated: any other may be personal data.
    if (meant !== undefined) return `${written} is ${meant} in JSON`;
    return isInside && /[\p{L}_$]/u.test(char) ? "a string stands in double quotes in JSON" : undefined;
  }
  if (char === "+") return "a number has no plus sign in JSON";
  if (char === "." || text.startsWith("-.", at)) return "a number begins with a digit in JSON: 0.5";
  return char === "\0" ? utf16 : undefined;
}

function hintForKey(text: string, at: number): string | undefined {
  const char = text[at]!;
  if (char === "}") return trailingComma;
  if (char === "'") return quotes;
  if (isComment(text, at)) return comments;
  if (char === "\0") return utf16;
  return endOf(word, text, at) > at ? "a key stands in double quotes in JSON" : undefined;
}

function hintBehindValue(text: string, at: number): string | undefined {
  const char = text[at]!;
  if (isComment(text, at)) return comments;
  if (char === "\0") return utf16;
  const before = text[at - 1]!;
  if (before === "0" && /[0-9]/.test(char) && !/[0-9.]/.test(text[at - 2] ?? ""))
    return "a number has no leading zeros in JSON";
  if (/[0-9]/.test(before) && /[._xXeEnN]/.test(char)) return "a number is written like 12, 0.5 or 1e-3 in JSON";
  return char === '"' || char === "{" || char === "[" ? "a comma stands between two items" : undefined;
}

function hintBehindEnd(text: string, at: number): string {
  if (isComment(text, at)) return comments;
  const more = "more text follows the first value";
  return text[at] === "{" ? `${more}; several rows go as {"rows": [...]}` : more;
}

const quotes = "JSON has double quotes only";
const utf16 = "a NUL stands there: JSON is sent as UTF-8";

function controlHint(char: number): string {
  if (char === 0x0a || char === 0x0d) return "a line break in a string is written \\n in JSON";
  if (char === 0x09) return "a tab in a string is written \\t in JSON";
  return "a control character in a string is written like \\u0000 in JSON";
}

function isComment(text: string, at: number): boolean {
  return text[at] === "#" || text.startsWith("//", at) || text.startsWith("/*", at);
}

function lastTokenBefore(text: string, at: number): number {
  let before = at - 1;
  while (before > 0 && " \t\n\r".includes(text[before]!)) before--;
  return before;
}
