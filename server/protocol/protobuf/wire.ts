/**
 * Protocol buffers as bytes: a reader that is strict, because its bytes come from callers, and a writer.
 *
 * The reader refuses what doesn't fit instead of guessing: a length beyond the end, a varint of more than 64 bits, text
 * that isn't UTF-8. It never reads behind its end. Fields that nobody knows are skipped, groups among them.
 *
 * @see https://protobuf.dev/programming-guides/encoding
 */

import { Buffer, isUtf8 } from "node:buffer";
import { ServeError } from "../../errors.js";

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Fields of one message and of those in it, so that a flood of empty ones is refused: 1 ms of reading. */
const fieldsMax = 20_000;
/** Groups in groups: as deep as other readers go. */
const groupDepthMax = 100;
/** Texts up to this length are looked at byte by byte for being plain ASCII. */
const shortText = 64;
const two32 = 2 ** 32;

// Doubles are read through these, in the byte order of the machine: Node runs on little-endian ones.
const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);

export class WireReader {
  readonly bytes: Buffer;
  /** The next byte. */
  pos = 0;
  /** Nothing is read from here on. A caller may move it to read a part, and back. */
  end: number;
  /** Number and wire type of the field that was found last. */
  field = 0;
  wireType = 0;
  readonly #what: string;
  readonly #budget: { fields: number };
  /** The halves of the last varint, unsigned. */
  #low = 0;
  #high = 0;

