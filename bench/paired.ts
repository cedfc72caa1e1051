/**
 * Paired rounds: in each, every server gets the same load for a short while, so that what slows the machine slows them
 * all.
 */

import type { Generator, Saturation } from "../loadtest/generators.js";
import { processorSeconds } from "../loadtest/process-time.js";
import type { Target } from "../loadtest/target.js";

/** A server that runs, and the load for it. */
export interface Contender {
  readonly target: Target;
  readonly pid: number;
  readonly generator: Generator;
}

export interface Load extends Saturation {
  /**
   * Microseconds of processor time that the server took for a request, all its threads together; undefined where the
   * system doesn't report it.
   */
  readonly cpuUsPerRequest: number | undefined;
}

export interface PairedRuns<Name extends string> {
  readonly contenders: Readonly<Record<Name, Contender>>;
  readonly connections: number;
  readonly rounds: number;
  readonly durationS: number;
}

/** @param complete - Makes a round's result of its loads; what it measures besides belongs to the same round. */
export async function pairedRounds<Name extends string, Round>(
  { contenders, connections, rounds, durationS }: PairedRuns<Name>,
  complete: (load: Readonly<Record<Name, Load>>) => Round | Promise<Round>,
): Promise<Round[]> {
  const names = Object.keys(contenders) as Name[];
  const results: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const load: Partial<Record<Name, Load>> = {};
    for (const name of rotated(names, round)) load[name] = await loadOn(contenders[name], connections, durationS);
    results.push(await complete(load as Record<Name, Load>));
  }
  return results;
}

async function loadOn({ generator, target, pid }: Contender, connections: number, durationS: number): Promise<Load> {
  const before = processorSeconds(pid);
  const load = await generator.saturate(target, connections, durationS);
  const after = processorSeconds(pid);
  const spent = before === undefined || after === undefined ? undefined : after - before;
  return { ...load, cpuUsPerRequest: spent === undefined ? undefined : (spent * 1e6) / load.requests };
}

/** Starts each round with another server, so that none is always the one after the same neighbour. */
export function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
