/**
 * What a run costs on one executor: `fixedUs + perRowUs * rows`, fitted while running.
 *
 * A weighted least-squares line through the runs seen, older ones counting less and less. How far runs of different
 * sizes are believed about the slope follows from how much they scatter (ridge regression): beside a busy neighbour a
 * run of one row may take as long as one of three, which says nothing about 256. The slope that they are weighed
 * against is the last one that runs did settle. Warm-up runs of different sizes come first, so that there is one before
 * the first call.
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
/** How far the slope may be from what was known, in units of itself: rows of warm-up may cost a third of real ones. */
const slopeDoubt = 2;
/** The same in units of a run of one row, so that a slope that came out as nearly nothing isn't kept for ever. */
const slopeDoubtOfOne = 0.02;
/** The runs settle the slope where what was known of it counts a tenth. */
const settledBy = 9;
/** No run is timed better than to this share of itself. */
const clockGrain = 1e-3;
/** Runs whose sizes differ by less, as a variance beside the squared mean, have one size: the rest is rounding. */
const sameSize = 1e-9;
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
  #usSquared = 0;
  /** The last line whose slope the runs settled. */
  #settled: RunCost;

  /** @param prior - Believed until runs say otherwise. */
  constructor(prior: RunCost) {
    this.fixedUs = prior.fixedUs;
    this.perRowUs = prior.perRowUs;
    this.#settled = prior;
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
    this.#usSquared *= trustAfterRefusal ** 2;
    const { fixedUs, perRowUs } = this.#settled;
    this.#settled = { fixedUs: fixedUs * trustAfterRefusal, perRowUs: perRowUs * trustAfterRefusal };
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
    this.#usSquared = this.#usSquared * decay + capped * capped;
    const spread = this.#rowsSquared / this.#weight - meanRows * meanRows;
    /** What the runs say about the slope, as a precision; what was known of it weighs as `kept`. */
    const said = spread > sameSize * meanRows * meanRows ? this.#weight * spread : 0;
    const together = this.#rowsUs / this.#weight - meanRows * meanUs;
    const explained = said > 0 ? together ** 2 / spread : 0;
    const scatter = Math.max(this.#usSquared / this.#weight - meanUs * meanUs - explained, (clockGrain * meanUs) ** 2);
    const known = this.#knownSlope(meanRows, meanUs);
    const { fixedUs, perRowUs } = this.#settled;
    const doubt = Math.max(slopeDoubt * known, slopeDoubtOfOne * (fixedUs + perRowUs), perRowUsMin);
    const kept = scatter / doubt ** 2;
    const measured = said > 0 ? together / spread : known;
    this.perRowUs = said + kept > 0 ? (said * measured + kept * known) / (said + kept) : known;
    this.perRowUs = Math.max(perRowUsMin, this.perRowUs);
    this.fixedUs = meanUs - this.perRowUs * meanRows;
    if (this.fixedUs < 0) {
      // No run costs less than nothing: a slope that says so is too steep, and would refuse calls that can be answered
      // in time.
      this.fixedUs = 0;
      this.perRowUs = meanUs / meanRows;
    }
    this.perRowUs = Math.max(perRowUsMin, this.perRowUs);
    if (said > settledBy * kept) this.#settled = { fixedUs: this.fixedUs, perRowUs: this.perRowUs };
  }

  /**
   * The slope of the settled line, moved by what runs of this size take now. More time is laid to the part that is most
   * of such a run: what a run of one row takes more is its hand-over, what one of 256 takes more are its rows. Less time
   * is less of both.
   */
  #knownSlope(rows: number, us: number): number {
    const { fixedUs, perRowUs } = this.#settled;
    const ofRows = perRowUs * rows;
    const more = us - fixedUs - ofRows;
    if (more < 0) return perRowUs * (us / (fixedUs + ofRows));
    return perRowUs + (more * (ofRows * ofRows)) / (ofRows * ofRows + fixedUs * fixedUs) / rows;
  }
}
