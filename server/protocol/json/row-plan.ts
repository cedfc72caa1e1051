/**
 * What the row decoder knows of a version: its schema as the records and texts of kernel/row-plan.ts, in bytes that are
 * copied to the decoder's memory when the version's turn comes.
 */

import { Buffer } from "node:buffer";
import { type Feature, type RowSchema, valueFault } from "../../../bundle/index.js";
import type { Place, RowLayout } from "../../../preprocessing/index.js";
import type { RowKernel, RowKernelNumbers } from "./row-kernel.js";

/** A text or list of a row, as the host finishes it. */
export interface OtherFeature {
  readonly feature: Feature;
  readonly isList: boolean;
  /** No rule but that it is text. */
  readonly isFree: boolean;
}

export interface RowPlan {
  readonly schema: RowSchema;
  readonly layout: RowLayout;
  readonly others: readonly OtherFeature[];
  /** Known categories, by their codes. */
  readonly texts: readonly string[];
  /** From `plans` on. */
  readonly bytes: Uint8Array;
  /** Where its head, its rows and the body stand, bytes of the memory. */
  readonly head: number;
  readonly numbersAt: number;
  readonly othersAt: number;
  /** Of a row with nothing in it, or with its context. */
  readonly emptyOthersAt: number;
  readonly bodyAt: number;
}

/** Categories beyond so many bytes are read as any other text. */
const textBytesMax = 131_072;
/** Numbers, texts and lists of a chunk: 64 KB. */
const chunkValues = 8192;
const chunkRowsMax = 128;
/** Compared 16 bytes at a time. */
const overread = 32;
const headWords = 11;

/** @returns Undefined for a schema with names that JSON may have to write with escapes. */
export function planRows(schema: RowSchema, kernel: RowKernel): RowPlan | undefined {
  const { features } = schema;
  if (!features.every(({ name }) => isPlain(name))) return undefined;
  const { numbers } = kernel;
  const places = new Map<string, Place>();
  const others: OtherFeature[] = [];
  let numberCount = 0;
  for (const feature of features) {
    const isList = feature.type === "array";
    const isNumber = !isList && feature.type !== "string";
    places.set(feature.name, { isNumber, at: isNumber ? numberCount++ : others.length });
    if (!isNumber) others.push({ feature, isList, isFree: !isList && !hasTextRules(feature) });
  }
  const chunkRows = Math.max(1, Math.min(chunkRowsMax, Math.floor(chunkValues / features.length)));
  const layout = { places, numberCount, otherCount: others.length, chunkRows };

  const area = new PlanArea(numbers.plans);
  const head = area.take(4 * headWords);
  const records = area.take(numbers.featureBytes * features.length);
  const empty = area.take(8 * features.length);
  area.floats(empty, new Array(numberCount).fill(Number.NaN));
  for (let other = 0; other < others.length; other++) area.word(empty + 8 * (numberCount + other), numbers.missing);
  const texts: string[] = [];
  const known: { owner: number; at: number; bytes: number; code: number }[] = [];
  for (const [index, feature] of features.entries()) {
    const at = area.text(feature.name);
    known.push({ owner: 0, ...at, code: index });
    const record = records + index * numbers.featureBytes;
    const categories = textsOf(feature).filter(() => area.textBytes < textBytesMax);
    writeRecord(area, record, feature, places.get(feature.name)!, numbers, categories.length > 0);
    area.word(record + numbers.nameField, at.at);
    area.word(record + numbers.nameBytesField, at.bytes + 1);
    area.word(record + numbers.nextField, (index + 1) % features.length);
    for (const text of categories) {
      known.push({ owner: index + 1, ...area.text(text), code: texts.length });
      texts.push(text);
    }
  }
  const slotCount = 2 ** Math.ceil(Math.log2(2 * known.length + 1));
  const slots = area.take(numbers.slotBytes * slotCount);
  const seen = area.take(4 * features.length);
  const numbersAt = area.take(0);
  const othersAt = numbersAt + 8 * numberCount * chunkRows;
  const bodyAt = othersAt + 8 * others.length * chunkRows + overread;
  const needed = features.filter(({ required }) => required).length;
  const words = [records, features.length, slots, slotCount - 1, empty, 8 * numberCount, 8 * others.length, needed];
  for (const [index, word] of [...words, seen, numbersAt, othersAt].entries()) area.word(head + 4 * index, word);

  // The table is made by those who look into it.
  kernel.holder = undefined;
  kernel.reserve(bodyAt);
  kernel.bytes.set(area.bytes(), numbers.plans);
  kernel.exports.usePlan(head);
  for (const { owner, at, bytes, code } of known) kernel.exports.addText(owner, at, bytes, code);
  const bytes = kernel.bytes.slice(numbers.plans, seen);
  const emptyOthersAt = empty + 8 * numberCount;
  return { schema, layout, others, texts, bytes, head, numbersAt, othersAt, emptyOthersAt, bodyAt };
}

