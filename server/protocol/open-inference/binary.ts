/**
 * The elements of a tensor as the binary tensor data extension has them: little-endian, row-major, without padding. An
 * element of BYTES has its length before it, 4 bytes.
 *
 * @see triton-inference-server, docs/protocol/extension_binary_data.md
 */

import { Buffer, isUtf8 } from "node:buffer";
import { countOf } from "../../../bundle/index.js";
import type { ServeError } from "../../errors.js";
import type { OutputTensor, OutputValues } from "./outputs.js";
import {
  type Datatype,
  type ElementReader,
  elementBytes,
  type InputTensor,
  type TensorHead,
  tensorFault,
} from "./tensor.js";

/**
 * Opens a tensor.
 *
 * @param bytes - All of the tensor, and nothing else; they have to stay until all elements are read.
 * @throws {@link ServeError} malformed_body when they are too few or too many; the reader throws it for bytes that are
 *   no value of the data type.
 */
export function openBinary({ input, datatype, rowCount, width }: TensorHead, bytes: Buffer): ElementReader {
  const count = rowCount * width;
  if (datatype === "BYTES") return openTexts(input, bytes, count);
  const size = elementBytes(datatype);
  if (bytes.length !== count * size) {
    const wanted = `${count * size} bytes for ${countOf(count, "element")} of ${datatype}`;
    throw tensorFault(input.name, wanted, String(bytes.length));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float64Array(count);
  const readOne = readers[datatype];
  const read = (first: number, end: number) => {
    for (let i = first; i < end; i++) {
      const value = readOne(view, i * size);
      if (value === undefined) throw elementFault(input, datatype, i, view);
      values[i] = value;
    }
  };
  return { values, read };
}

/** One element; undefined for bytes that are none. */
type Reader = (view: DataView, at: number) => number | undefined;

const readers: Readonly<Record<Exclude<Datatype, "BYTES">, Reader>> = {
  BOOL: (view, at) => (view.getUint8(at) > 1 ? undefined : view.getUint8(at)),
  UINT8: (view, at) => view.getUint8(at),
  UINT16: (view, at) => view.getUint16(at, true),
  UINT32: (view, at) => view.getUint32(at, true),
  UINT64: (view, at) => longOf(view.getUint32(at + 4, true), view.getUint32(at, true)),
  INT8: (view, at) => view.getInt8(at),
  INT16: (view, at) => view.getInt16(at, true),
  INT32: (view, at) => view.getInt32(at, true),
  INT64: (view, at) => longOf(view.getInt32(at + 4, true), view.getUint32(at, true)),
  FP16: (view, at) => halfToNumber(view.getUint16(at, true)),
  FP32: (view, at) => view.getFloat32(at, true),
  FP64: (view, at) => view.getFloat64(at, true),
};

/** An integer of 64 bits, if float64 holds it exactly, as it holds all up to 2^53. */
function longOf(high: number, low: number): number | undefined {
  const value = high * 2 ** 32 + low;
  if (high < 2 ** 21 && high >= -(2 ** 21)) return value;
  return BigInt(value) === (BigInt(high) << 32n) + BigInt(low) ? value : undefined;
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

function elementFault({ name, feature }: InputTensor, datatype: Datatype, index: number, view: DataView): ServeError {
  const isBool = datatype === "BOOL";
  const expected = isBool ? "a BOOL, 0 or 1" : "an integer that float64 holds exactly";
  const longs = { INT64: () => view.getBigInt64(index * 8, true), UINT64: () => view.getBigUint64(index * 8, true) };
  const value = isBool ? view.getUint8(index) : longs[datatype as keyof typeof longs]();
  const got = feature.pii ? "a number (hidden: personal data)" : `the number ${value}`;
  return tensorFault(name, `${expected}, in element ${index}`, got);
}

/** Each element begins where the one before it ends, so they are read in their order. */
function openTexts(input: InputTensor, bytes: Buffer, count: number): ElementReader {
  const values: string[] = [];
  let at = 0;
  const read = (first: number, end: number) => {
    for (let i = first; i < end; i++) {
      if (at + 4 > bytes.length) throw lengthFault(input, `the length of element ${i}, 4 bytes`, bytes.length - at);
      const length = bytes.readUInt32LE(at);
      at += 4;
      if (length > bytes.length - at) throw lengthFault(input, `${length} bytes of element ${i}`, bytes.length - at);
      const text = bytes.toString("utf8", at, at + length);
      // It stands for what isn't UTF-8; and for itself.
      if (text.includes("\ufffd") && !isUtf8(bytes.subarray(at, at + length))) {
        throw tensorFault(input.name, `UTF-8, in element ${i}`, "bytes that are not UTF-8");
      }
      at += length;
      values.push(text);
    }
    if (end < count || at === bytes.length) return;
    throw tensorFault(input.name, `${at} bytes for ${countOf(count, "element")}`, String(bytes.length));
  };
  return { values, read };
}

function lengthFault(input: InputTensor, expected: string, left: number): ServeError {
  return tensorFault(input.name, expected, `${left} more`);
}

/** The bytes of an output's values, in the order of the machine's: Node runs on little-endian ones. */
export function writeBinary(datatype: OutputTensor["datatype"], values: OutputValues): Buffer {
  if (datatype === "BYTES") return writeTexts(values as readonly string[]);
  if (datatype === "BOOL") return Buffer.from((values as readonly boolean[]).map(Number));
  const numbers = values as readonly number[] | Float64Array;
  if (datatype === "INT64") return Buffer.from(BigInt64Array.from(numbers, BigInt).buffer);
  return Buffer.from((datatype === "FP32" ? new Float32Array(numbers) : new Float64Array(numbers)).buffer);
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
