/** When does a stream send its next call? */

import type { Random } from "../../loadtest/random.js";
import type { RatePhase, Stream } from "./setup.js";

/**
 * Times of a stream in the open loop, seconds, ascending without end unless the rate stays 0.
 *
 * Exact where the rate changes: a gap is an amount of expected calls, which is used up at the rate of each phase that
 * it lies in.
 */
export function* arrivalTimesS({ perS = 0, arrivals = "poisson" }: Stream, random: Random): Generator<number, void> {
  const phases: readonly RatePhase[] = typeof perS === "number" ? [{ fromS: 0, perS }] : perS;
  let phase = 0;
  let atS = phases[0]?.fromS ?? 0;
  for (;;) {
    let expected = arrivals === "poisson" ? random.exponential() : 1;
    for (;;) {
      if (phase >= phases.length) return;
      const rate = phases[phase]!.perS;
      const endS = phases[phase + 1]?.fromS ?? Number.POSITIVE_INFINITY;
      const gapS = rate > 0 ? expected / rate : Number.POSITIVE_INFINITY;
      if (atS + gapS < endS) {
        atS += gapS;
        break;
      }
      if (endS === Number.POSITIVE_INFINITY) return;
      expected -= rate * (endS - atS);
      atS = endS;
      phase++;
    }
    yield atS;
  }
}
