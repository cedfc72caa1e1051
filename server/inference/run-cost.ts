/**
 * What a run costs on one executor: `fixedUs + perRowUs * rows`, fitted while running.
 *
 * A weighted least-squares line through the runs seen, older ones counting less and less. Warm-up runs of different
 * sizes come first, so that there is a slope before the first call; while all runs have one size, the line that was
 * known is raised or lowered as a whole: rows of warm-up may cost a tenth of real ones, and what is true of the sum is
 * then true of both parts.
 */
export interface RunCost {
  readonly fixedUs: number;
  readonly perRowUs: number;
}

/**
 * A run 200 runs ago counts a third of the newest: fast enough to follow a noisy neighbour, slow enough to keep the
 * line steady.
 */
const decay = 1 - 1 / 200;
/** A run may have been interrupted; what is far beyond the line says more of the machine than of the model. */
const outlier = 8;
/** What is left of an estimate by which a call was refused: 10 refusals make a third of it. */
const trustAfterRefusal = 0.9;
/** The slope is divided by, so a clock too coarse to see a run must not make it zero. */
const perRowUsMin = 0.001;

export class FittedRunCost implements RunCost {
  fixedUs: number;
  perRowUs: number;
  #weight = 0;
  #rows = 0;
  #us = 0;
  #rowsSquared = 0;
  #rowsUs = 0;

  /** @param prior - Believed until runs say otherwise. */
  constructor(prior: RunCost) {
    this.fixedUs = prior.fixedUs;
    this.perRowUs = prior.perRowUs;
  }

  /** Expected duration of a run of `rows` rows, microseconds. */
  of(rows: number): number {
    return this.fixedUs + this.perRowUs * rows;
  }

  /**
   * For who refused work because of this estimate alone: nothing runs then, and one that is wrong would stay so for
   * ever.
   */
  doubt(): void {
    this.fixedUs *= trustAfterRefusal;
    this.perRowUs *= trustAfterRefusal;
    this.#us *= trustAfterRefusal;
    this.#rowsUs *= trustAfterRefusal;
  }

  observe(rows: number, us: number): void {
    const capped = this.#weight > 20 ? Math.min(us, outlier * this.of(rows)) : us;
    this.#weight = this.#weight * decay + 1;
    this.#rows = this.#rows * decay + rows;
    this.#us = this.#us * decay + capped;
    this.#rowsSquared = this.#rowsSquared * decay + rows * rows;
    this.#rowsUs = this.#rowsUs * decay + rows * capped;
    const meanRows = this.#rows / this.#weight;
    const meanUs = this.#us / this.#weight;
    const variance = this.#rowsSquared / this.#weight - meanRows * meanRows;
    if (variance > 0.01 * meanRows * meanRows) {
      const slope = (this.#rowsUs / this.#weight - meanRows * meanUs) / variance;
      if (slope > 0) this.perRowUs = slope;
      this.fixedUs = meanUs - this.perRowUs * meanRows;
    } else {
      // Runs of nearly one size say nothing about the slope.
      const factor = meanUs / this.of(meanRows);
      this.fixedUs *= factor;
      this.perRowUs *= factor;
    }
    if (this.fixedUs < 0) {
      // No run costs less than nothing: a slope that says so is too steep, and would refuse calls that can be answered
      // in time.
      this.fixedUs = 0;
      this.perRowUs = meanUs / meanRows;
    }
    this.perRowUs = Math.max(perRowUsMin, this.perRowUs);
  }
}
