/**
 * Rows from their bytes to packed columns, by the row decoder: no object is made of a row.
 *
 * It gives rows that keep every rule of the schema, or none at all: whatever is wrong with a body, or only unusual, is
 * for `JSON.parse` and the schema to say.
 */

import { type Buffer, isUtf8 } from "node:buffer";
import { type RowSchema, valueFault } from "../../../bundle/index.js";
import { PackedColumns, type RowChunk } from "../../../preprocessing/index.js";
import { type RowKernel, rowKernel } from "./row-kernel.js";
import { type OtherFeature, planRows, type RowPlan } from "./row-plan.js";

/** As much of a body as is copied for a slice, and at most, for long rows; a row that is longer isn't taken. */
const windowBytes = 32_768;
const windowBytesMax = 131_072;
/** Behind the bytes. */
const zeroBytes = 64;
/** Bytes of rows that are read in one slice: some 20 us. */
const sliceBytes = 16_384;

/** Rows of a list, and where it ends: behind the closing bracket. */
export interface ListEnd {
  readonly rows: PackedColumns;
  readonly end: number;
}

/** What all rows of a body have: its bytes, its texts and lists, and where it ends. */
export interface SharedFields {
  readonly bytes: Buffer;
  readonly others: readonly unknown[] | undefined;
  readonly end: number;
}

export class RowReader {
  readonly #plan: RowPlan;
  readonly #kernel: RowKernel;

  constructor(plan: RowPlan, kernel: RowKernel) {
    this.#plan = plan;
    this.#kernel = kernel;
  }

  /** The one row that a body is; undefined if it isn't taken. */
  readOne(body: Buffer): PackedColumns | undefined {
    const { bodyAt, layout, schema } = this.#plan;
    const { length } = body;
    if (length > windowBytesMax) return undefined;
    this.#usePlan();
    const kernel = this.#kernel;
    kernel.bytes.set(body, bodyAt);
    if (kernel.exports.readOne(bodyAt, bodyAt + length) === 0) return undefined;
    const others = this.#others(body, 1, this.#plan.othersAt);
    if (others === undefined) return undefined;
    return new PackedColumns(1, layout, [{ numbers: this.#numbers(1), others }], schema);
  }

  /**
   * Rows of a list, in slices.
   *
   * @param from - Behind the opening bracket.
   * @param context - What the rows have beside what they bring themselves.
   * @returns Undefined if they aren't taken.
   */
  *readList(
    body: Buffer,
    from: number,
    context: SharedFields | undefined,
    rowsMax: number,
  ): Generator<undefined, ListEnd | undefined> {
    const { layout, schema } = this.#plan;
    const { chunkRows } = layout;
    const chunks: RowChunk[] = [];
    let rowCount = 0;
    for (let at = from; ; ) {
      if (!this.#resume(context)) return undefined;
      const inChunk = rowCount % chunkRows;
      const rest = body.length - at;
      let part = this.#readPart(body.subarray(at, at + windowBytes), chunkRows - inChunk, context);
      if (part === undefined && rest > windowBytes)
        part = this.#readPart(body.subarray(at, at + windowBytesMax), chunkRows - inChunk, context);
      if (part === undefined || rowCount + part.count > rowsMax) return undefined;
      const { count, others, isOver } = part;
      this.#keep(chunks, inChunk, count, others, isOver);
      rowCount += count;
      at += part.bytes;
      if (isOver) return { rows: new PackedColumns(rowCount, layout, chunks, schema), end: at };
      yield;
    }
  }

  /** Reads rows up to a slice's end; undefined if not even one of them is taken. */
  #readPart(window: Buffer, rowsMax: number, context: SharedFields | undefined) {
    const kernel = this.#kernel;
    const { numbers } = kernel;
    const { bodyAt } = this.#plan;
    kernel.bytes.set(window, bodyAt);
    const count = kernel.exports.readRows(bodyAt, bodyAt + window.length, rowsMax, bodyAt + sliceBytes);
    // A row that the window cuts is read by the next one, which begins with it.
    const others = count === 0 ? undefined : this.#others(window, count, this.#plan.othersAt, context?.others);
    if (others === undefined) {
      kernel.holder = undefined;
      return undefined;
    }
    const isOver = kernel.words[numbers.outcomeCell / 4] === numbers.over;
    return { count, others, isOver, bytes: kernel.words[numbers.endCell / 4]! - bodyAt };
  }

  /** Reads the object of the fields that rows share; undefined if it isn't taken. */
  readContext(body: Buffer, from: number): SharedFields | undefined {
    const bytes = body.subarray(from, from + windowBytes);
    const behind = this.#useContext(bytes);
    if (behind === 0) return undefined;
    const shared = bytes.subarray(0, behind - this.#plan.bodyAt);
    return { bytes: shared, others: this.#others(shared, 1, this.#plan.emptyOthersAt), end: from + shared.length };
  }

  /** Another body may have come between two slices. */
  #resume(context: SharedFields | undefined): boolean {
    if (context === undefined) {
      this.#usePlan();
      return true;
    }
    if (context.others === undefined) return false;
    this.#useContext(context.bytes);
    // Its texts stand in no window: rows get them by codes behind those of known categories.
    const { words, numbers } = this.#kernel;
    const { emptyOthersAt, texts } = this.#plan;
    for (let other = 0; other < context.others.length; other++) {
      const word = emptyOthersAt / 4 + 2 * other;
      if (words[word]! >= 0) words[word] = numbers.missing - 1 - texts.length - other;
    }
    return true;
  }

  /** @returns Behind the object, as the decoder counts; 0 if it isn't taken. */
  #useContext(bytes: Buffer): number {
    const { bodyAt } = this.#plan;
    const kernel = this.#kernel;
    this.#usePlan();
    // What it leaves there is this body's alone.
    kernel.holder = undefined;
    kernel.bytes.set(bytes, bodyAt);
    return kernel.exports.readContext(bodyAt, bodyAt + bytes.length);
  }

  #usePlan(): void {
    const kernel = this.#kernel;
    const plan = this.#plan;
    if (kernel.holder === plan) return;
    kernel.reserve(plan.bodyAt + windowBytesMax + zeroBytes);
    kernel.bytes.set(plan.bytes, kernel.numbers.plans);
    kernel.exports.usePlan(plan.head);
    kernel.holder = plan;
  }

  #numbers(rowCount: number): Float64Array {
    const { layout, numbersAt } = this.#plan;
    const count = rowCount * layout.numberCount;
    const numbers = new Float64Array(count);
    const { floats } = this.#kernel;
    const first = numbersAt / 8;
    if (count > 32) numbers.set(floats.subarray(first, first + count));
    else for (let at = 0; at < count; at++) numbers[at] = floats[first + at]!;
    return numbers;
  }

  /** Puts rows behind those of the last chunk, which they don't overfill. */
  #keep(chunks: RowChunk[], inChunk: number, count: number, others: readonly unknown[], isOver: boolean): void {
    const { chunkRows, numberCount } = this.#plan.layout;
    const numbers = this.#numbers(count);
    if (inChunk === 0 && (isOver || count === chunkRows)) {
      chunks.push({ numbers, others });
      return;
    }
    if (inChunk === 0) chunks.push({ numbers: new Float64Array(chunkRows * numberCount), others: [] });
    const chunk = chunks.at(-1)!;
    chunk.numbers.set(numbers, inChunk * numberCount);
    for (const other of others) (chunk.others as unknown[]).push(other);
  }

