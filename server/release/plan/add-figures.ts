/** What arms did in two lives of a server, as one: sums add. */

import type { ArmFigures, Buckets, ExperimentFigures, Sums } from "../experiment/arm-figures.js";

/** @returns Of the same experiment, from the beginning of the first on. */
export function addFigures(a: ExperimentFigures, b: ExperimentFigures): ExperimentFigures {
  const { canary, control, champion } = a.arms;
  return {
    ...b,
    sinceMs: Math.min(a.sinceMs, b.sinceMs),
    arms: {
      canary: addArms(canary, b.arms.canary),
      control: addArms(control, b.arms.control),
      champion: addArms(champion, b.arms.champion),
    },
  };
}

export function addArms(a: ArmFigures, b: ArmFigures): ArmFigures {
  return {
    calls: a.calls + b.calls,
    rows: a.rows + b.rows,
    errors: a.errors + b.errors,
    modelFaults: a.modelFaults + b.modelFaults,
    fallbacks: a.fallbacks + b.fallbacks,
    latencyMs: addBuckets(a.latencyMs, b.latencyMs),
    logLatency: addSums(a.logLatency, b.logLatency),
    predictions: addSums(a.predictions, b.predictions),
    predictionBuckets: addBuckets(a.predictionBuckets, b.predictionBuckets),
    outcomes: addOutcomes(a.outcomes, b.outcomes),
  };
}

function addSums(a: Sums, b: Sums): Sums {
  return { count: a.count + b.count, sum: a.sum + b.sum, sumOfSquares: a.sumOfSquares + b.sumOfSquares };
}

function addBuckets(a: Buckets, b: Buckets): Buckets {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function addOutcomes(a: ArmFigures["outcomes"], b: ArmFigures["outcomes"]): ArmFigures["outcomes"] {
  const sum: Record<string, Sums> = { ...a };
  for (const [name, sums] of Object.entries(b)) sum[name] = name in sum ? addSums(sum[name]!, sums) : sums;
  return sum;
}
