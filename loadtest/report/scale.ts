/**
 * Axes: where on an axis a value stands, as a share of its length from its start, and at which values it is labelled.
 */

import { figure } from "../table.js";

export interface Tick {
  readonly share: number;
  readonly label: string;
}

export interface Scale {
  /** In [0, 1]; what is beyond the axis stands at its end. */
  readonly share: (value: number) => number;
  readonly ticks: readonly Tick[];
}

/** From 0 to a round number of at least `max` (of 1 where that is 0), with about `steps` labels. */
export function linearScale(max: number, steps = 4): Scale {
  const highest = max > 0 ? max : 1;
  const step = roundStep(highest / steps);
  const top = Math.ceil(highest / step - 1e-9) * step;
  return scaleOf((value) => value / top, valuesUpTo(top, step), figure);
}

/** Seconds from 0 to `endS`, which needn't be round. */
export function timeScale(endS: number, steps = 8): Scale {
  const steps60 = [15, 30, 60, 120, 300, 600, 900];
  const least = endS / steps;
  const step =
    least <= 10 ? roundStep(least) : (steps60.find((round) => round >= least) ?? Math.ceil(least / 600) * 600);
  return scaleOf((value) => value / endS, valuesUpTo(endS, step), figure);
}

/**
 * Logarithmic, over all of [min, max] and at least one power of ten; both above 0. Ends at 1, 2 or 5 times a power of
 * ten.
 *
 * Labelled at those too where the axis spans three powers of ten or fewer, else at the powers alone.
 */
export function logScale(min: number, max: number): Scale {
  const low = roundDown(min);
  const high = Math.max(roundUp(max), low * 10);
  const span = Math.log10(high / low);
  const labels = marksBetween(low, high, span <= 3 ? [1, 2, 5] : [1]);
  return scaleOf((value) => Math.log10(value / low) / span, labels, figure);
}

/**
 * Percentiles from 50 to 99.99, spaced by `log10(1 / (1 - p))`: each further nine takes the same room, as in
 * HdrHistogram's plots, so that the tail isn't a pixel wide.
 */
export function percentileScale(): Scale {
  const [first, last] = [Math.log10(2), 4];
  const nines = (percentile: number) => -Math.log10(1 - percentile / 100);
  return scaleOf(
    (percentile) => (nines(percentile) - first) / (last - first),
    [50, 75, 90, 95, 99, 99.9, 99.99],
    String,
  );
}

function scaleOf(
  shareOf: (value: number) => number,
  values: readonly number[],
  label: (value: number) => string,
): Scale {
  const share = (value: number) => Math.min(1, Math.max(0, shareOf(value)));
  return { share, ticks: values.map((value) => ({ share: share(value), label: label(value) })) };
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9))!;
  return Number((factor * power).toPrecision(3));
}

const roundUp = roundStep;

function roundDown(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const factor = [5, 2, 1].find((candidate) => candidate * power <= most * (1 + 1e-9))!;
  return Number((factor * power).toPrecision(3));
}

function valuesUpTo(top: number, step: number): number[] {
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function marksBetween(low: number, high: number, factors: readonly number[]): number[] {
  const marks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); 10 ** exponent <= high * (1 + 1e-9); exponent++) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** exponent).toPrecision(3));
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) marks.push(value);
    }
  }
  return marks;
}
