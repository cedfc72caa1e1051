/** Arms of a canary release as sums, a second at a time, drawn by a seed: what counting the same calls would give. */

import { addArms } from "../../server/release/experiment/add-figures.js";
import type { ArmFigures, ExperimentFigures } from "../../server/release/experiment/arm-figures.js";

/** Who makes the calls, and what becomes of them. */
export interface Traffic {
  readonly errorShare: number;
  readonly invalidShare: number;
  /** Geometric mean, milliseconds, and the deviation of the logarithm. */
  readonly latencyMs: number;
  readonly latencySigma: number;
  /** Predictions are normal. */
  readonly predictionMean: number;
  readonly predictionSigma: number;
  readonly isConstant: boolean;
  /** Squared error: its mean, and the share and mean of a segment that has another. */
  readonly loss: number;
  readonly segmentShare: number;
  readonly segmentLoss: number;
}

export const goodTraffic: Traffic = {
  errorShare: 0.002,
  invalidShare: 0,
  latencyMs: 8,
  latencySigma: 0.4,
  predictionMean: 10,
  predictionSigma: 3,
  isConstant: false,
  loss: 4,
  segmentShare: 0,
  segmentLoss: 0,
};

/** Mulberry32: quick, and the same everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function binomial(random: () => number, n: number, share: number): number {
  if (share <= 0 || n <= 0) return 0;
  if (share >= 1) return n;
  const variance = n * share * (1 - share);
  if (variance > 30) return Math.max(0, Math.min(n, Math.round(n * share + Math.sqrt(variance) * normal(random))));
  if (n <= 60) {
    let count = 0;
    for (let i = 0; i < n; i++) if (random() < share) count++;
    return count;
  }
  // Rare events of many calls: Poisson's, by the time between them.
  let count = 0;
  for (let left = Math.exp(-n * Math.min(share, 1 - share)), at = random(); at > left; at *= random()) count++;
  return share <= 0.5 ? Math.min(n, count) : Math.max(0, n - count);
}

/** Shares of equally wide pieces of a normal distribution, from -4 to 4 deviations. */
function normalShares(pieces: number, shift: number): number[] {
  const cumulative = (z: number) => 1 / (1 + Math.exp(-1.702 * z));
  const edges = Array.from({ length: pieces + 1 }, (_, i) =>
    i === 0 ? -Infinity : i === pieces ? Infinity : -3 + (6 * i) / pieces,
  );
  return edges.slice(1).map((edge, i) => cumulative(edge - shift) - cumulative(edges[i]! - shift));
}

function multinomial(random: () => number, n: number, shares: readonly number[], name: (i: number) => string) {
  const counts: Record<string, number> = {};
  let [left, rest] = [n, 1];
  for (const [i, share] of shares.entries()) {
    const count = i === shares.length - 1 ? left : binomial(random, left, Math.min(1, share / rest));
    if (count > 0) counts[name(i)] = count;
    left -= count;
    rest -= share;
  }
  return counts;
}

const noSums = { count: 0, sum: 0, sumOfSquares: 0 };
export const noArm: ArmFigures = {
  calls: 0,
  rows: 0,
  errors: 0,
  modelFaults: 0,
  fallbacks: 0,
  latencyMs: {},
  logLatency: noSums,
  predictions: noSums,
  predictionBuckets: {},
  outcomes: {},
};

/** Sums of n draws of a normal distribution. */
function normalSums(random: () => number, n: number, mean: number, sigma: number) {
  if (n === 0) return noSums;
  const average = mean + (sigma / Math.sqrt(n)) * normal(random);
  const spread = n < 2 ? 0 : sigma ** 2 * Math.max(0, n - 1 + Math.sqrt(2 * (n - 1)) * normal(random));
  return { count: n, sum: n * average, sumOfSquares: n * average ** 2 + spread };
}

/** Latencies fall into pieces of a quarter of a deviation, each as the bucket of the sketch in its middle. */
const latencyPieces = 24;

/** What an arm does with some calls. */
export function drawArm(random: () => number, calls: number, traffic: Traffic): ArmFigures {
  const { latencyMs, latencySigma, predictionMean: mean, predictionSigma: sigma } = traffic;
  const errors = binomial(random, calls, traffic.errorShare);
  const answered = calls - errors;
  const bucketOf = (piece: number) => {
    const ms = latencyMs * Math.exp(latencySigma * (-3 + (6 * (piece + 0.5)) / latencyPieces));
    return String(Math.floor((Math.log2(ms) + 60) * 16));
  };
  const segment = binomial(random, answered, traffic.segmentShare);
  // An error squared, of a normal error: its deviation is the root of 2 of its mean.
  const lossOf = (n: number, loss: number) => normalSums(random, n, loss, loss * Math.SQRT2);
  const [common, rare] = [lossOf(answered - segment, traffic.loss), lossOf(segment, traffic.segmentLoss)];
  return {
    calls,
    rows: calls,
    errors,
    modelFaults: binomial(random, calls, traffic.invalidShare),
    fallbacks: 0,
    latencyMs: multinomial(random, answered, normalShares(latencyPieces, 0), bucketOf),
    logLatency: normalSums(random, answered, Math.log(latencyMs), latencySigma),
    predictions: traffic.isConstant
      ? { count: answered, sum: answered * mean, sumOfSquares: answered * mean ** 2 }
      : normalSums(random, answered, mean, sigma),
    predictionBuckets: traffic.isConstant
      ? { "5": answered }
      : multinomial(random, answered, normalShares(12, (mean - 10) / sigma), String),
    outcomes: {
      squared_error: {
        count: common.count + rare.count,
        sum: common.sum + rare.sum,
        sumOfSquares: common.sumOfSquares + rare.sumOfSquares,
      },
    },
  };
}

export interface SimulatedRelease {
  readonly champion: Traffic;
  readonly canary: Traffic;
  readonly random: () => number;
}

/** The figures after some more calls of each arm. */
export function more(
  figures: ExperimentFigures | undefined,
  { champion, canary, random }: SimulatedRelease,
  { calls, share, sinceMs }: { calls: number; share: number; sinceMs: number },
): ExperimentFigures {
  const held = figures?.arms ?? { canary: noArm, control: noArm, champion: noArm };
  const [canaryCalls, controlCalls] = [binomial(random, calls, share), binomial(random, calls, share)];
  return {
    model: "demand",
    champion: 1,
    canary: 2,
    share,
    sinceMs: figures?.sinceMs ?? sinceMs,
    arms: {
      canary: addArms(held.canary, drawArm(random, canaryCalls, canary)),
      control: addArms(held.control, drawArm(random, controlCalls, champion)),
      champion: addArms(held.champion, drawArm(random, Math.max(0, calls - canaryCalls - controlCalls), champion)),
    },
  };
}
