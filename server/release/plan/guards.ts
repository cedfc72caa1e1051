/**
 * The guards of a plan: each compares one figure of the two arms and says whether the tested version is harmed, passes,
 * or is undecided yet.
 *
 * Harmed: worse beyond what chance makes of it at any look, and by more than the margin as far as is known. Passed: not
 * worse by the margin, at the confidence that a promotion needs. Both bounds hold however often one looks.
 */

import type { ArmFigures, Sums } from "../experiment/arm-figures.js";
import { compareMeans } from "../experiment/statistics.js";
import { commonest, distributionDistance, quantileBounds, shareRadius } from "./bounds.js";
import type { Plan } from "./plan.js";
import { latencyBuckets } from "./sketch-buckets.js";

export interface GuardFinding {
  readonly guard: string;
  readonly state: "harmed" | "passed" | "undecided";
  readonly sentence: string;
  /** Of the tested version and of what it is compared with; null where there is nothing yet. */
  readonly tested: number | null;
  readonly baseline: number | null;
  readonly difference: number | null;
  /** Confidence sequence of the difference, at the level of a rollback. */
  readonly low: number | null;
  readonly high: number | null;
  readonly margin: number | null;
}

export interface GuardInput {
  readonly tested: ArmFigures;
  readonly baseline: ArmFigures;
  /** Every call that the baseline's version answered, whoever made it: how often it fails at all. */
  readonly baselineAll: ArmFigures;
  /** Rows that a shadow of the tested version answered too, and those of them with another label. */
  readonly flips?: { readonly rows: number; readonly flips: number } | undefined;
}

/** Chances of a wrong decision by one guard, one-sided. */
export interface GuardLevels {
  readonly rollback: number;
  readonly promote: number;
  readonly decisionSize: number;
}

/** The chances that each of a plan's guards has: one half for the steps, one for the rollback window. */
export function levelsOf({ guards, alpha, alpha_promote: promote, decision_calls: decisionSize }: Plan): GuardLevels {
  const { errors, invalid, fallbacks, latency, latency_p95, latency_p99, predictions, prediction_mean, flips } = guards;
  const single = [errors, invalid, fallbacks, latency, latency_p95, latency_p99, predictions, prediction_mean, flips];
  // Failing without exception is one more guard, which can't be switched off without that of errors.
  const count =
    single.filter(Boolean).length + guards.outcomes.length + Number(guards.constant) + Number(errors !== false);
  return { rollback: alpha / 2 / Math.max(1, count), promote, decisionSize };
}

export function findAll({ guards }: Plan, input: GuardInput, levels: GuardLevels): GuardFinding[] {
  const { tested, baseline } = input;
  const found: (GuardFinding | undefined)[] = [];
  if (guards.errors) {
    const words = "of calls fail";
    found.push(onlyFails(input, levels));
    found.push(ofShare("errors", words, tested.errors, baseline.errors, input, guards.errors.margin, levels));
  }
  if (guards.invalid) {
    const words = "of calls get no usable number from the model";
    const margin = guards.invalid.margin;
    found.push(ofShare("invalid", words, tested.modelFaults, baseline.modelFaults, input, margin, levels));
  }
  if (guards.fallbacks) {
    const words = "of calls are answered by a fallback";
    const margin = guards.fallbacks.margin;
    found.push(ofShare("fallbacks", words, tested.fallbacks, baseline.fallbacks, input, margin, levels));
  }
  if (guards.latency) found.push(ofLatency(input, guards.latency.margin, levels));
  if (guards.latency_p95) found.push(ofQuantile(0.95, input, guards.latency_p95.margin, levels));
  if (guards.latency_p99) found.push(ofQuantile(0.99, input, guards.latency_p99.margin, levels));
  if (guards.constant) found.push(ofConstant(input, levels));
  if (guards.predictions) found.push(ofDistribution(input, guards.predictions.margin, levels));
  if (guards.prediction_mean) found.push(ofPredictionMean(input, guards.prediction_mean.margin, levels));
  if (guards.flips) found.push(ofFlips(input, guards.flips.margin, levels));
  for (const { name, margin } of guards.outcomes) found.push(ofOutcome(name, input, margin, levels));
  return found.filter((one) => one !== undefined);
}

