/**
 * The peak goodput: the most calls a second that are answered within the objective, at any rate of an open loop.
 *
 * Rates rise from half of a first guess until three steps in a row bring nothing more; then the neighbours of the best rate are each measured
 * again, several times. The peak is the largest of their medians, since the largest of single steps would be the luckiest one.
 */

import { median } from "../statistics.js";

export interface PeakStep {
  /** Calls a second that were planned. */
  readonly rate: number;
  readonly goodput: number;
  /** Why the step says nothing of the server; undefined where it does. */
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
  /** Why the server's peak may be higher; undefined where it isn't. */
  readonly bottleneck: string | undefined;
}

const rise = 1.15;
const fruitlessMax = 3;
const coarseMax = 16;
/** Less than this more is noise. */
const betterBy = 1.02;
const neighbours = [0.94, 1, 1.06];

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
  steps.push(...[...again.values()].flat());
  const medians = [...again].map(([rate, measured]) => ({ rate, goodput: median(measured.map(({ goodput }) => goodput)) }));
  const { rate, goodput } = medians.reduce((a, b) => (b.goodput > a.goodput ? b : a));
  return { rate, goodput, steps, bottleneck: again.get(rate)!.find(({ bottleneck }) => bottleneck !== undefined)?.bottleneck };
}