  /** Texts and lists of the rows that were read; undefined if one isn't valid. */
  #others(
    body: Buffer,
    rowCount: number,
    wordsAt: number,
    shared: readonly unknown[] = noOthers,
  ): readonly unknown[] | undefined {
    const { others, texts, bodyAt } = this.#plan;
    if (others.length === 0) return noOthers;
    const { words, numbers } = this.#kernel;
    const { missing, wideFlag } = numbers;
    const values: unknown[] = new Array(rowCount * others.length);
    let word = wordsAt / 4;
    for (let at = 0; at < values.length; at++, word += 2) {
      const from = words[word]!;
      if (from === missing) values[at] = null;
      else if (from < missing) {
        const code = missing - 1 - from;
        values[at] = code < texts.length ? texts[code] : shared[code - texts.length];
      } else {
        const rest = words[word + 1]!;
        const bytes = body.subarray(from - bodyAt, (rest & (wideFlag - 1)) - bodyAt);
        const value = this.#finish(others[at % others.length]!, bytes, rest);
        if (value === undefined) return undefined;
        values[at] = value;
      }
    }
    return values;
  }

  /** @returns Undefined if it isn't valid. */
  #finish({ feature, isList, isFree }: OtherFeature, bytes: Buffer, flags: number): unknown {
    const { escapedFlag, wideFlag } = this.#kernel.numbers;
    const isEscaped = (flags & escapedFlag) !== 0;
    const isWide = isList || isEscaped || (flags & wideFlag) !== 0;
    if (isWide && !isUtf8(bytes)) return undefined;
    const text = isWide ? bytes.toString() : bytes.toString("latin1");
    if (isFree && !isEscaped) return text;
    const value = isList || isEscaped ? parse(isList ? text : `"${text}"`) : text;
    return value === undefined || valueFault(feature, value) !== undefined ? undefined : value;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const noOthers: readonly unknown[] = Object.freeze([]);

const readers = new WeakMap<RowSchema, RowReader | undefined>();

/** Made on first use, and kept with the schema; undefined for a schema whose rows it can't read. */
export function rowReaderOf(schema: RowSchema): RowReader | undefined {
  let reader = readers.get(schema);
  if (reader === undefined && !readers.has(schema)) {
    const kernel = rowKernel();
    const plan = planRows(schema, kernel);
    reader = plan && new RowReader(plan, kernel);
    readers.set(schema, reader);
  }
  return reader;
}