interface Compared {
  readonly guard: string;
  readonly tested: Sums;
  readonly baseline: Sums;
  /** In the figure's own unit. */
  readonly margin: number;
  /** Whether less is as bad as more. */
  readonly isTwoSided?: boolean;
  readonly describe: (difference: { value: number; low: number; high: number }) => string;
}

function ofMeans({ guard, tested, baseline, margin, isTwoSided, describe }: Compared, levels: GuardLevels) {
  const { rollback, promote, decisionSize } = levels;
  const sides = isTwoSided === true ? 2 : 1;
  const harm = compareMeans(tested, baseline, { alpha: rollback / sides, decisionSize, oneSided: true });
  const pass = compareMeans(tested, baseline, { alpha: promote, decisionSize, oneSided: true });
  const { difference: value, low, high } = harm;
  const isWorse = (low > 0 && value > margin) || (isTwoSided === true && high < 0 && value < -margin);
  const isFine = pass.high < margin && (isTwoSided !== true || pass.low > -margin);
  const state = isWorse ? "harmed" : isFine ? "passed" : "undecided";
  return {
    guard,
    state,
    sentence: describe({ value, low, high }),
    tested: finite(meanOf(tested)),
    baseline: finite(meanOf(baseline)),
    difference: finite(value),
    low: finite(low),
    high: finite(high),
    margin: finite(margin),
  } satisfies GuardFinding;
}

function nothingYet(guard: string, sentence: string, margin: number | null = null): GuardFinding {
  const none = { tested: null, baseline: null, difference: null, low: null, high: null };
  return { guard, state: "undecided", sentence, ...none, margin };
}

function ofShare(
  guard: string,
  words: string,
  tested: number,
  baseline: number,
  input: GuardInput,
  margin: number,
  levels: GuardLevels,
): GuardFinding {
  const [n, m] = [input.tested.calls, input.baseline.calls];
  if (n === 0 || m === 0) return nothingYet(guard, "no calls of both arms yet", margin);
  const compared = { guard, tested: sharesOf(tested, n), baseline: sharesOf(baseline, m), margin };
  const describe = ({ low, high }: { low: number; high: number }) =>
    `${percent(tested / n)} ${words}, of the other version's ${percent(baseline / m)}: ${between(low, high, percent)}`;
  return ofMeans({ ...compared, describe }, levels);
}

function sharesOf(failed: number, calls: number): Sums {
  return { count: calls, sum: failed, sumOfSquares: failed };
}

/** Calls that all fail, or all answer alike, are judged by how likely that is for the other version. */
const alikeMin = 5;

/** A version that only fails: harmed with a few calls. It passes by the guard of errors. */
function onlyFails({ tested, baselineAll }: GuardInput, { rollback }: GuardLevels): GuardFinding | undefined {
  const { calls, errors } = tested;
  if (calls < alikeMin || errors < calls) return undefined;
  const share = (baselineAll.errors + 1) / (baselineAll.calls + 2);
  if (calls * Math.log(share) > Math.log(rollback)) return undefined;
  const sentence = `all ${calls} calls fail, of the other version's ${percent(baselineAll.errors / Math.max(1, baselineAll.calls))}`;
  return { ...nothingYet("only_fails", sentence), state: "harmed", tested: 1, baseline: share };
}

