/**
 * What a version's fallback answers for: calls whose rows were good and came as far as the model, which then failed or
 * was too late.
 *
 * Bad input never falls back, and neither does a version that isn't ready yet: its proof has to see every failure.
 */

import type { Answer } from "../../preprocessing/index.js";
import { type FallbackReason, isFallbackReason, type ServeError } from "../errors.js";
import type { CallWork } from "./call.js";
import type { RunningRow } from "./row-index.js";

/** Whether a fallback takes the place of this error. */
export function canFallBack(call: CallWork, error: ServeError): boolean {
  const { version, fellBack, abandoned, preprocessedMs, rowCount } = call;
  return (
    version?.fallback !== undefined &&
    !fellBack &&
    !abandoned &&
    preprocessedMs > 0 &&
    rowCount > 0 &&
    isFallbackReason(error.code)
  );
}

/** From here on the call is the fallback's. */
export function takeFallback(call: CallWork, error: ServeError): void {
  call.fellBack = true;
  call.fallback = error.code as FallbackReason;
  call.fallbackRows = undefined;
  call.unanswered = undefined;
  call.error = undefined;
  // It has passed, or isn't going to be kept by what runs: an answer by the fallback is due at once.
  call.deadlineMs = Number.POSITIVE_INFINITY;
}

/** @throws The error itself where the fallback has no answer. */
export function answerByFallback(call: CallWork, error: ServeError, first = 0, end = call.rowCount): Answer {
  const answer = call.version!.fallback!.answer(call.goodRows, first, end);
  if (answer === undefined) throw error;
  return answer;
}

/**
 * Puts the fallback's answer in the place of one row's.
 *
 * @param row - Of the rows that ran.
 * @param place - Where it stands in `answer`.
 * @returns False if there is no fallback, or none for this row.
 */
export function replaceByFallback(
  call: CallWork,
  row: RunningRow,
  reason: FallbackReason,
  answer: Answer,
  place: number,
): boolean {
  const replacement = call.version!.fallback?.answer(call.goodRows, row, row + 1);
  if (replacement === undefined) return false;
  answer.predictions[place] = replacement.predictions[0]!;
  answer.probabilities?.set(replacement.probabilities!, place * replacement.probabilities!.length);
  call.fallback ??= reason;
  call.fallbackRows ??= [];
  call.fallbackRows.push(row);
  return true;
}
