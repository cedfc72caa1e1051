/**
 * One pass over the bytes of a large body, in slices: what the plain decoder counts before it parses, and where the
 * text can be cut.
 *
 * A cut is a comma of a list, at any depth. All that is open there is known: the text before the cut and the text
 * behind it are each made whole JSON by closing and opening the same lists and objects (`parse-slices.ts`). Where the
 * text is no JSON this pass may be wrong about it, but only behind the place where a parser stops.
 */

import type { Buffer } from "node:buffer";
import type { DecodeLimits } from "../protocol.js";
import { backslash, closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } from "./bytes.js";
import { depthMax, tooDeep, tooManyContainers, tooManyMembers } from "./text.js";

/**
 * What is open at a cut, outermost first: undefined for a list; for an object, the text of the key whose value is open,
 * with its quotes.
 */
export type OpenContainers = readonly (string | undefined)[];

export interface Cut {
  /** Of the comma. */
  readonly at: number;
  readonly open: OpenContainers;
  /** Colons outside strings before it. */
  readonly colons: number;
}

/** A power of two above {@link depthMax}: a depth, even one below zero, is made an index by its lowest bits. */
const levels = 32;
export class ByteScan {
  readonly cuts: Cut[] = [];
  colons = 0;
  containers = 0;
  /** All bytes, or-ed: below 0x80 if they are ASCII. */
  bits = 0;
  readonly #body: Buffer;
  readonly #limits: DecodeLimits;
  readonly #cutBytes: number;
  #position = 0;
  #inString = false;
  #depth = 0;
  /** Bit d: what is open at depth d is a list. */
  #lists = 0;
  #nextCut: number;
  #stringAt = 0;
  // By depth: the last key's place and its colon's, and how many commas the open list or object has so far.
  readonly #keyAt = new Int32Array(levels);
  readonly #colonAt = new Int32Array(levels);
  readonly #commas = new Int32Array(levels);

  /** @param cutBytes - Texts between cuts are this long, or a little longer; longer still where there is no list. */
  constructor(body: Buffer, limits: DecodeLimits, cutBytes: number) {
    this.#body = body;
    this.#limits = limits;
    this.#cutBytes = cutBytes;
    this.#nextCut = cutBytes;
  }

  get ended(): boolean {
    return this.#position >= this.#body.length;
  }

  /**
   * Goes on for so many bytes.
   *
   * @throws {@link ServeError} malformed_body, too_many_rows, schema_mismatch: what {@link DecodeLimits} say.
   */
  take(bytes: number): void {
    const body = this.#body;
    const { membersMax } = this.#limits;
    const end = Math.min(body.length, this.#position + bytes);
    let { colons, containers, bits } = this;
    let inString = this.#inString;
    let stringAt = this.#stringAt;
    let depth = this.#depth;
    let i = this.#position;
    for (; i < end; i++) {
      if (inString) {
        let byte = body[i]!;
        while (byte !== quote && byte !== backslash && i < end) {
          bits |= byte;
          byte = body[++i]!;
        }
        if (i === end) break;
        if (byte === quote) inString = false;
        else bits |= body[++i] ?? 0;
        continue;
      }
      const byte = body[i]!;
      bits |= byte;
      // What numbers are made of.
      if (byte > comma && byte < colon) continue;
      if (byte === quote) {
        inString = true;
        stringAt = i;
      } else if (byte === comma) {
        const level = depth & (levels - 1);
        const commas = ++this.#commas[level]!;
        if ((this.#lists >> level) & 1) {
          if (i >= this.#nextCut) this.#cut(i, level, colons);
        } else if (commas >= membersMax) throw tooManyMembers(this.#rowAt(depth), membersMax);
      } else if (byte === colon) {
        colons++;
        const level = depth & (levels - 1);
        this.#keyAt[level] = stringAt;
        this.#colonAt[level] = i;
      } else if (byte === openBrace || byte === openBracket) {
        containers++;
        if (++depth > depthMax) throw tooDeep(i);
        const level = depth & (levels - 1);
        this.#commas[level] = 0;
        if (byte === openBracket) this.#lists |= 1 << level;
        else this.#lists &= ~(1 << level);
      } else if (byte === closeBrace || byte === closeBracket) depth--;
    }
    this.colons = colons;
    this.containers = containers;
    this.bits = bits;
    this.#inString = inString;
    this.#stringAt = stringAt;
    this.#depth = depth;
    this.#position = i;
    if (this.ended && containers > this.#limits.containersMax) throw tooManyContainers(containers, this.#limits);
  }

  /** The row at this depth: an item of the list that the body is, or of a list in the body's object; else the body. */
  #rowAt(depth: number): number {
    const rowsDepth = (this.#lists >> 1) & 1 ? 1 : 2;
    return depth > rowsDepth && (this.#lists >> rowsDepth) & 1 ? this.#commas[rowsDepth]! : 0;
  }

  #cut(at: number, depth: number, colons: number): void {
    const open: (string | undefined)[] = [];
    for (let level = 1; level <= depth; level++) {
      const isList = (this.#lists >> level) & 1;
      open.push(isList ? undefined : this.#body.toString("utf8", this.#keyAt[level]!, this.#colonAt[level]!));
    }
    this.cuts.push({ at, open, colons });
    this.#nextCut = at + this.#cutBytes;
  }
}