/** A version that gives every row one answer, where the other one doesn't. */
function ofConstant({ tested, baseline }: GuardInput, { rollback }: GuardLevels): GuardFinding {
  const guard = "constant";
  const most = commonest(tested.predictionBuckets);
  if (most.of === 0) return nothingYet(guard, "no predictions yet");
  const { [most.name]: same = 0 } = baseline.predictionBuckets;
  const of = commonest(baseline.predictionBuckets).of;
  if (most.count < most.of)
    return {
      ...nothingYet(guard, "its answers differ from each other"),
      state: "passed",
      tested: most.count / most.of,
    };
  // How often the other version answers so, at most.
  const share = Math.min(
    1,
    (same + 1) / (of + 2) + shareRadius(of, same / Math.max(1, of), { alpha: rollback, decisionSize: 100 }),
  );
  const numbers = { tested: 1, baseline: finite(of === 0 ? Number.NaN : same / of) };
  const isHarmed = most.of >= alikeMin && most.of * Math.log(share) < Math.log(rollback);
  const others =
    of === 0 ? "nothing is known of the other version" : `${percent(same / of)} of the other version's are`;
  const sentence = `all ${most.of} answers are alike, ${others}`;
  // Where the other one hardly ever answers otherwise either, that is how it should be.
  const isUsual = of >= 100 && same / of > 0.99;
  return { ...nothingYet(guard, sentence), ...numbers, state: isHarmed ? "harmed" : isUsual ? "passed" : "undecided" };
}

function ofLatency({ tested, baseline }: GuardInput, margin: number, levels: GuardLevels): GuardFinding {
  const guard = "latency";
  if (tested.logLatency.count < 2 || baseline.logLatency.count < 2)
    return nothingYet(guard, "no answers of both arms yet", margin);
  const describe = ({ value, low, high }: { value: number; low: number; high: number }) =>
    `its calls take ${times(Math.exp(value))} the time: ${between(Math.exp(low), Math.exp(high), times)}`;
  const sums = { tested: tested.logLatency, baseline: baseline.logLatency };
  const found = ofMeans({ guard, ...sums, margin: Math.log1p(margin), describe }, levels);
  const relative = (log: number | null) => (log === null ? null : finite(Math.expm1(log)));
  return {
    ...found,
    tested: finite(Math.exp(meanOf(tested.logLatency))),
    baseline: finite(Math.exp(meanOf(baseline.logLatency))),
    difference: relative(found.difference),
    low: relative(found.low),
    high: relative(found.high),
    margin,
  };
}

function ofQuantile(
  level: number,
  { tested, baseline }: GuardInput,
  margin: number,
  levels: GuardLevels,
): GuardFinding {
  const guard = `latency_p${level * 100}`;
  const [fast, slow] = [latencyBuckets(baseline.latencyMs), latencyBuckets(tested.latencyMs)];
  if (fast.length === 0 || slow.length === 0) return nothingYet(guard, "no answers of both arms yet", margin);
  const { decisionSize } = levels;
  // Each arm's bound is two-sided: half of the chance is each one's.
  const boundsOf = (buckets: typeof fast, alpha: number) => quantileBounds(buckets, level, { alpha, decisionSize });
  const [theirs, its] = [boundsOf(fast, levels.rollback), boundsOf(slow, levels.rollback)];
  const [theirsNow, itsNow] = [boundsOf(fast, levels.promote), boundsOf(slow, levels.promote)];
  const isWorse = its.low > theirs.high && its.estimate > theirs.estimate * (1 + margin);
  const isFine = itsNow.high <= theirsNow.low * (1 + margin);
  const name = `P${level * 100}`;
  return {
    guard,
    state: isWorse ? "harmed" : isFine ? "passed" : "undecided",
    sentence: `its ${name} is ${ms(its.estimate)}, of the other version's ${ms(theirs.estimate)}: between ${ms(its.low)} and ${ms(its.high)}, theirs ${ms(theirs.low)} to ${ms(theirs.high)}`,
    tested: finite(its.estimate),
    baseline: finite(theirs.estimate),
    difference: finite(its.estimate / theirs.estimate - 1),
    low: finite(its.low / theirs.high - 1),
    high: finite(its.high / theirs.low - 1),
    margin,
  };
}

