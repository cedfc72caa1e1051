/**
 * What a plan's step is to do, by what the arms have done: a pure function of plain data, which may be asked as often as
 * one likes, since each of its bounds holds at every look.
 *
 * - Harm that is certain is a rollback, at once.
 * - A step that isn't harmed is promoted when its time and calls are there and its guards pass.
 * - No calls decide nothing: inconclusive, whatever the time.
 */

import { addArms } from "../experiment/add-figures.js";
import type { ArmFigures, ExperimentFigures } from "../experiment/arm-figures.js";
import { sampleRatioMismatch } from "../experiment/statistics.js";
import { findAll, type GuardFinding, type GuardInput, levelsOf } from "./guards.js";
import type { Plan } from "./plan.js";

export type VerdictName = "promote" | "rollback" | "continue" | "inconclusive";

export interface Verdict {
  readonly verdict: VerdictName;
  readonly sentence: string;
  /** From 0; null in the rollback window. */
  readonly step: number | null;
  /** In the step, or in the window. */
  readonly seconds: number;
  readonly calls: { readonly tested: number; readonly baseline: number };
  readonly guards: readonly GuardFinding[];
}

/** Where a plan is. */
export interface StepState {
  /** From 0; undefined in the rollback window, in which the new version is the champion and the old one its canary. */
  readonly step: number | undefined;
  readonly sinceMs: number;
  /** The tested arm's calls when the step began. */
  readonly callsBefore: number;
  /** Whether each call has an arm of its own, so that the arms' calls are as many as each other but for chance. */
  readonly isByCall: boolean;
}

export function judge(
  plan: Plan,
  state: StepState,
  figures: ExperimentFigures | undefined,
  flips: GuardInput["flips"],
  nowMs: number,
): Verdict {
  const { step, sinceMs, callsBefore, isByCall } = state;
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const common = { step: step ?? null, seconds };
  if (figures === undefined) {
    const none = { ...common, calls: { tested: 0, baseline: 0 }, guards: [] };
    return { verdict: "inconclusive", sentence: "no calls have come yet: nothing is known", ...none };
  }
  const input = inputOf(figures, step === undefined, flips);
  const { tested, baseline } = input;
  const calls = { tested: tested.calls - callsBefore, baseline: baseline.calls };
  const guards = findAll(plan, input, levelsOf(plan));
  const give = (verdict: VerdictName, sentence: string): Verdict => ({ verdict, sentence, ...common, calls, guards });
  const harmed = guards.filter(({ state }) => state === "harmed");
  if (harmed.length > 0)
    return give("rollback", harmed.map(({ guard, sentence }) => `${guard}: ${sentence}`).join("; "));
  if (calls.tested <= 0) return give("inconclusive", "the version has had no calls in this step: nothing is known");
  if (step === undefined) {
    if (seconds >= plan.rollback_window.seconds) return give("promote", "the rollback window is over without harm");
    return give("continue", `the rollback window ends in ${plan.rollback_window.seconds - seconds} s`);
  }
  const { seconds_min, seconds_max, calls_min, needs } = plan.steps[step]!;
  const missing: string[] = [];
  if (seconds < seconds_min) missing.push(`${seconds_min - seconds} s more`);
  if (calls.tested < calls_min) missing.push(`${calls_min - calls.tested} calls more`);
  const ratio = sampleRatioMismatch(tested.calls, baseline.calls);
  if ((plan.guards.sample_ratio ?? isByCall) && ratio.isMismatch)
    missing.push(`arms of equal size: ${tested.calls} and ${baseline.calls} calls are no chance`);
  if (needs === "non_inferiority") {
    const undecided = guards.filter(({ state }) => state === "undecided");
    for (const { guard, sentence } of undecided) missing.push(`${guard} (${sentence})`);
  }
  if (missing.length === 0)
    return give("promote", needs === "no_harm" ? "no guard is harmed" : `all ${guards.length} guards pass`);
  const words = `undecided: it takes ${missing.join(", ")}`;
  if (seconds >= seconds_max) return give("inconclusive", `${seconds_max} s are over and it is still ${words}`);
  return give("continue", words);
}

function inputOf(
  { arms: { canary, control, champion } }: ExperimentFigures,
  isWindow: boolean,
  flips: GuardInput["flips"],
): GuardInput {
  const ofChampion: ArmFigures = addArms(control, champion);
  if (!isWindow) return { tested: canary, baseline: control, baselineAll: ofChampion, flips };
  return { tested: control, baseline: canary, baselineAll: canary, flips: undefined };
}
