/**
 * MurmurHash3 (x86, 32 bits, seed 0) of a text in UTF-8, as a signed number: what scikit-learn hashes features with.
 */

const c1 = 0xcc9e2d51;
const c2 = 0x1b873593;

/** Grows to the longest text it has seen. */
let bytes = new Uint8Array(256);

/** @returns A whole number from -2^31 to 2^31 - 1, or undefined for half a surrogate pair, which has no UTF-8. */
export function murmur3(text: string): number | undefined {
  const length = writeUtf8(text);
  if (length < 0) return undefined;
  let hash = 0;
  const end = length & ~3;
  for (let at = 0; at < end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash ^= scrambled(word);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = length - 1; at >= end; at--) rest = (rest << 8) | bytes[at]!;
  if (end < length) hash ^= scrambled(rest);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scrambled(word: number): number {
  const mixed = Math.imul(word, c1);
  return Math.imul((mixed << 15) | (mixed >>> 17), c2);
}

/** @returns How many bytes; -1 for half a surrogate pair. */
function writeUtf8(text: string): number {
  if (bytes.length < 3 * text.length) bytes = new Uint8Array(6 * text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code < 0x80) {
      bytes[length++] = code;
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      code = text.codePointAt(at)!;
      if (code <= 0xffff) return -1;
      at += 1;
    }
    if (code < 0x800) bytes[length++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x10000) bytes[length++] = 0xe0 | (code >> 12);
      else {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 63);
      }
      bytes[length++] = 0x80 | ((code >> 6) & 63);
    }
    bytes[length++] = 0x80 | (code & 63);
  }
  return length;
}
