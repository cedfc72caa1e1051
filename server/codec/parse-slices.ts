/**
 * `JSON.parse` in slices: the same value, or the same error at the same place, for any text.
 *
 * V8 parses each piece between two cuts as a text of its own. At a cut inside `{"rows":[`, the piece before it ends in
 * `,0]}` and the piece behind it begins with `{"rows":[0,`: so the parser meets each piece in the state in which it
 * would have met it in the whole text, sees the comma itself, and stops where it would have stopped. The zeros are
 * taken out again when the pieces are put together.
 */

import { Buffer, isUtf8 } from "node:buffer";
import { countKeys, malformed, notUtf8, type Place } from "./json.js";
import { findFault } from "./json-fault.js";
import type { ByteScan, Cut, OpenContainers } from "./scan-slices.js";

export interface ParsedSlices {
  readonly value: unknown;
  /** A key stands twice in one object somewhere, and `value` can't be used. */
  readonly duplicate: boolean;
}

type Members = Record<string, unknown>;

const start: Cut = { at: -1, open: [], colons: 0 };
/** Ends in the last byte of the byte order mark, which is no part of the text. */
const startBehindMark: Cut = { ...start, at: 2 };

export class SlicedText {
  readonly #body: Buffer;
  readonly #scan: ByteScan;
  readonly #encoding: "latin1" | "utf8";
  readonly #start: Cut;

  /** @param scan - Of these bytes, at its end. */
  constructor(body: Uint8Array, scan: ByteScan) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#scan = scan;
    this.#encoding = scan.bits < 0x80 ? "latin1" : "utf8";
    const isMarked = this.#body[0] === 0xef && this.#body[1] === 0xbb && this.#body[2] === 0xbf;
    this.#start = isMarked ? startBehindMark : start;
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

  /** The text, cut between tokens. */
  *texts(): Generator<string, void> {
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

  /** @throws {@link ServeError} malformed_body if the text is no JSON. */
  *parse(): Generator<undefined, ParsedSlices> {
    let value: unknown;
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
        throw malformed(
          fault,
          fault.at === "end" ? undefined : yield* this.#place(from, text.slice(0, fault.at - opener.length)),
        );
      }
      const keys = part !== null && typeof part === "object" ? countKeys(part) - keysIn(before.open) : 0;
      duplicate ||= keys !== (cut ?? this.#scan).colons - before.colons;
      if (before === this.#start) value = part;
      else if (!duplicate) duplicate = !join(value, part, before.open);
      if (!duplicate && cut !== undefined) innermost(value, cut.open).pop();
      yield;
    }
    return { value, duplicate };
  }

  /** @param before - What stands before the fault, from byte `from` on. */
  *#place(from: number, before: string): Generator<undefined, Place> {
    let line = 1;
    let lineStart = this.#start.at + 1;
    for (let i = lineStart; i < from; i++) {
      if (this.#body[i] === lineFeed) {
        line++;
        lineStart = i + 1;
      }
      if (i % longSlice === 0) yield;
    }
    for (let i = 0; i < before.length; i++) {
      if (before.charCodeAt(i) === lineFeed) line++;
      if (i % longSlice === 0) yield;
    }
    const lastBreak = before.lastIndexOf("\n");
    const column = lastBreak >= 0 ? before.length - lastBreak : this.#read(lineStart, from).length + before.length + 1;
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
