/**
 * Messages of the fixed .proto files as protobuf's JSON, both ways: what each method of a service has in common, whatever
 * its messages are.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */

import { Buffer } from "node:buffer";
import { describeValue, quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import type { Members } from "../json/text.js";
import { enumNames, type FieldType, type MessageType, messageType } from "./message-types.js";
import { WireReader, WireWriter, wireTypes } from "./wire.js";

/** `google.protobuf.FieldDescriptorProto.Type`, of those that the files have. */
const types = { double: 1, float: 2, int64: 3, uint64: 4, int32: 5, bool: 8, string: 9, message: 11 } as const;
const furtherTypes = { bytes: 12, uint32: 13, enum: 14 } as const;
const packable = (type: number) => type !== types.string && type !== types.message && type !== furtherTypes.bytes;

/** Elements of a list that are written in one slice: some tens of microseconds. */
const sliceItems = 512;
/** Of signed and unsigned integers by their type. */
const ranges: Readonly<Record<number, readonly [least: bigint, most: bigint]>> = {
  [types.int32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [types.int64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [furtherTypes.uint32]: [0n, 2n ** 32n - 1n],
  [types.uint64]: [0n, 2n ** 64n - 1n],
};
/** What JSON has no numbers for. */
const words: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/**
 * Writes a message that came as JSON, in slices.
 *
 * @throws {@link ServeError} malformed_body for members that the message doesn't have, and for values of another type.
 */
export function* writeFromJson(typeName: string, members: Members): Generator<undefined, WireWriter> {
  return yield* writeMembers(messageType(typeName), members, "");
}

function* writeMembers({ fields }: MessageType, members: Members, path: string): Generator<undefined, WireWriter> {
  const to = new WireWriter();
  const seen = new Set<FieldType>();
  for (const key in members) {
    const value = members[key];
    const shown = key.slice(0, 64);
    const where = path === "" ? shown : `${path}.${shown}`;
    const field = fields.find(({ name, jsonName }) => key === jsonName || key === name);
    if (field === undefined || seen.has(field)) {
      const known = fields.map(({ jsonName }) => quote(jsonName)).join(", ");
      throw malformed(path === "" ? "the body" : path, `each of ${known || "no members"} at most once`, quote(key));
    }
    seen.add(field);
    if (value === null) continue;
    const message = field.type === types.message ? messageType(field.typeName) : undefined;
    if (message?.isEntry) yield* writeEntries(to, field, message, value, where);
    else if (field.isRepeated) yield* writeList(to, field, value, where);
    else if (message !== undefined)
      to.message(field.number, yield* writeMembers(message, takeMembers(value, where), where));
    else {
      writeTag(to, field);
      writeScalar(to, field, value, where);
    }
  }
  return to;
}

function* writeEntries(
  to: WireWriter,
  { number }: FieldType,
  { fields }: MessageType,
  value: unknown,
  path: string,
): Generator<undefined, void> {
  const valueField = fields[1]!;
  for (const [key, item] of Object.entries(takeMembers(value, path))) {
    const where = `${path}.${key.slice(0, 64)}`;
    const written = yield* writeMembers(messageType(valueField.typeName), takeMembers(item, where), where);
    to.message(number, new WireWriter().item(1, key).message(2, written));
  }
}

function* writeList(to: WireWriter, field: FieldType, value: unknown, path: string): Generator<undefined, void> {
  if (!Array.isArray(value)) throw malformed(path, "a list", describeValue(value));
  const { number, type, typeName } = field;
  const packed = packable(type) ? new WireWriter() : undefined;
  for (let at = 0; at < value.length; at++) {
    if (at % sliceItems === sliceItems - 1) yield;
    const where = `${path}[${at}]`;
    if (packed !== undefined) writeScalar(packed, field, value[at], where);
    else if (type === types.message)
      to.message(number, yield* writeMembers(messageType(typeName), takeMembers(value[at], where), where));
    else {
      writeTag(to, field);
      writeScalar(to, field, value[at], where);
    }
  }
  if (packed !== undefined && value.length > 0) to.message(number, packed);
}

function writeTag(to: WireWriter, { number, type }: FieldType): void {
  const { varint, fixed64, fixed32, bytes } = wireTypes;
  const isLong = type === types.string || type === furtherTypes.bytes;
  to.tag(number, isLong ? bytes : type === types.double ? fixed64 : type === types.float ? fixed32 : varint);
}

/** A value without its tag. */
function writeScalar(to: WireWriter, { type, typeName }: FieldType, value: unknown, where: string): void {
  if (type === types.string || type === furtherTypes.bytes) {
    if (typeof value !== "string") throw malformed(where, "a string", describeValue(value));
    const bytes = type === types.string ? Buffer.from(value) : fromBase64(value, where);
    to.varint(bytes.length).raw(bytes);
  } else if (type === types.bool) {
    if (typeof value !== "boolean") throw malformed(where, "true or false", describeValue(value));
    to.varint(Number(value));
  } else if (type === types.double || type === types.float) {
    const number = toNumber(value, where);
    if (type === types.double) to.rawDouble(number);
    else if (Number.isFinite(number) && !Number.isFinite(Math.fround(number)))
      throw malformed(where, "a number of 32 bits", describeValue(value));
    else to.rawFloat(number);
  } else if (type === furtherTypes.enum) to.varint(toEnum(value, typeName, where));
  else to.varint(toInteger(value, type, where));
}

/** Of both alphabets, padded or not. */
function fromBase64(text: string, where: string): Buffer {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw malformed(where, "base64", quote(text));
  return Buffer.from(text, "base64");
}

const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function toNumber(value: unknown, where: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    const word = Object.hasOwn(words, value) ? words[value] : undefined;
    if (word !== undefined) return word;
    if (value.length <= 400 && numberForm.test(value)) return Number(value);
  }
  throw malformed(where, 'a number, "NaN", "Infinity" or "-Infinity"', describeValue(value));
}

function toInteger(value: unknown, type: number, where: string): bigint {
  const [least, most] = ranges[type]!;
  const isText = typeof value === "string" && /^-?\d{1,20}$/.test(value);
  // A larger number has lost its digits in JSON already: it has to be a string.
  if (isText || Number.isSafeInteger(value)) {
    const integer = BigInt(value as string | number);
    if (integer >= least && integer <= most) return integer;
  }
  throw malformed(where, `an integer from ${least} to ${most}, beyond 2^53 as a string`, describeValue(value));
}

function toEnum(value: unknown, typeName: string, where: string): number {
  if (Number.isInteger(value)) return value as number;
  const found = [...enumNames(typeName)].find(([, name]) => name === value);
  if (found === undefined) throw malformed(where, `a name of ${typeName}`, describeValue(value));
  return found[0];
}

function takeMembers(value: unknown, where: string): Members {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Members;
  throw malformed(where, "an object", describeValue(value));
}

function malformed(where: string, expected: string, got: string): ServeError {
  return new ServeError("malformed_body", `${where}: expected ${expected}, got ${got}`);
}

/** A message that this server wrote, as JSON text. */
export function readToJson(typeName: string, bytes: Buffer): string {
  return jsonText(readMembers(messageType(typeName), new WireReader(bytes)));
}

/** `JSON.stringify`, which would lose the sign of zero. */
function jsonText(value: unknown): string {
  if (Array.isArray(value)) {
    const isPlain = value.every((item) => typeof item !== "object" && !Object.is(item, -0));
    return isPlain ? JSON.stringify(value) : `[${value.map(jsonText).join(",")}]`;
  }
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`)}}`;
  return Object.is(value, -0) ? "-0" : JSON.stringify(value);
}

function readMembers({ fields }: MessageType, reader: WireReader): Members {
  const members: Members = {};
  while (reader.next()) {
    const field = fields.find(({ number }) => number === reader.field);
    if (field === undefined) {
      reader.skip();
      continue;
    }
    const { jsonName, isRepeated, type, typeName } = field;
    if (type === types.message && messageType(typeName).isEntry) {
      const { key, value } = readMembers(messageType(typeName), reader.readMessage());
      members[jsonName] = { ...(members[jsonName] as object), [String(key ?? "")]: value ?? {} };
    } else if (!isRepeated) members[jsonName] = readValue(field, reader);
    else {
      members[jsonName] ??= [];
      const list = members[jsonName] as unknown[];
      if (!packable(type) || reader.wireType !== wireTypes.bytes) list.push(readValue(field, reader));
      else for (const packed = reader.readMessage(); packed.pos < packed.end; ) list.push(readValue(field, packed));
    }
  }
  return members;
}

function readValue({ type, typeName }: FieldType, reader: WireReader): unknown {
  if (type === types.message) return readMembers(messageType(typeName), reader.readMessage());
  if (type === types.string) return reader.readText();
  if (type === furtherTypes.bytes) return reader.readBytes().toString("base64");
  if (type === types.bool) return reader.readBool();
  if (type === types.double || type === types.float) {
    const number = type === types.double ? reader.readDouble() : reader.readFloat();
    return Number.isFinite(number) ? number : String(number);
  }
  if (type === types.int64) return String(BigInt.asIntN(64, reader.readBits()));
  if (type === types.uint64) return String(reader.readBits());
  if (type === furtherTypes.uint32) return reader.readUnsigned()[0];
  const integer = reader.readInteger();
  return type === furtherTypes.enum ? (enumNames(typeName).get(integer) ?? integer) : integer;
}
