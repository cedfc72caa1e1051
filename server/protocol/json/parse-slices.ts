/**
 * `JSON.parse` in slices: the same value, or the same error at the same place, for any text.
 *
 * V8 parses each piece between two cuts as a text of its own. At a cut inside `{"rows":[`, the piece before it ends in
 * `,0]}` and the piece behind it begins with `{"rows":[0,`: so the parser meets each piece in the state in which it
 * would have met it in the whole text, sees the comma itself, and stops where it would have stopped. The zeros are
 * taken out again when the pieces are put together.
 */

import { type Buffer, isUtf8 } from "node:buffer";
import type { DecodeLimits } from "../protocol.js";
import { findFault } from "./fault.js";
import { ByteScan, type Cut, type OpenContainers } from "./scan-slices.js";
import {
  countKeys,
  duplicateMember,
  findDuplicateKey,
  type Members,
  malformed,
  notUtf8,
  type Place,
  takeContainer,
  takeObject,
} from "./text.js";

export interface ParseSlices {
  /** Bytes that are looked at in one slice. */
  readonly scanBytes: number;
  /** Bytes of text that are parsed in one slice; a row or a string that is longer is parsed as a whole. */
  readonly parseBytes: number;
}

/** 60-80 us each. */
const usualSlices: ParseSlices = { scanBytes: 65_536, parseBytes: 8192 };

/**
 * The object that a body is.
 *
 * @param expected - What it should be, for the error.
 * @throws {@link ServeError} as `parseObject` does, for the same bodies and with the same words; and schema_mismatch for
 *   an object of more members than `limits` say.
 */
export function* parseObjectInSlices(
  body: Buffer,
  limits: DecodeLimits,
  expected: string,
  slices = usualSlices,
): Generator<undefined, Members> {
  return takeObject(yield* parseContainerInSlices(body, limits, expected, slices), expected);
}

/** The object or list that a body is; as {@link parseObjectInSlices}. */
export function* parseContainerInSlices(
  body: Buffer,
  limits: DecodeLimits,
  expected: string,
  { scanBytes, parseBytes } = usualSlices,
): Generator<undefined, Members | unknown[]> {
  const scan = new ByteScan(body, limits, parseBytes);
  while (!scan.ended) {
    scan.take(scanBytes);
    yield;
  }
  const text = new SlicedText(body, scan);
  yield* text.checkUtf8();
  return yield* text.parse(expected);
}

class SlicedText {
  readonly #body: Buffer;
  readonly #scan: ByteScan;
  readonly #encoding: "latin1" | "utf8";
  /** Ends in the last byte of the byte order mark, which is no part of the text. */
  readonly #start: Cut;

  /** @param scan - Of these bytes, at its end. */
  constructor(body: Buffer, scan: ByteScan) {
    this.#body = body;
    this.#scan = scan;
    this.#encoding = scan.bits < 0x80 ? "latin1" : "utf8";
    const isMarked = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
    this.#start = { at: isMarked ? 2 : -1, open: [], colons: 0 };
  }

  /** The bytes between two cuts: a cut is a whole character, so each piece is valid UTF-8 if all of them are. */
  *#pieces(): Generator<readonly [from: number, end: number, before: Cut, cut: Cut | undefined], void> {
    let before = this.#start;
    for (const cut of this.#scan.cuts) {
      yield [before.at + 1, cut.at, before, cut];
      before = cut;
    }
    yield [before.at + 1, this.#body.length, before, undefined];
  }

  *#texts(): Generator<string, void> {
    for (const [from, end] of this.#pieces()) yield this.#read(from, end);
  }

