/** An experiment as `GET /models/{m}/experiment` has it: each arm, and the canary beside its control. Pure. */

import type { ArmFigures, ExperimentFigures, Sums } from "./arm-figures.js";
import { compareMeans, isCalled, sampleRatioMismatch } from "./statistics.js";

/** Share of experiments without a difference in which any comparison is ever called. */
export const defaultAlpha = 0.05;
/** Observations of an arm at which intervals are tightest. */
export const defaultDecisionSize = 5000;

/** @param figures - Undefined where the model's route has no canary. */
export function describedExperiment(model: string, figures: ExperimentFigures | undefined): object {
  return figures === undefined ? { model, canary: null } : describeExperiment(figures);
}

export function describeExperiment(
  { model, champion, canary, share, sinceMs, arms }: ExperimentFigures,
  { alpha = defaultAlpha, decisionSize = defaultDecisionSize } = {},
): object {
  const kpis = Object.keys(arms.canary.outcomes).filter((kpi) => Object.hasOwn(arms.control.outcomes, kpi));
  // The error is shared out, so that whoever reads all of them isn't misled by the one that chance has raised.
  const each = alpha / (3 + kpis.length);
  const compare = (sumsOf: (arm: ArmFigures) => Sums) => {
    const [tested, baseline] = [sumsOf(arms.canary), sumsOf(arms.control)];
    const { difference, low, high, evidence } = compareMeans(tested, baseline, { alpha: each, decisionSize });
    const comparison = { difference: finite(difference), low: finite(low), high: finite(high), p_value: evidence };
    return { ...comparison, called: isCalled({ evidence }, each) };
  };
  const latency = compare(({ logLatency }) => logLatency);
  const ratio = (log: number | null) => (log === null ? null : Math.exp(log));
  const counts = [arms.canary.calls, arms.control.calls] as const;
  const { pValue, isMismatch } = sampleRatioMismatch(...counts);
  return {
    model,
    champion,
    canary,
    share,
    since: new Date(sinceMs).toISOString(),
    arms: { canary: describe(arms.canary), control: describe(arms.control), champion: describe(arms.champion) },
    comparisons: {
      error_rate: compare(({ calls, errors }) => ({ count: calls, sum: errors, sumOfSquares: errors })),
      latency_ratio: {
        ...latency,
        difference: ratio(latency.difference),
        low: ratio(latency.low),
        high: ratio(latency.high),
      },
      prediction_mean: compare(({ predictions }) => predictions),
      outcomes: Object.fromEntries(kpis.map((kpi) => [kpi, compare(({ outcomes }) => outcomes[kpi]!)])),
    },
    alpha,
    // Beyond a half the control has what the canary leaves: nothing is to be equal.
    sample_ratio: share > 0.5 ? null : { p_value: pValue, mismatch: isMismatch },
  };
}

function describe({ calls, rows, errors, modelFaults, fallbacks, logLatency, predictions, outcomes }: ArmFigures) {
  const summary = ({ count, sum }: Sums) => ({ count, mean: count === 0 ? null : sum / count });
  return {
    calls,
    rows,
    errors,
    model_faults: modelFaults,
    fallbacks,
    latency_ms_geometric_mean: logLatency.count === 0 ? null : Math.exp(logLatency.sum / logLatency.count),
    predictions: summary(predictions),
    outcomes: Object.fromEntries(Object.entries(outcomes).map(([kpi, sums]) => [kpi, summary(sums)])),
  };
}

/** JSON has no infinity: null is "not known yet". */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
