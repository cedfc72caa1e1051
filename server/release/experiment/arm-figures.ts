/**
 * What the arms of a route did since their experiment began, as plain data: counted in each process, added over all of
 * them, read by whoever judges. Everything in it is a sum, so that adding loses nothing.
 */

/** Sums of a number over calls, rows or outcomes. */
export interface Sums {
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
}

/** Counts by bucket: the bucket's name, how many. */
export type Buckets = Readonly<Record<string, number>>;

export interface ArmFigures {
  /** Calls that are over, but for those whose callers left. */
  readonly calls: number;
  readonly rows: number;
  /** Calls that were answered with an error of the server or the model: 5xx, but no refusal for overload. */
  readonly errors: number;
  /** Calls in which the model failed or answered no finite number, whatever the caller was told. */
  readonly modelFaults: number;
  /** Calls that a fallback answered. */
  readonly fallbacks: number;
  /** Of answered calls, milliseconds from arrival to reply: by bucket of a logarithmic sketch. */
  readonly latencyMs: Buckets;
  /** Logarithm of the same milliseconds, natural. */
  readonly logLatency: Sums;
  /** One number a row: the prediction, or the probability that decides. */
  readonly predictions: Sums;
  /** The same numbers by bucket, in buckets that both arms share; labels by their text. */
  readonly predictionBuckets: Buckets;
  /** By KPI's name, one number an outcome, lower is better: squared_error, absolute_error, log_loss, brier, miss; or a business value. */
  readonly outcomes: Readonly<Record<string, Sums>>;
}

/** Arms of one route: what a decision is made from. */
export interface ExperimentFigures {
  readonly model: string;
  readonly champion: number;
  readonly canary: number;
  /** Share of all calls that the canary gets, and its control as well. */
  readonly share: number;
  /** Wall clock, milliseconds: when the first call of it was counted. */
  readonly sinceMs: number;
  readonly arms: Readonly<Record<"canary" | "control" | "champion", ArmFigures>>;
}
