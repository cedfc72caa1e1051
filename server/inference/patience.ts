/**
 * How long do the callers of a lane wait before they leave? Learnt from those who left, so that rows aren't run for
 * nobody.
 *
 * A call that is answered says only that its caller waited so long at least. So the share of callers who are still
 * there at an age is estimated as for any lifetimes of which some are seen in part: over the ages, the product of the
 * shares of those at risk who stayed.
 *
 * @see Kaplan and Meier, Nonparametric Estimation from Incomplete Observations (1958).
 */

/** Ages are told apart by 6 %: so many classes for each doubling. */
const classesPerDoubling = 12;
/** Ages from 1 ms to 17 minutes. */
const classCount = 20 * classesPerDoubling;
/** Where fewer than this share are still there, a run is for nobody. */
const stayShare = 0.25;
/**
 * Runs and replies take longer than forecast now and then: an answer is meant for this share of the time that callers
 * wait.
 */
const sureShare = 0.75;
/** Callers who must have left before anything is made of it. */
const leftMin = 20;
/** Calls counted at most: then all count half. */
const endedMax = 2000;
/** How many more have to leave until the ages are gone through again. */
const learnEvery = 8;
/** Without anybody who leaves, it is forgotten after this time, milliseconds. */
export const patienceLastsMs = 5000;

export class Patience {
  /** Calls that ended in a class of ages, answered or left. */
  readonly #ended = new Float64Array(classCount);
  readonly #left = new Float64Array(classCount);
  #endedCount = 0;
  #leftCount = 0;
  #unlearnt = 0;
  #ms = Number.POSITIVE_INFINITY;
  #lastLeftMs = Number.NEGATIVE_INFINITY;

  /** A caller left at this age of its call, milliseconds. */
  left(ageMs: number, nowMs: number): void {
    if (!this.isWatched(nowMs)) this.#forget();
    this.#lastLeftMs = nowMs;
    this.#left[classOf(ageMs)]!++;
    this.#leftCount++;
    this.#count(ageMs);
    if (++this.#unlearnt < learnEvery) return;
    this.#unlearnt = 0;
    this.#learn();
  }

  /** A call ended at this age without its caller having left; only asked for while {@link isWatched}. */
  stayed(ageMs: number): void {
    this.#count(ageMs);
  }

  /** Whether callers have left lately. */
  isWatched(nowMs: number): boolean {
    return nowMs - this.#lastLeftMs < patienceLastsMs;
  }

  /**
   * @returns The age by which an answer should be there, before most have left, milliseconds; infinite where nothing is
   *   known.
   */
  ms(nowMs: number): number {
    return this.isWatched(nowMs) ? this.#ms : Number.POSITIVE_INFINITY;
  }

  #count(ageMs: number): void {
    this.#ended[classOf(ageMs)]!++;
    if (++this.#endedCount < endedMax) return;
    for (let k = 0; k < classCount; k++) {
      this.#ended[k]! /= 2;
      this.#left[k]! /= 2;
    }
    this.#endedCount /= 2;
    this.#leftCount /= 2;
  }

  #learn(): void {
    this.#ms = Number.POSITIVE_INFINITY;
    if (this.#leftCount < leftMin) return;
    let atRisk = this.#endedCount;
    let stay = 1;
    for (let k = 0; k < classCount && atRisk >= 1; k++) {
      stay *= 1 - this.#left[k]! / atRisk;
      if (stay < stayShare) {
        this.#ms = sureShare * 2 ** (k / classesPerDoubling);
        return;
      }
      atRisk -= this.#ended[k]!;
    }
  }

  #forget(): void {
    this.#ended.fill(0);
    this.#left.fill(0);
    this.#endedCount = 0;
    this.#leftCount = 0;
    this.#unlearnt = 0;
    this.#ms = Number.POSITIVE_INFINITY;
  }
}

function classOf(ageMs: number): number {
  return ageMs <= 1 ? 0 : Math.min(classCount - 1, Math.floor(Math.log2(ageMs) * classesPerDoubling));
}