  #read(from: number, end: number): string {
    return this.#body.toString(this.#encoding, from, end);
  }

  /** A piece is longer than usual where there is no list to cut, such as in one long string. */
  *#readInSlices(from: number, end: number): Generator<undefined, string> {
    let text = "";
    for (let start = from; start < end; ) {
      let stop = Math.min(end, start + longSlice);
      // Between characters, not inside one.
      while (stop < end && (this.#body[stop]! & 0xc0) === 0x80) stop++;
      text += this.#read(start, stop);
      start = stop;
      if (start < end) yield;
    }
    return text;
  }

  /** @throws {@link ServeError} malformed_body if the bytes aren't UTF-8. */
  *checkUtf8(): Generator<undefined, void> {
    if (this.#encoding === "latin1") return;
    for (const [from, end] of this.#pieces()) {
      if (!isUtf8(this.#body.subarray(from, end))) throw notUtf8();
      yield;
    }
  }

  /** @throws {@link ServeError} malformed_body if the text is no JSON, no object or list, or has a key twice in one. */
  *parse(expected: string): Generator<undefined, Members | unknown[]> {
    let value: unknown;
    // Somewhere: `value` can't be used then.
    let duplicate = false;
    for (const [from, end, before, cut] of this.#pieces()) {
      const opener = openerOf(before.open);
      const text = yield* this.#readInSlices(from, end);
      const whole = opener + text + (cut === undefined ? "" : closerOf(cut.open));
      let part: unknown;
      try {
        part = JSON.parse(whole);
      } catch {
        const fault = yield* findFault(whole);
        if (fault.at === "end") throw malformed(fault, undefined);
        throw malformed(fault, yield* this.#place(from, text.slice(0, fault.at - opener.length)));
      }
      const keys = part !== null && typeof part === "object" ? countKeys(part) - keysIn(before.open) : 0;
      duplicate ||= keys !== (cut ?? this.#scan).colons - before.colons;
      if (before === this.#start) value = part;
      else if (!duplicate) duplicate = !join(value, part, before.open);
      if (!duplicate && cut !== undefined) innermost(value, cut.open).pop();
      yield;
    }
    const container = takeContainer(value, expected);
    if (duplicate) throw duplicateMember(yield* findDuplicateKey(this.#texts()));
    return container;
  }

  /** @param before - What stands before the fault in the piece that begins at byte `from`. */
  *#place(from: number, before: string): Generator<undefined, Place> {
    let line = 1;
    let column = 0;
    for (const [start, end] of this.#pieces()) {
      const text = start < from ? this.#read(start, end) : before;
      // Behind the comma of the last cut.
      column++;
      for (let i = 0; i < text.length; i++) {
        if (text.charCodeAt(i) === lineFeed) {
          line++;
          column = 1;
        } else column++;
        if (i % longSlice === 0) yield;
      }
      if (start === from) break;
    }
    return { line, column };
  }
}

const lineFeed = 0x0a;
/** Bytes or characters of one slice where only one thing is done with each. */
const longSlice = 65_536;

/** Opens the same containers again, the innermost list as if it had an item: after a comma it may not end at once. */
function openerOf(open: OpenContainers): string {
  return open.length === 0 ? "" : `${open.map((key) => (key === undefined ? "[" : `{${key}:`)).join("")}0,`;
}

function closerOf(open: OpenContainers): string {
  return `,0${open
    .map((key) => (key === undefined ? "]" : "}"))
    .reverse()
    .join("")}`;
}

function keysIn(open: OpenContainers): number {
  return open.reduce((count, key) => count + (key === undefined ? 0 : 1), 0);
}

/**
 * Adds a part to what was there before it.
 *
 * @param open - What was open between the two.
 * @returns False for a key that is there already; what was joined until then stays.
 */
function join(whole: unknown, part: unknown, open: OpenContainers): boolean {
  for (const keyText of open) {
    if (keyText === undefined) {
      const list = whole as unknown[];
      const items = part as unknown[];
      // The first item goes on with the last of the list; in the innermost list it is the opener's zero, and nothing
      // follows.
      whole = list.at(-1);
      part = items[0];
      for (let i = 1; i < items.length; i++) list.push(items[i]);
    } else {
      const key = JSON.parse(keyText) as string;
      for (const name in part as Members) {
        if (name === key) continue;
        if (Object.hasOwn(whole as Members, name)) return false;
        // Not by assignment, which for `__proto__` means something else.
        Object.defineProperty(whole, name, {
          value: (part as Members)[name],
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
      whole = (whole as Members)[key];
      part = (part as Members)[key];
    }
  }
  return true;
}

/** The list that is open last. */
function innermost(whole: unknown, open: OpenContainers): unknown[] {
  let found = whole;
  for (const [depth, keyText] of open.entries()) {
    if (keyText !== undefined) found = (found as Members)[JSON.parse(keyText) as string];
    else if (depth < open.length - 1) found = (found as unknown[]).at(-1);
  }
  return found as unknown[];
}
