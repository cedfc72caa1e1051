/**
 * The inputs of trainer/parity_math.py, made again from the plans in portable-math.json: each from its own number, so
 * any block can be made alone.
 */
import { readFileSync } from "node:fs";

export interface Plans {
  readonly count: number;
  readonly block: number;
  /**
   * Bits of doubles as hexadecimal digits, parted by spaces: the first inputs of functions of one argument; of `pow`,
   * each with each.
   */
  readonly edges: string;
  readonly powEdges: string;
  readonly functions: Readonly<Record<string, FunctionPlan>>;
}

export interface FunctionPlan {
  /** Per argument, what its inputs take turns in. */
  readonly plans: readonly (readonly Plan[])[];
  /** The first 12 digits of each block's SHA-256, parted by spaces. */
  readonly hashes: string;
}

type Plan =
  | readonly ["bits"]
  | readonly ["uniform" | "whole" | "scaled" | "positive", from: number, to: number]
  | readonly ["near", step: number, count: number, spread: number];

export const plans: Plans = JSON.parse(readFileSync(new URL("portable-math.json", import.meta.url), "utf8"));

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** Node's machines are little-endian; the file's hashes are of bytes in that order, too. */
export function fromBits(upper: number, lower: number): number {
  words[1] = upper;
  words[0] = lower;
  return double[0]!;
}

export function readBits(digits: string): number {
  return fromBits(Number.parseInt(digits.slice(0, 8), 16), Number.parseInt(digits.slice(8), 16));
}

export function bitsOf(x: number): string {
  double[0] = x;
  return `${words[1]!.toString(16).padStart(8, "0")}${words[0]!.toString(16).padStart(8, "0")}`;
}

const edges = plans.edges.split(" ").map(readBits);
const powEdges = plans.powEdges.split(" ").map(readBits);

/** @returns The arguments of inputs from `start` to `stop`, one array each. */
export function inputs({ plans }: FunctionPlan, start: number, stop: number): Float64Array[] {
  return plans.map((choices, position) =>
    Float64Array.from({ length: stop - start }, (_, offset) => {
      const index = start + offset;
      if (plans.length === 1 && index < edges.length) return edges[index]!;
      if (plans.length === 2 && index < powEdges.length ** 2) {
        return powEdges[position === 0 ? Math.floor(index / powEdges.length) : index % powEdges.length]!;
      }
      const counter = position * 2 ** 30 + 4 * index;
      return made(choices[index % choices.length]!, mixed(counter), mixed(counter + 1), mixed(counter + 2));
    }),
  );
}

/** The finalizer of MurmurHash3. */
function mixed(counter: number): number {
  let bits = Math.imul(counter, 0x9e3779b9);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function made(plan: Plan, sign: number, upper: number, lower: number): number {
  const positive = sign >>> 31 === 0;
  switch (plan[0]) {
    case "bits":
      return fromBits(upper, lower);
    case "uniform": {
      const share = ((upper >>> 5) * 67108864 + (lower >>> 6)) / 9007199254740992;
      return plan[1] + (plan[2] - plan[1]) * share;
    }
    case "whole":
      return plan[1] + (upper % (plan[2] - plan[1]));
    case "near": {
      const [, step, count, spread] = plan;
      const multiple = ((upper % count) + 1) * step;
      return (positive ? multiple : -multiple) * (1 + ((lower % (2 * spread - 1)) + 1 - spread) * Number.EPSILON);
    }
    default: {
      const exponent = plan[1] + 1023 + ((sign & 0x7fffffff) % (plan[2] - plan[1]));
      const size = fromBits((exponent << 20) | (upper >>> 12), lower);
      return positive || plan[0] === "positive" ? size : -size;
    }
  }
}
