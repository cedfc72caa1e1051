/**
 * Protocol buffers as bytes: a reader that is strict, because its bytes come from callers, and a writer.
 *
 * What doesn't fit is refused and never guessed: a length beyond the end, a varint of more than 64 bits, text that isn't
 * UTF-8, an integer that its type or float64 doesn't hold. Unknown fields are skipped, as the format wants it.
 *
 * @see https://protobuf.dev/programming-guides/encoding
 */

import { Buffer, isUtf8 } from "node:buffer";
import { ServeError } from "../../errors.js";

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Fields of one message and of those in it, so that a flood of empty ones is refused: 1 ms of reading. */
const fieldsMax = 20_000;

export class WireReader {
  readonly bytes: Buffer;
  /** The next byte. */
  at = 0;
  /** Of the field that {@link next} found. */
  field = 0;
  wireType = 0;
  readonly #budget: { fields: number };
  #low = 0;
  #high = 0;

  /** @param parent - Of a message within another: its fields count among those of the outer one. */
  constructor(bytes: Buffer, parent?: WireReader) {
    this.bytes = bytes;
    this.#budget = parent === undefined ? { fields: fieldsMax } : parent.#budget;
  }

  /** Goes on to the next field; false at the end. */
  next(): boolean {
    if (this.at === this.bytes.length) return false;
    if (this.#budget.fields-- === 0) throw wireFault(this, `at most ${fieldsMax} fields`, "more");
    return this.nextUncounted();
  }

  /** As {@link next}, for fields whose number the caller bounds itself. */
  nextUncounted(): boolean {
    if (this.at === this.bytes.length) return false;
    this.#readVarint();
    if (this.#high !== 0 || this.#low < 8) throw wireFault(this, "a field's number", "none that may be");
    this.field = this.#low >>> 3;
    this.wireType = this.#low & 7;
    return true;
  }

  expect(wireType: number): void {
    if (this.wireType !== wireType) throw wireFault(this, `wire type ${wireType}`, String(this.wireType));
  }

  /** Skips the field's value. */
  skip(): void {
    const { varint, fixed64, bytes, fixed32 } = wireTypes;
    if (this.wireType === varint) this.#readVarint();
    else if (this.wireType === bytes) this.#advance(this.length());
    else if (this.wireType === fixed64) this.#advance(8);
    else if (this.wireType === fixed32) this.#advance(4);
    else throw wireFault(this, "wire type 0, 1, 2 or 5", String(this.wireType));
  }

  /** The length of what follows, which is all there. */
  length(): number {
    this.#readVarint();
    const left = this.bytes.length - this.at;
    if (this.#high !== 0 || this.#low > left) {
      throw wireFault(this, `a length of at most the ${left} bytes that are left`, String(this.#unsigned()));
    }
    return this.#low;
  }

  /** Not copied. */
  readBytes(): Buffer {
    this.expect(wireTypes.bytes);
    const length = this.length();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  readText(): string {
    const bytes = this.readBytes();
    const text = bytes.toString("utf8");
    // It stands for what isn't UTF-8; and for itself.
    if (text.includes("\ufffd") && !isUtf8(bytes)) throw wireFault(this, "text in UTF-8", "bytes that are not UTF-8");
    return text;
  }

  /** A message in this one. */
  readMessage(): WireReader {
    return new WireReader(this.readBytes(), this);
  }

  readBool(): boolean {
    this.#readVarint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** An integer of 64 bits, the nearest float64 to it. @returns In the second place, whether it is the same number. */
  readSigned(): readonly [number, boolean] {
    this.#readVarint();
    const high = this.#high | 0;
    return [high * 2 ** 32 + this.#low, this.#isExact(high)];
  }

  readUnsigned(): readonly [number, boolean] {
    this.#readVarint();
    return [this.#unsigned(), this.#isExact(this.#high)];
  }

  readFloat(): number {
    this.#advance(4);
    return this.bytes.readFloatLE(this.at - 4);
  }

  readDouble(): number {
    this.#advance(8);
    return this.bytes.readDoubleLE(this.at - 8);
  }

  #unsigned(): number {
    return this.#high * 2 ** 32 + this.#low;
  }

  #isExact(high: number): boolean {
    if (high < 2 ** 21 && high >= -(2 ** 21)) return true;
    return BigInt(high * 2 ** 32 + this.#low) === (BigInt(high) << 32n) + BigInt(this.#low);
  }

  #advance(count: number): void {
    if (this.bytes.length - this.at < count) {
      throw wireFault(this, `${count} bytes`, `the ${this.bytes.length - this.at} that are left`);
    }
    this.at += count;
  }

  #readVarint(): void {
    const { bytes } = this;
    let at = this.at;
    const first = bytes[at];
    if (first !== undefined && first < 0x80) {
      this.at = at + 1;
      this.#low = first;
      this.#high = 0;
      return;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw wireFault(this, "a whole number", "its beginning");
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else if (bits > 1) break;
      else high |= bits << 31;
      if (byte >= 0x80) continue;
      this.at = at;
      this.#low = low >>> 0;
      this.#high = high >>> 0;
      return;
    }
    throw wireFault(this, "a number of 64 bits", "a longer one");
  }
}

/** Bytes that are no such message. */
function wireFault({ at, bytes }: WireReader, expected: string, got: string): ServeError {
  const where = `the message, byte ${Math.min(at, bytes.length)} of ${bytes.length}`;
  return new ServeError("malformed_body", `${where}: expected ${expected}, got ${got}`);
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
    if (value === 0) return this;
    this.#tag(field, wireTypes.varint);
    return this.varint(value);
  }

  bool(field: number, value: boolean): this {
    return this.integer(field, Number(value));
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
    this.#tag(field, wireTypes.bytes);
    return this.varint(length);
  }

  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  varint(value: number): this {
    this.#reserve(10);
    const bytes = this.#bytes;
    if (value >= 0) {
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

  #tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