function writeRecord(
  area: PlanArea,
  record: number,
  feature: Feature,
  { at }: Place,
  numbers: RowKernelNumbers,
  isKnown: boolean,
): void {
  const { type, values } = feature;
  const kinds = {
    number: numbers.numberKind,
    integer: numbers.integerKind,
    boolean: numbers.booleanKind,
    string: numbers.textKind,
    array: numbers.listKind,
  };
  const isClosed = type === "string" && values !== undefined;
  const isNullable = values === undefined ? feature.nullable : values.includes(null);
  area.word(record + numbers.kindField, kinds[type]);
  area.word(
    record + numbers.flagsField,
    (feature.required ? numbers.requiredFlag : 0) +
      (isNullable ? numbers.nullableFlag : 0) +
      (isKnown ? numbers.knownFlag : 0) +
      (isClosed ? numbers.closedFlag : 0),
  );
  area.word(record + numbers.placeField, 8 * at);
  const {
    minimum = -Infinity,
    maximum = Infinity,
    exclusiveMinimum = -Infinity,
    exclusiveMaximum = Infinity,
  } = feature;
  // An infinite number is none of JSON's, so that the bounds refuse it where there are no others.
  area.floats(record + numbers.minimumField, [Math.max(minimum, next(exclusiveMinimum, 1))]);
  area.floats(record + numbers.maximumField, [Math.min(maximum, next(exclusiveMaximum, -1))]);
  if (type === "string" || values === undefined) return;
  const listed = values.filter((value) => value !== null).map(Number);
  area.word(record + numbers.valueCountField, listed.length);
  const list = area.take(8 * listed.length + 8);
  area.floats(list, listed);
  area.word(record + numbers.valuesField, list);
}

/** The texts of a feature that are taken by their bytes. */
function textsOf(feature: Feature): string[] {
  const { type, values, knownCategories = [] } = feature;
  if (type !== "string") return [];
  const texts = (values ?? knownCategories).filter((value) => typeof value === "string");
  return [...new Set(texts)].filter((text) => isPlain(text) && valueFault(feature, text) === undefined);
}

function hasTextRules({ values, minLength, maxLength, pattern, format }: Feature): boolean {
  return [values, minLength, maxLength, pattern, format].some((rule) => rule !== undefined);
}

/** Whether a text's bytes in JSON are those of the text itself, unless an escape is there for its own sake. */
function isPlain(text: string): boolean {
  return !/["\\\p{Cc}\p{Cs}]/u.test(text);
}

/** The float64 after this one, upwards (1) or downwards (-1). */
function next(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  if (Math.abs(value) === Infinity) return Math.sign(value) * Number.MAX_VALUE;
  const bits = new BigInt64Array(1);
  const float = new Float64Array(bits.buffer);
  float[0] = value;
  bits[0]! += value > 0 === direction > 0 ? 1n : -1n;
  return float[0];
}

/** Bytes of a plan while it is made; addresses are those of the decoder's memory. */
class PlanArea {
  readonly #from: number;
  #bytes = Buffer.alloc(4096);
  #length = 0;
  textBytes = 0;

  constructor(from: number) {
    this.#from = from;
  }

  /** @returns Where so many bytes stand from now on, zeros, at a multiple of 8. */
  take(bytes: number): number {
    const at = this.#length;
    this.#length += Math.ceil(bytes / 8) * 8;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * this.#length);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return this.#from + at;
  }

  word(at: number, value: number): void {
    this.#bytes.writeInt32LE(value, at - this.#from);
  }

  floats(at: number, values: readonly number[]): void {
    for (const [index, value] of values.entries()) this.#bytes.writeDoubleLE(value, at - this.#from + 8 * index);
  }

  /** With a quote behind it. */
  text(text: string): { at: number; bytes: number } {
    const bytes = Buffer.byteLength(text);
    const at = this.take(bytes + 1);
    this.#bytes.write(`${text}"`, at - this.#from);
    this.textBytes += bytes;
    return { at, bytes };
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
