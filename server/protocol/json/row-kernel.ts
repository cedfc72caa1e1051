/// <reference path="../../webassembly.d.ts" />

/**
 * The row decoder's WebAssembly (kernel/rows.ts): one instance for all versions, since bodies are decoded one at a time.
 * Its memory holds one plan, the rows that are being read, and as much of a body as is looked at.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const numbers = [
  "booleanKind",
  "closedFlag",
  "endCell",
  "escapedFlag",
  "exactPowerMax",
  "exactPowers",
  "featureBytes",
  "flagsField",
  "highestPower",
  "integerKind",
  "kindField",
  "knownFlag",
  "listKind",
  "lowestPower",
  "maximumField",
  "minimumField",
  "missing",
  "more",
  "nameBytesField",
  "nameField",
  "nextField",
  "nullableFlag",
  "numberKind",
  "outcomeCell",
  "over",
  "placeField",
  "plans",
  "powers",
  "requiredFlag",
  "slotBytes",
  "textKind",
  "valueCountField",
  "valuesField",
  "wideFlag",
] as const;

/** What records and results of the decoder measure and mean, by the names under which it exports them. */
export type RowKernelNumbers = Readonly<Record<(typeof numbers)[number], number>>;

interface Exports {
  usePlan(head: number): void;
  addText(owner: number, text: number, bytes: number, code: number): void;
  /** @returns 1 if the row is taken. */
  readOne(at: number, end: number): number;
  readContext(at: number, end: number): number;
  readRows(at: number, end: number, rowsMax: number, until: number): number;
}

const pageBytes = 65_536;

export class RowKernel {
  readonly exports: Exports;
  readonly numbers: RowKernelNumbers;
  readonly #memory: WebAssembly.Memory;
  /** Views of the whole memory; others once it has grown. */
  bytes: Uint8Array = none;
  words: Int32Array = noWords;
  floats: Float64Array = noFloats;
  /** Whoever's plan it holds, as it was made. */
  holder: unknown;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: 1 });
    this.#memory = memory;
    // By name, since a bundler may put this code into any file.
    const module = new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve("#row-kernel")));
    const readNumber = (from: number, to: number) =>
      Number(Buffer.from(memory.buffer, from, to - from).toString("latin1"));
    const { exports } = new WebAssembly.Instance(module, { env: { memory, readNumber } });
    this.exports = exports as unknown as Exports;
    this.numbers = Object.fromEntries(
      numbers.map((name) => [name, (exports[name] as WebAssembly.Global).value]),
    ) as RowKernelNumbers;
    this.#look();
    this.#writePowers();
  }

  /** Makes sure that there are so many bytes. */
  reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    this.#memory.grow(Math.ceil((bytes - this.bytes.length) / pageBytes));
    this.#look();
  }

  #look(): void {
    const { buffer } = this.#memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
  }

  #writePowers(): void {
    const { exactPowers, exactPowerMax, powers, lowestPower, highestPower } = this.numbers;
    for (let power = 0; power <= exactPowerMax; power++) this.floats[exactPowers / 8 + power] = Number(`1e${power}`);
    const words = new BigUint64Array(this.#memory.buffer);
    for (let power = lowestPower; power <= highestPower; power++) {
      const bits = bitsOfPower(power);
      const at = powers / 8 + 2 * (power - lowestPower);
      words[at] = bits >> 64n;
      words[at + 1] = bits & 0xffff_ffff_ffff_ffffn;
    }
  }
}

/**
 * The first 128 bits of a power of five, which are those of the power of ten: cut off, but above from 10^-27 to 10^-1,
 * as the proof of numbers.ts wants them.
 */
function bitsOfPower(power: number): bigint {
  const five = 5n ** BigInt(Math.abs(power));
  const length = BigInt(five.toString(2).length);
  if (power >= 0) return length > 128n ? five >> (length - 128n) : five << (128n - length);
  // A power of five above 1 is no power of two: its reciprocal has 128 bits when it begins one bit further left.
  return power >= -27 ? (1n << (length + 127n)) / five + 1n : (1n << (length + 127n)) / five;
}

const none = new Uint8Array(0);
const noWords = new Int32Array(0);
const noFloats = new Float64Array(0);

let kernel: RowKernel | undefined;

/** Made on first use: a process that is sent no JSON doesn't pay for it. */
export function rowKernel(): RowKernel {
  kernel ??= new RowKernel();
  return kernel;
}
