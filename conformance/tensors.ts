/** Tensors in each form that the protocol has for them: JSON, bytes, and typed contents of gRPC. */

import { Buffer } from "node:buffer";

export type Value = number | boolean | string;

/** As the metadata describe it; -1 is a dimension of any size. */
export interface TensorFacts {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface Tensor extends TensorFacts {
  /** Row-major. */
  readonly values: readonly Value[];
}

interface DatatypeFacts {
  /** Of an element; 0 where elements differ in length. */
  readonly bytes: number;
  /** The field of `InferTensorContents`; undefined where there is none. */
  readonly contents: string | undefined;
  readonly least: number;
  readonly most: number;
  readonly write: (into: Buffer, value: number, at: number) => void;
  readonly read: (from: Buffer, at: number) => number;
}

const integer = (
  bits: number,
  isSigned: boolean,
  contents: string,
  write: DatatypeFacts["write"],
  read: DatatypeFacts["read"],
): DatatypeFacts => ({
  bytes: bits / 8,
  contents,
  least: isSigned ? -(2 ** (bits - 1)) : 0,
  most: 2 ** (isSigned ? bits - 1 : bits) - 1,
  write,
  read,
});

const float = (
  bytes: number,
  contents: string | undefined,
  most: number,
  write: DatatypeFacts["write"],
  read: DatatypeFacts["read"],
): DatatypeFacts => ({ bytes, contents, least: -most, most, write, read });

/** The data types of the protocol. Bytes are little-endian; 64-bit integers here are small enough for a number. */
export const datatypes: Readonly<Record<string, DatatypeFacts>> = {
  BOOL: integer(
    8,
    false,
    "bool_contents",
    (b, v, at) => b.writeUInt8(v ? 1 : 0, at),
    (b, at) => b.readUInt8(at),
  ),
  UINT8: integer(
    8,
    false,
    "uint_contents",
    (b, v, at) => b.writeUInt8(v, at),
    (b, at) => b.readUInt8(at),
  ),
  UINT16: integer(
    16,
    false,
    "uint_contents",
    (b, v, at) => b.writeUInt16LE(v, at),
    (b, at) => b.readUInt16LE(at),
  ),
  UINT32: integer(
    32,
    false,
    "uint_contents",
    (b, v, at) => b.writeUInt32LE(v, at),
    (b, at) => b.readUInt32LE(at),
  ),
  UINT64: integer(
    64,
    false,
    "uint64_contents",
    (b, v, at) => b.writeBigUInt64LE(BigInt(v), at),
    (b, at) => Number(b.readBigUInt64LE(at)),
  ),
  INT8: integer(
    8,
    true,
    "int_contents",
    (b, v, at) => b.writeInt8(v, at),
    (b, at) => b.readInt8(at),
  ),
  INT16: integer(
    16,
    true,
    "int_contents",
    (b, v, at) => b.writeInt16LE(v, at),
    (b, at) => b.readInt16LE(at),
  ),
  INT32: integer(
    32,
    true,
    "int_contents",
    (b, v, at) => b.writeInt32LE(v, at),
    (b, at) => b.readInt32LE(at),
  ),
  INT64: integer(
    64,
    true,
    "int64_contents",
    (b, v, at) => b.writeBigInt64LE(BigInt(v), at),
    (b, at) => Number(b.readBigInt64LE(at)),
  ),
  FP16: float(
    2,
    undefined,
    65504,
    (b, v, at) => b.writeUInt16LE(toHalf(v), at),
    (b, at) => fromHalf(b.readUInt16LE(at)),
  ),
  FP32: float(
    4,
    "fp32_contents",
    3.4028234663852886e38,
    (b, v, at) => b.writeFloatLE(v, at),
    (b, at) => b.readFloatLE(at),
  ),
  FP64: float(
    8,
    "fp64_contents",
    Number.MAX_VALUE,
    (b, v, at) => b.writeDoubleLE(v, at),
    (b, at) => b.readDoubleLE(at),
  ),
  BYTES: float(
    0,
    "bytes_contents",
    0,
    () => {},
    () => 0,
  ),
};

export const isInteger = (datatype: string): boolean => /^U?INT\d+$/.test(datatype);
export const isFloat = (datatype: string): boolean => datatype.startsWith("FP");

/** Enough for the values that are sent here: what half precision holds exactly, 0 and numbers from 2^-14 to 65504. */
function toHalf(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.round((Math.abs(value) / 2 ** exponent - 1) * 1024);
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** An input of a request in JSON. */
export function jsonInput({ name, datatype, shape, values }: Tensor): Record<string, unknown> {
  return { name, shape, datatype, data: values };
}

/** The elements as bytes: little-endian, without padding, an element of BYTES with its length before it. */
export function bytesOf({ datatype, values }: Pick<Tensor, "datatype" | "values">): Buffer {
  if (datatype === "BYTES") return Buffer.concat(values.map((value) => lengthFirst(String(value))));
  const { bytes, write } = datatypes[datatype]!;
  const written = Buffer.alloc(values.length * bytes);
  for (const [index, value] of values.entries()) write(written, Number(value), index * bytes);
  return written;
}

function lengthFirst(text: string): Buffer {
  const written = Buffer.alloc(4 + Buffer.byteLength(text));
  written.writeUInt32LE(written.length - 4);
  written.write(text, 4);
  return written;
}

/** @returns Undefined for bytes that aren't whole elements. */
export function valuesOf(datatype: string, bytes: Buffer): Value[] | undefined {
  const facts = datatypes[datatype];
  if (facts === undefined) return undefined;
  const values: Value[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = datatype !== "BYTES" ? facts.bytes : at + 4 > bytes.length ? Infinity : 4 + bytes.readUInt32LE(at);
    if (at + length > bytes.length) return undefined;
    if (datatype === "BYTES") values.push(bytes.toString("utf8", at + 4, at + length));
    else values.push(datatype === "BOOL" ? facts.read(bytes, at) === 1 : facts.read(bytes, at));
    at += length;
  }
  return values;
}

/** `InferTensorContents`. */
export function contentsOf({ datatype, values }: Pick<Tensor, "datatype" | "values">): Record<string, unknown> {
  return {
    [contentsField(datatype)]: datatype === "BYTES" ? values.map((value) => Buffer.from(String(value))) : values,
  };
}

export const contentsField = (datatype: string): string => datatypes[datatype]?.contents ?? "fp64_contents";

/** Values one row after another. */
export function joinRows(first: readonly Tensor[], second: readonly Tensor[]): Tensor[] {
  return first.map((tensor, index) => ({
    ...tensor,
    shape: [2, ...tensor.shape.slice(1)],
    values: [...tensor.values, ...second[index]!.values],
  }));
}

/** Whether two lists hold the same values; floats may differ by how they were written in JSON. */
export function sameValues(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, index) => sameValue(value, b[index]!));
}

function sameValue(a: Value, b: Value): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b || String(a) === String(b);
  return Object.is(a, b) || Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));
}
