/** What arms did in several processes, as one: sums add. Pure. */

import type { ArmFigures, Buckets, ExperimentFigures, Sums } from "./arm-figures.js";

/** @param all - Of one experiment; at least one. */
export function addFigures(all: readonly ExperimentFigures[]): ExperimentFigures {
  const arm = (name: keyof ExperimentFigures["arms"]) => all.map(({ arms }) => arms[name]).reduce(addArms);
  return {
    ...all[0]!,
    sinceMs: Math.min(...all.map(({ sinceMs }) => sinceMs)),
    arms: { canary: arm("canary"), control: arm("control"), champion: arm("champion") },
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
  const sum = new Map(Object.entries(a));
  for (const [name, count] of Object.entries(b)) sum.set(name, (sum.get(name) ?? 0) + count);
  return Object.fromEntries(sum);
}

function addOutcomes(a: ArmFigures["outcomes"], b: ArmFigures["outcomes"]): ArmFigures["outcomes"] {
  const sum = new Map(Object.entries(a));
  for (const [name, sums] of Object.entries(b)) sum.set(name, sum.has(name) ? addSums(sum.get(name)!, sums) : sums);
  return Object.fromEntries(sum);
}
