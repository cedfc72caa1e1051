/**
 * A bounded queue whose work gives way to calls: one job at a time; at once while no call is in flight, otherwise for at
 * most a tenth of the time, and never while calls are refused.
 */

export interface SpareTimeOptions {
  readonly now: () => number;
  /** For the next turn of the event loop. */
  readonly defer: (run: () => void) => void;
  /** Calls that aren't answered yet. */
  readonly callsInFlight: () => number;
  /** Whether calls were refused lately. */
  readonly isRefusing: (nowMs: number) => boolean;
}

const queueJobsMax = 256;
const queueRowsMax = 16_384;
/** While calls are in flight, so many times as long as a job took passes before the next. */
const restPerWork = 9;
/** How long a queue that may not be worked on waits before it is looked at again, milliseconds. */
const lookEveryMs = 2;

export class SpareTime<Job extends { readonly record: { readonly rowCount: number } }> {
  readonly #options: SpareTimeOptions;
  readonly #run: (job: Job) => void;
  #queue: Job[] = [];
  #queuedRows = 0;
  #isRunning = false;
  #startedMs = 0;
  #mayRunMs = 0;
  #isWaiting = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param run - Begins a job; {@link ended} has to follow, now or later. */
  constructor(options: SpareTimeOptions, run: (job: Job) => void) {
    this.#options = options;
    this.#run = run;
  }

  /** @returns False where there is no room. */
  add(job: Job): boolean {
    const { rowCount } = job.record;
    if (this.#queue.length >= queueJobsMax || this.#queuedRows + rowCount > queueRowsMax) return false;
    this.#queue.push(job);
    this.#queuedRows += rowCount;
    this.#workLater();
    return true;
  }

  /** The job that runs is over. */
  ended(): void {
    this.#isRunning = false;
    this.rest(this.#options.now() - this.#startedMs);
    this.#workLater();
  }

  /** So much was worked beside the queue. */
  rest(workMs: number): void {
    this.#mayRunMs = Math.max(this.#mayRunMs, this.#options.now()) + restPerWork * workMs;
  }

  /** What still waits is dropped. */
  close(): void {
    this.#queue = [];
    clearTimeout(this.#timer);
  }

  #workLater(): void {
    if (this.#isWaiting || this.#isRunning || this.#queue.length === 0) return;
    this.#isWaiting = true;
    this.#options.defer(() => {
      this.#isWaiting = false;
      this.#work();
    });
  }

  #work(): void {
    const { now, callsInFlight, isRefusing } = this.#options;
    if (this.#queue.length === 0) return;
    const nowMs = now();
    if (isRefusing(nowMs) || (callsInFlight() > 0 && nowMs < this.#mayRunMs)) {
      this.#isWaiting = true;
      this.#timer = setTimeout(() => {
        this.#isWaiting = false;
        this.#work();
      }, lookEveryMs).unref();
      return;
    }
    const job = this.#queue.shift()!;
    this.#queuedRows -= job.record.rowCount;
    this.#isRunning = true;
    this.#startedMs = nowMs;
    this.#run(job);
  }
}
