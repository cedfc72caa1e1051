/**
 * The peak goodput: the most calls a second that are answered within the objective, at any rate of an open loop.
 *
 * Rates rise from half of a first guess until three steps in a row bring nothing more; then the neighbours of the best
 * rate are each measured again, several times. The peak is the largest of their medians, since the largest of single
 * steps would be the luckiest one. Where none of them comes near what was seen while the rates rose, lower rates
 * follow: the best step was lucky, or the machine has become slower.
 */

import { median } from "../statistics.js";

export interface PeakStep {
  /** Calls a second that were planned. */
  readonly rate: number;
  readonly goodput: number;
  /** Why the step doesn't count for the server; undefined where it does. */
  readonly bottleneck: string | undefined;
}

export interface PeakSearch {
  readonly coarseS: number;
  readonly fineS: number;
  /** How often each of the rates round the best one is measured again. */
  readonly repeats: number;
}

export interface Peak {
  /** Calls a second. */
  readonly goodput: number;
  /** The rate at which it was reached. */
  readonly rate: number;
  readonly steps: readonly PeakStep[];
  /** Why this isn't the server's peak; undefined where it is. */
  readonly doubt: string | undefined;
}

const rise = 1.15;
const fruitlessMax = 3;
const coarseMax = 16;
/** Less than this more is noise. */
const betterBy = 1.02;
const neighbours = [0.88, 0.94, 1, 1.06];
/** A peak below this share of the best step is confirmed at lower rates first. */
const nearShare = 0.8;
const lowerMax = 6;
/** A peak below this share means that the machine changed during the search. */
const steadyShare = 0.6;

/** @param measure - Sends at a rate for some seconds and waits until the server is idle again. */
export async function findPeak(
  measure: (rate: number, seconds: number) => Promise<PeakStep>,
  guess: number,
  { coarseS, fineS, repeats }: PeakSearch,
): Promise<Peak> {
  const steps: PeakStep[] = [];
  let best: PeakStep | undefined;
  let fruitless = 0;
  for (let rate = guess / 2; fruitless < fruitlessMax && steps.length < coarseMax; rate *= rise) {
    const step = await measure(rate, coarseS);
    steps.push(step);
    const isBetter = best === undefined || step.goodput > best.goodput * betterBy;
    fruitless = isBetter ? 0 : fruitless + 1;
    if (isBetter) best = step;
  }
  const again = new Map<number, PeakStep[]>(neighbours.map((factor) => [best!.rate * factor, []]));
  // In turns, so that a disturbance of the machine doesn't fall on one rate alone.
  for (let round = 0; round < repeats; round++) {
    for (const [rate, measured] of again) measured.push(await measure(rate, fineS));
  }
  for (let lower = 0; lower < lowerMax && topOf(again).goodput < nearShare * best!.goodput; lower++) {
    const rate = Math.min(...again.keys()) * neighbours[0]!;
    const measured: PeakStep[] = [];
    for (let round = 0; round < repeats; round++) measured.push(await measure(rate, fineS));
    again.set(rate, measured);
  }
  steps.push(...[...again.values()].flat());
  const { rate, goodput } = topOf(again);
  return { rate, goodput, steps, doubt: doubtOf(again.get(rate)!, goodput, best!.goodput) };
}

function topOf(measured: ReadonlyMap<number, readonly PeakStep[]>): { rate: number; goodput: number } {
  return [...measured]
    .map(([rate, steps]) => ({ rate, goodput: median(steps.map(({ goodput }) => goodput)) }))
    .reduce((a, b) => (b.goodput > a.goodput ? b : a));
}

function doubtOf(steps: readonly PeakStep[], goodput: number, bestGoodput: number): string | undefined {
  if (goodput < steadyShare * bestGoodput) {
    return `${Math.round(bestGoodput)} calls/s were in time in one step, and ${Math.round(goodput)} in later ones: the machine was not steady`;
  }
  const [first] = steps;
  return steps.every(({ bottleneck }) => bottleneck !== undefined)
    ? `the generator was the bottleneck: ${first!.bottleneck}`
    : undefined;
}