function ofDistribution({ tested, baseline }: GuardInput, margin: number, levels: GuardLevels): GuardFinding {
  const guard = "predictions";
  const decisionSize = levels.decisionSize / 2;
  const distance = (alpha: number) =>
    distributionDistance(tested.predictionBuckets, baseline.predictionBuckets, { alpha, decisionSize });
  const [harm, pass] = [distance(levels.rollback), distance(levels.promote)];
  if (harm === undefined || pass === undefined) return nothingYet(guard, "no predictions of both arms yet", margin);
  const { psi, nullBound, expected, high, buckets } = harm;
  const isWorse = psi > nullBound && psi - expected > margin;
  return {
    ...nothingYet(
      guard,
      `the population stability index of its answers is ${short(psi)} over ${buckets} buckets; chance alone stays below ${short(nullBound)}`,
      margin,
    ),
    state: isWorse ? "harmed" : pass.high < margin ? "passed" : "undecided",
    difference: finite(psi),
    low: finite(Math.max(0, psi - nullBound)),
    high: finite(high),
  };
}

function ofPredictionMean({ tested, baseline }: GuardInput, margin: number, levels: GuardLevels): GuardFinding {
  const guard = "prediction_mean";
  const sums = { tested: tested.predictions, baseline: baseline.predictions };
  if (sums.tested.count < 2 || sums.baseline.count < 2)
    return nothingYet(guard, "no predictions of both arms yet", margin);
  const deviation = Math.sqrt(varianceOf(sums.baseline));
  const describe = ({ value, low, high }: { value: number; low: number; high: number }) =>
    `its answers are ${short(value / (deviation || 1))} standard deviations higher on average: ${between(low / (deviation || 1), high / (deviation || 1), short)}`;
  // Where the other one's answers don't vary, any difference that is certain is one.
  return ofMeans({ guard, ...sums, margin: margin * (deviation || 1e-9), isTwoSided: true, describe }, levels);
}

function ofFlips({ flips: seen }: GuardInput, margin: number, levels: GuardLevels): GuardFinding {
  const guard = "flips";
  if (seen === undefined || seen.rows === 0)
    return nothingYet(guard, "no shadow of its version has answered a row of the other one yet", margin);
  const { rows, flips } = seen;
  const share = flips / rows;
  const radius = (alpha: number) =>
    shareRadius(rows, (flips + 1) / (rows + 2), { alpha: 2 * alpha, decisionSize: levels.decisionSize });
  const [low, high] = [share - radius(levels.rollback), share + radius(levels.rollback)];
  return {
    ...nothingYet(guard, `${percent(share)} of ${rows} rows get another label: ${between(low, high, percent)}`, margin),
    state: low > margin ? "harmed" : share + radius(levels.promote) < margin ? "passed" : "undecided",
    tested: share,
    difference: share,
    low,
    high,
  };
}

function ofOutcome(name: string, { tested, baseline }: GuardInput, margin: number, levels: GuardLevels): GuardFinding {
  const guard = `outcomes.${name}`;
  const { [name]: its } = tested.outcomes;
  const { [name]: theirs } = baseline.outcomes;
  if (its === undefined || theirs === undefined || its.count < 2 || theirs.count < 2)
    return nothingYet(guard, `no outcomes of both arms yet: none are known until they are posted as feedback`, margin);
  const describe = ({ low, high }: { low: number; high: number }) =>
    `its ${name} is ${short(meanOf(its))} on average, of the other version's ${short(meanOf(theirs))}: ${between(low, high, short)}`;
  const own = Math.max(margin * Math.abs(meanOf(theirs)), 1e-12);
  return ofMeans({ guard, tested: its, baseline: theirs, margin: own, describe }, levels);
}

function meanOf({ count, sum }: Sums): number {
  return sum / count;
}

function varianceOf({ count, sum, sumOfSquares }: Sums): number {
  return Math.max(0, sumOfSquares / count - (sum / count) ** 2);
}

/** As JSON has numbers. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

const short = (value: number) => String(Number(value.toPrecision(3)));
const percent = (share: number) => `${short(100 * share)} %`;
const times = (factor: number) => `${short(factor)} times`;
const ms = (value: number) => (Number.isFinite(value) ? `${short(value)} ms` : "more than is known");

function between(low: number, high: number, words: (value: number) => string): string {
  const word = (value: number) => (Number.isFinite(value) ? words(value) : "unknown");
  return `the difference is between ${word(low)} and ${word(high)}`;
}
