/** Members of a JSON body's outermost object that are texts, found without parsing the rest. */

import type { Buffer } from "node:buffer";

const quoteByte = 0x22;
const backslash = 0x5c;
/** Bytes of a key or a value that is looked at: longer ones are none that anybody asks for. */
const textBytesMax = 1024;

/**
 * @param names - Of the members; it is over once all of `enough` are found.
 * @returns By name. Of a body that is no JSON, what its beginning looks like: whoever parses it finds the fault.
 */
export function outermostTexts(body: Buffer, names: ReadonlySet<string>, enough: number): Map<string, string> {
  const found = new Map<string, string>();
  let depth = 0;
  let key: string | undefined;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === 0x2c) key = undefined;
    if (byte !== quoteByte) continue;
    const begin = at;
    at = endOfText(body, begin);
    if (depth !== 1) continue;
    const text = readText(body, begin, at);
    if (key === undefined) key = text ?? "";
    else {
      if (text !== undefined && names.has(key)) found.set(key, text);
      if (found.size === enough) return found;
    }
  }
  return found;
}

/** Where the text's closing quote stands; the end of the body without one. */
function endOfText(body: Buffer, begin: number): number {
  for (let end = body.indexOf(quoteByte, begin + 1); end >= 0; end = body.indexOf(quoteByte, end + 1)) {
    let first = end;
    while (body[first - 1] === backslash) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return body.length;
}

function readText(body: Buffer, begin: number, end: number): string | undefined {
  if (end - begin > textBytesMax) return undefined;
  try {
    return JSON.parse(body.toString("utf8", begin, end + 1)) as string;
  } catch {
    return undefined;
  }
}
