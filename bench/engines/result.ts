/** Everything one comparison of engines measured: the shape of its JSON. */

import type { Machine } from "../../loadtest/machine.js";
import type { ModelSpec } from "./grid.js";
import type { ContenderName, RoundsByRows } from "./rounds.js";

export interface EnginesResult {
  /** ISO 8601, UTC. */
  readonly finished: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** Milliseconds of calls in one measurement. */
  readonly leastMs: number;
  /** Versions of the peers' packages, by name; or why there are no peers. */
  readonly peers: { readonly versions: Readonly<Record<string, string>> } | { readonly leftOut: string };
  readonly models: readonly ModelResult[];
}

export interface ModelResult {
  readonly spec: ModelSpec;
  readonly leaves: number;
  /** Comparisons on the longest way to a leaf. */
  readonly levels: number;
  readonly onnxBytes: number;
  /** Size of the model in the kernel's memory; undefined where the kernel doesn't cover it. */
  readonly kernelBytes: number | undefined;
  readonly auto: { readonly engine: "tree" | "onnxruntime"; readonly reason: string | undefined };
  /** Contenders that didn't run the model, and why. */
  readonly leftOut: Readonly<Partial<Record<ContenderName, string>>>;
  readonly byRows: readonly RoundsByRows[];
}

/** One contender's time over another's, round by round. */
export function ratios(
  model: ModelResult | undefined,
  rowCount: number,
  over: ContenderName,
  under: ContenderName,
): number[] {
  const rounds = model?.byRows.find((level) => level.rowCount === rowCount)?.rounds ?? [];
  return rounds.flatMap((round) =>
    round[over] === undefined || round[under] === undefined ? [] : [round[over] / round[under]],
  );
}