  /** @param what - Begins the message of every error. */
  constructor(bytes: Buffer, what = "the message", budget = { fields: fieldsMax }) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.#what = what;
    this.#budget = budget;
  }

  /** Goes on to the next field; false at the end. */
  next(): boolean {
    if (this.pos === this.end) return false;
    this.#count();
    this.tag();
    return true;
  }

  /** As {@link next}, for fields whose number the caller bounds itself. */
  nextUncounted(): boolean {
    if (this.pos === this.end) return false;
    this.tag();
    return true;
  }

  /** Goes on to the next field, which the caller knows to be there, uncounted. @returns Its number times 8 and its wire type. */
  tag(): number {
    // Numbers up to 15, as most messages have them, are one byte.
    const byte = this.bytes[this.pos]!;
    let tag = byte;
    if (byte < 0x80 && byte > 7 && this.pos < this.end) this.pos++;
    else {
      this.#readVarint();
      tag = this.#low;
      if (this.#high !== 0 || tag < 8) throw this.fault("a field's number", "none that may be");
    }
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    return tag;
  }

  expect(wireType: number): void {
    if (this.wireType !== wireType) throw this.fault(`wire type ${wireType}`, String(this.wireType));
  }

  /** Skips the field's value. */
  skip(): void {
    const { varint, fixed64, bytes, startGroup, endGroup, fixed32 } = wireTypes;
    const open: number[] = [];
    for (;;) {
      const { wireType } = this;
      if (wireType === varint) this.#readVarint();
      else if (wireType === bytes) this.pos = this.span();
      else if (wireType === fixed64) this.#advance(8);
      else if (wireType === fixed32) this.#advance(4);
      else if (wireType === startGroup) {
        if (open.push(this.field) > groupDepthMax)
          throw this.fault(`at most ${groupDepthMax} groups in each other`, "more");
      } else if (wireType !== endGroup || open.pop() !== this.field)
        throw this.fault("a wire type from 0 to 5, and each group's own end", String(wireType));
      if (open.length === 0) return;
      this.#count();
      this.tag();
    }
  }

  /** Where the bytes of a length-delimited field end; they begin at `pos`. */
  span(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80 && this.pos + byte < this.end) {
      this.pos++;
      return this.pos + byte;
    }
    this.#readVarint();
    const left = this.end - this.pos;
    if (this.#high !== 0 || this.#low > left)
      throw this.fault(`a length of at most the ${left} bytes that are left`, String(this.#unsigned()));
    return this.pos + this.#low;
  }

  /** Not copied. */
  readBytes(): Buffer {
    this.expect(wireTypes.bytes);
    const end = this.span();
    const bytes = this.bytes.subarray(this.pos, end);
    this.pos = end;
    return bytes;
  }

  readText(): string {
    this.expect(wireTypes.bytes);
    const end = this.span();
    const { bytes, pos: begin } = this;
    this.pos = end;
    let bits = end - begin > shortText ? 0x80 : 0;
    for (let at = begin; at < end && bits < 0x80; at++) bits |= bytes[at]!;
    if (bits < 0x80) return bytes.toString("latin1", begin, end);
    const text = bytes.toString("utf8", begin, end);
    // The character stands for what isn't UTF-8, and for itself.
    if (!text.includes("\ufffd") || isUtf8(bytes.subarray(begin, end))) return text;
    this.pos = begin;
    throw this.fault("text in UTF-8", "bytes that are not UTF-8");
  }

  /** A message in this one; its fields count among those of this one. */
  readMessage(): WireReader {
    this.expect(wireTypes.bytes);
    const inner = new WireReader(this.bytes, this.#what, this.#budget);
    inner.end = this.span();
    inner.pos = this.pos;
    this.pos = inner.end;
    return inner;
  }

  readBool(): boolean {
    this.#readVarint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** A signed integer of 64 bits, the nearest float64 to it: beyond 2^53 it is no safe one, and may be rounded. */
  readInteger(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80 && this.pos < this.end) {
      this.pos++;
      return byte;
    }
    this.#readVarint();
    return (this.#high | 0) * two32 + this.#low;
  }

  /** As {@link readInteger}. @returns In the second place, whether it is the same number. */
  readSigned(): readonly [number, boolean] {
    this.#readVarint();
    const high = this.#high | 0;
    return [high * two32 + this.#low, this.#isExact(high)];
  }

  readUnsigned(): readonly [number, boolean] {
    this.#readVarint();
    return [this.#unsigned(), this.#isExact(this.#high)];
  }

  /** An integer of 64 bits as it stands, unsigned. */
  readBits(): bigint {
    this.#readVarint();
    return (BigInt(this.#high) << 32n) + BigInt(this.#low);
  }

  readFloat(): number {
    this.#advance(4);
    return this.bytes.readFloatLE(this.pos - 4);
  }

  readDouble(): number {
    const { bytes, pos } = this;
    this.#advance(8);
    for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[pos + i]!;
    return doubles[0]!;
  }

  /** Bytes that are no such message. */
  fault(expected: string, got: string): ServeError {
    const where = `byte ${Math.min(this.pos, this.end)} of ${this.bytes.length}`;
    return new ServeError("malformed_body", `${this.#what}, ${where}: expected ${expected}, got ${got}`);
  }

  #count(): void {
    if (this.#budget.fields-- === 0) throw this.fault(`at most ${fieldsMax} fields`, "more");
  }

  #unsigned(): number {
    return this.#high * two32 + this.#low;
  }

  #isExact(high: number): boolean {
    if (high < 2 ** 21 && high >= -(2 ** 21)) return true;
    return BigInt(high * two32 + this.#low) === (BigInt(high) << 32n) + BigInt(this.#low);
  }

  #advance(count: number): void {
    if (this.end - this.pos < count) throw this.fault(`${count} bytes`, `the ${this.end - this.pos} that are left`);
    this.pos += count;
  }

  #readVarint(): void {
    const { bytes, end } = this;
    let at = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw this.fault("a whole number", "its beginning");
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else if (bits > 1) break;
      else high |= bits << 31;
      if (byte >= 0x80) continue;
      this.pos = at;
      this.#low = low >>> 0;
      this.#high = high >>> 0;
      return;
    }
    throw this.fault("a number of 64 bits", "a longer one");
  }
}

/** Bytes of an unsigned integer below 2^32 as a varint. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Writes such an integer. @returns Where the next byte goes. */
export function writeVarint(to: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest > 0x7f; rest >>>= 7) to[next++] = (rest & 0x7f) | 0x80;
  to[next++] = rest;
  return next;
}

export class WireWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The message as it stands; a copy. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** Left away where it is empty, as the format has it for what isn't repeated. */
  text(field: number, value: string): this {
    return value === "" ? this : this.item(field, value);
  }

  /** As one of several: written even if it is empty. */
  item(field: number, value: string): this {
    const length = Buffer.byteLength(value);
    this.head(field, length);
    this.#reserve(length);
    this.#length += this.#bytes.write(value, this.#length);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.head(field, value.length);
    return this.raw(value);
  }

  message(field: number, value: WireWriter): this {
    return this.bytes(field, value.#bytes.subarray(0, value.#length));
  }

  /** @param value - An integer that float64 holds exactly; zero is left away. */
  integer(field: number, value: number): this {
    return value === 0 ? this : this.explicit(field, value);
  }

  /** As {@link integer}, with zero written too: of a field whose absence counts. */
  explicit(field: number, value: number): this {
    this.tag(field, wireTypes.varint);
    return this.varint(value);
  }

  bool(field: number, value: boolean): this {
    return this.integer(field, Number(value));
  }

  /** Written even if it is zero, which may be negative. */
  double(field: number, value: number): this {
    return this.tag(field, wireTypes.fixed64).rawDouble(value);
  }

  rawDouble(value: number): this {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
    return this;
  }

  rawFloat(value: number): this {
    this.#reserve(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
    return this;
  }

  /** Packed integers. */
  integers(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const packed = new WireWriter();
    for (const value of values) packed.varint(value);
    return this.message(field, packed);
  }

  /** What stands before bytes that are written elsewhere. */
  head(field: number, length: number): this {
    this.tag(field, wireTypes.bytes);
    return this.varint(length);
  }

  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  varint(value: number | bigint): this {
    this.#reserve(10);
    const bytes = this.#bytes;
    if (typeof value === "number" && value >= 0) {
      let rest = value;
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[this.#length++] = (rest % 0x80) | 0x80;
      bytes[this.#length++] = rest;
      return this;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    bytes[this.#length++] = Number(rest);
    return this;
  }

  /** What stands before a value that is written elsewhere. */
  tag(field: number, wireType: number): this {
    return this.varint(field * 8 + wireType);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
