/**
 * The elements of a tensor as the binary tensor data extension has them: little-endian, row-major, without padding. An
 * element of BYTES has its length before it, 4 bytes.
 *
 * Numbers are read through typed arrays, which have the byte order of the machine: Node runs on little-endian ones.
 *
 * @see triton-inference-server, docs/protocol/extension_binary_data.md
 */

import { Buffer, isUtf8 } from "node:buffer";
import { countOf } from "../../../bundle/index.js";
import type { ServeError } from "../../errors.js";
import type { OutputTensor, OutputValues } from "./outputs.js";
import {
  describeElement,
  type ElementReader,
  elementBytes,
  type InputTensor,
  type TensorHead,
  tensorFault,
} from "./tensor.js";

/**
 * Reads a tensor; the bytes are copied.
 *
 * @param bytes - All of the tensor, and nothing else.
 * @throws {@link ServeError} malformed_body when they are too few or too many; the reader throws it for bytes that are
 *   no value of the data type.
 */
export function openBinary({ input, datatype, rowCount, width }: TensorHead, bytes: Buffer): ElementReader {
  const count = rowCount * width;
  if (datatype === "BYTES") return openTexts(input, bytes, count);
  const expected = count * elementBytes(datatype);
  if (bytes.length !== expected) {
    const wanted = `${expected} bytes for ${countOf(count, "element")} of ${datatype}`;
    throw tensorFault(input.name, wanted, String(bytes.length));
  }
  // A copy of its own begins at a multiple of 8, as typed arrays must.
  const { buffer } = new Uint8Array(bytes);
  if (datatype === "FP64") return { values: new Float64Array(buffer), read() {} };
  const values = new Float64Array(count);
  if (datatype === "INT64") return { values, read: readLongs(input, values, buffer, new Int32Array(buffer)) };
  if (datatype === "UINT64") return { values, read: readLongs(input, values, buffer, new Uint32Array(buffer)) };
  const from = new views[datatype](buffer);
  if (datatype === "BOOL") return { values, read: readBooleans(input, values, from) };
  const read = (first: number, end: number) => {
    if (datatype === "FP16") for (let i = first; i < end; i++) values[i] = halfToNumber(from[i]!);
    else for (let i = first; i < end; i++) values[i] = from[i]!;
  };
  return { values, read };
}

const views = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  FP16: Uint16Array,
  FP32: Float32Array,
} as const;

function readBooleans(input: InputTensor, values: Float64Array, from: ArrayLike<number>): ElementReader["read"] {
  return (first, end) => {
    for (let i = first; i < end; i++) {
      values[i] = from[i]!;
      if (values[i]! > 1) throw elementFault(input, i, "a BOOL, 0 or 1", from[i]!);
    }
  };
}

/**
 * 64-bit integers, of which float64 must hold each exactly: up to 2^53 it holds all.
 *
 * @param words - Of 32 bits, the higher at odd places.
 */
function readLongs(
  input: InputTensor,
  values: Float64Array,
  buffer: ArrayBuffer,
  words: Int32Array | Uint32Array,
): ElementReader["read"] {
  const low = new Uint32Array(buffer);
  return (first, end) => {
    for (let i = first; i < end; i++) {
      const high = words[2 * i + 1]!;
      values[i] = high * 2 ** 32 + low[2 * i]!;
      if (high < 2 ** 21 && high >= -(2 ** 21)) continue;
      const exact = (BigInt(high) << 32n) + BigInt(low[2 * i]!);
      if (BigInt(values[i]!) !== exact) throw elementFault(input, i, "an integer that float64 holds exactly", exact);
    }
  };
}

/** A float of 16 bits: a sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Each element begins where the one before it ends, so they are read in their order. */
function openTexts(input: InputTensor, bytes: Buffer, count: number): ElementReader {
  const own = Buffer.from(bytes);
  const values: string[] = [];
  let at = 0;
  const read = (first: number, end: number) => {
    for (let i = first; i < end; i++) {
      if (at + 4 > own.length) throw lengthFault(input, `the length of element ${i}, 4 bytes`, own.length - at);
      const length = own.readUInt32LE(at);
      at += 4;
      if (length > own.length - at) throw lengthFault(input, `${length} bytes of element ${i}`, own.length - at);
      const text = own.toString("utf8", at, at + length);
      // It stands for what isn't UTF-8; and for itself.
      if (text.includes("\ufffd") && !isUtf8(own.subarray(at, at + length))) {
        throw tensorFault(input.name, `UTF-8, in element ${i}`, "bytes that are not UTF-8");
      }
      at += length;
      values.push(text);
    }
    if (end < count || at === own.length) return;
    throw tensorFault(input.name, `${at} bytes for ${countOf(count, "element")}`, String(own.length));
  };
  return { values, read };
}

function lengthFault(input: InputTensor, expected: string, left: number): ServeError {
  return tensorFault(input.name, expected, `${left} more`);
}

function elementFault(input: InputTensor, index: number, expected: string, value: number | bigint): ServeError {
  const got = input.feature.pii ? describeElement(input, 0) : `the number ${value}`;
  return tensorFault(input.name, `${expected}, in element ${index}`, got);
}

/** The bytes of an output's values. */
export function writeBinary(datatype: OutputTensor["datatype"], values: OutputValues): Buffer {
  if (datatype === "BYTES") return writeTexts(values as readonly string[]);
  if (datatype === "BOOL") return Buffer.from((values as readonly boolean[]).map(Number));
  const numbers = values as readonly number[] | Float64Array;
  return Buffer.from((datatype === "INT64" ? BigInt64Array.from(numbers, BigInt) : new Float64Array(numbers)).buffer);
}

function writeTexts(texts: readonly string[]): Buffer {
  let size = 0;
  for (const text of texts) size += 4 + Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const text of texts) {
    const length = bytes.write(text, at + 4);
    bytes.writeUInt32LE(length, at);
    at += 4 + length;
  }
  return bytes;
}
