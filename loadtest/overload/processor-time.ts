/** The processor time that the server spends on an answer and on a refusal. */

import type { PhaseReport } from "./phase-report.js";

/** Microseconds. */
export interface ProcessorTime {
  readonly answerUs: number;
  /** Undefined where too few calls were refused to determine it. */
  readonly refusalUs: number | undefined;
}

type Server = PhaseReport["server"];

/**
 * From two phases above the peak, in which batches are alike and the shares of answers and refusals differ: two sums of
 * two unknowns. Where there are none, an answer costs what it costs below the peak.
 */
export function processorTimeOf(calm: Server, less: Server, more: Server): ProcessorTime | undefined {
  if (less !== undefined && more !== undefined) {
    const determinant = less.answers * more.refusals - more.answers * less.refusals;
    const answerUs = (1e6 * (less.processorS * more.refusals - more.processorS * less.refusals)) / determinant;
    const refusalUs = (1e6 * (less.answers * more.processorS - more.answers * less.processorS)) / determinant;
    // On a machine whose speed changed between the two, the sums have no such solution.
    if (answerUs > 0 && refusalUs > 0) return { answerUs, refusalUs };
  }
  if (calm === undefined || calm.answers === 0) return undefined;
  return { answerUs: (calm.processorS * 1e6) / calm.answers, refusalUs: undefined };
}
