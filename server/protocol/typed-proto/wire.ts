/**
 * Protobuf's wire format, read and written: only what the messages of a typed proto are made of.
 *
 * The reader is for bytes that nobody vouches for. It never reads behind its end, and what is wrong is thrown as the
 * caller's fault.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

import { type Buffer, isUtf8 } from "node:buffer";
import { ServeError } from "../../errors.js";

export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
const wireStartGroup = 3;
const wireEndGroup = 4;
const wireFixed32 = 5;

/** Groups in groups, of fields that nobody knows: as deep as other readers go. */
const groupDepthMax = 100;
/** Texts up to here are looked at byte by byte for being plain ASCII. */
const shortText = 64;
const two32 = 2 ** 32;

// Through which a double is read, in the byte order of the machine: Node runs on little-endian ones.
const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);

export class WireReader {
  readonly bytes: Buffer;
  pos: number;
  end: number;
  /** The signed upper half of the last varint. */
  #high = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.pos = 0;
    this.end = bytes.length;
  }

  /** A field's number times 8, and its wire type. */
  tag(): number {
    // Numbers up to 15, as most rows have them, are one byte.
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80 && byte > 7 && this.pos < this.end) {
      this.pos++;
      return byte;
    }
    const tag = this.#varintLow();
    if (this.#high !== 0 || tag >>> 3 === 0) throw this.fault("a field's number", "another");
    return tag;
  }

  /** A 64-bit integer; beyond 2^53 it is no safe one, and may be rounded. */
  int64(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80 && this.pos < this.end) {
      this.pos++;
      return byte;
    }
    const low = this.#varintLow();
    return this.#high * two32 + low;
  }

  bool(): boolean {
    const low = this.#varintLow();
    return low !== 0 || this.#high !== 0;
  }

  double(): number {
    const { bytes, pos } = this;
    if (pos + 8 > this.end) throw this.#tooShort();
    for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[pos + i]!;
    this.pos = pos + 8;
    return doubles[0]!;
  }

  /** Where the bytes of a length-delimited field end; they begin at `pos`. */
  span(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80 && this.pos + byte < this.end) {
      this.pos++;
      return this.pos + byte;
    }
    const length = this.#varintLow();
    if (this.#high !== 0 || length > this.end - this.pos) throw this.#tooShort();
    return this.pos + length;
  }

  string(): string {
    const first = this.pos;
    // The span's length moves `pos` on, so it has to be read first.
    const end = this.span();
    const begin = this.pos;
    this.pos = end;
    let bits = end - begin > shortText ? 0x80 : 0;
    for (let at = begin; at < end && bits < 0x80; at++) bits |= this.bytes[at]!;
    if (bits < 0x80) return this.bytes.toString("latin1", begin, end);
    if (!isUtf8(this.bytes.subarray(begin, end))) throw faultAt(first, "a text in UTF-8", "other bytes");
    return this.bytes.toString("utf8", begin, end);
  }

  /** Passes over a field of any type. */
  skip(tag: number): void {
    const open: number[] = [];
    for (let next = tag; ; next = this.tag()) {
      const wire = next & 7;
      if (wire === wireVarint) this.#varintLow();
      else if (wire === wireFixed64) this.#advance(8);
      else if (wire === wireFixed32) this.#advance(4);
      else if (wire === wireBytes) this.pos = this.span();
      else if (wire === wireStartGroup) {
        if (open.push(next >>> 3) > groupDepthMax)
          throw this.fault(`at most ${groupDepthMax} groups in each other`, "more");
      } else if (wire !== wireEndGroup || open.pop() !== next >>> 3) throw this.fault("a field's wire type", "another");
      if (open.length === 0) return;
    }
  }

  fault(expected: string, got: string): ServeError {
    return faultAt(this.pos, expected, got);
  }

  /** The lower half, unsigned; the upper is left in `#high`. */
  #varintLow(): number {
    const { bytes, end } = this;
    let { pos } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= end) throw this.#tooShort();
      const byte = bytes[pos++]!;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= byte << 28;
        high = (byte & 0x7f) >> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        this.pos = pos;
        this.#high = high;
        return low >>> 0;
      }
    }
    throw this.fault("a varint of at most 10 bytes", "a longer one");
  }

  #advance(count: number): void {
    if (count > this.end - this.pos) throw this.#tooShort();
    this.pos += count;
  }

  #tooShort(): ServeError {
    return this.fault("more bytes", "the end of a message");
  }
}

function faultAt(at: number, expected: string, got: string): ServeError {
  return new ServeError(
    "malformed_body",
    `the body isn't a PredictRequest: byte ${at}: expected ${expected}, got ${got}`,
  );
}

/** Of an unsigned integer below 2^32. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** @returns Where the next byte goes. */
export function writeVarint(to: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest > 0x7f; rest >>>= 7) to[next++] = (rest & 0x7f) | 0x80;
  to[next++] = rest;
  return next;
}
