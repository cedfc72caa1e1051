/**
 * Long work that isn't a call's (loading, proving, a scrape), cut into short turns of the event loop.
 *
 * The work asks between its steps, and goes on at once while its turn has time left. However many works there are, one
 * of them has the turn: each iteration of the loop resumes the one that has waited longest, so between any two steps
 * sockets are read and calls answered.
 */

export interface TurnsOptions {
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs a function in the next iteration of the event loop: `setImmediate`. */
  readonly defer: (run: () => void) => void;
  /** Milliseconds, after which no further step begins. With the longest step a turn should stay under 2. */
  readonly budgetMs?: number;
}

const budgetMsDefault = 0.5;

/** The work was told to end. */
export class StoppedError extends Error {
  constructor() {
    super("the server was told to stop while it started");
    this.name = "StoppedError";
  }
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  /** Who waits for something else meanwhile. */
  readonly #watching = new Set<(error: Error) => void>();
  #isStopped = false;
  #deferred = false;
  #endMs = Number.NEGATIVE_INFINITY;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Between two steps.
   *
   * @returns Undefined while this turn has time left; else what resolves in a later turn, and is rejected with
   *   {@link StoppedError} after {@link stop}.
   */
  readonly pause = (): Promise<void> | undefined => {
    if (!this.#isStopped && this.#options.now() < this.#endMs) return undefined;
    return this.next();
  };

  /** Resolves at the beginning of a turn of its own. */
  next(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#turnLater();
    });
  }

  /** What `promise` gives, unless {@link stop} comes first. */
  readonly unlessStopped = async <T>(promise: Promise<T>): Promise<T> => {
    let watch: (error: Error) => void;
    const stopped = new Promise<never>((_, reject) => {
      watch = reject;
      this.#watching.add(watch);
    });
    if (this.#isStopped) watch!(new StoppedError());
    // Nobody may wait for it any more when it fails.
    promise.catch(() => {});
    return await Promise.race([promise, stopped]).finally(() => this.#watching.delete(watch));
  };

  throwIfStopped(): void {
    if (this.#isStopped) throw new StoppedError();
  }

  /** Ends all work at its next step. */
  stop(): void {
    this.#isStopped = true;
    const error = new StoppedError();
    for (const reject of this.#watching) reject(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #turnLater(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#options.defer(this.#turn);
  }

  readonly #turn = (): void => {
    this.#deferred = false;
    const first = this.#waiting.shift();
    if (first === undefined) return;
    if (this.#isStopped) first.reject(new StoppedError());
    else {
      const { now, budgetMs = budgetMsDefault } = this.#options;
      this.#endMs = now() + budgetMs;
      first.resolve();
    }
    if (this.#waiting.length > 0) this.#turnLater();
  };
}
