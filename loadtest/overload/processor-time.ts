/** What an answer and a refusal cost the server, in processor time. */

import type { PhaseReport } from "./phase-report.js";

export interface ProcessorTime {
  /** Microseconds, in the phase below the peak. */
  readonly answerUs: number;
  /** Microseconds, at 5 times the peak: what is left when its answers are taken off; undefined where nothing was refused. */
  readonly refusalUs: number | undefined;
}

/**
 * An answer costs what it costs below the peak, where batches are smaller; so where large batches are the cheaper ones, a refusal comes out
 * cheaper than it is, down to 0.
 */
export function processorTimeOf(calm: PhaseReport["server"], overload: PhaseReport["server"]): ProcessorTime | undefined {
  if (calm === undefined || calm.answers === 0) return undefined;
  const answerUs = (calm.processorS * 1e6) / calm.answers;
  if (overload === undefined || overload.refusals === 0) return { answerUs, refusalUs: undefined };
  return { answerUs, refusalUs: Math.max(0, (overload.processorS * 1e6 - overload.answers * answerUs) / overload.refusals) };
}
