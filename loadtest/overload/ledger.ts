/**
 * The ledger of a run: what became of every request, in arrays made before it. To note something costs a few writes and
 * no allocation.
 *
 * Entries up to `plannedCount` are the planned calls, ascending by the time they are meant to leave. Behind them stand
 * the calls that were tried again, each with its time of leaving and the call that it repeats. Times are milliseconds
 * after the start of the run.
 */

/** Values of `status` besides HTTP statuses. */
export const noReply = 0;
export const connectionLost = 1;

export class Ledger {
  readonly plannedCount: number;
  /** When a call is meant to leave; NaN for a planned call that was left out. */
  readonly dueMs: Float64Array;
  /** When it was written to a connection, and when its reply ended or its client gave up; NaN for never. */
  readonly leftMs: Float64Array;
  readonly endedMs: Float64Array;
  /** HTTP status, {@link noReply} or {@link connectionLost}. */
  readonly status: Uint16Array;
  /** Seconds; -1 where the reply has none. */
  readonly retryAfterS: Int16Array;
  /** 1 where the client closed the connection before a reply. */
  readonly gaveUp: Uint8Array;
  /** The planned call that an entry repeats; itself for a planned call. */
  readonly callOf: Uint32Array;
  /** How many tries came before. */
  readonly tries: Uint8Array;
  /** Entries in use: all planned ones, and those tried again so far. */
  count: number;

  /** @param triesMax - How many entries there may be of one planned call. */
  constructor(plan: Float64Array, triesMax = 1) {
    const capacity = plan.length * triesMax;
    this.plannedCount = plan.length;
    this.count = plan.length;
    this.dueMs = new Float64Array(capacity);
    this.dueMs.set(plan);
    this.leftMs = new Float64Array(capacity).fill(Number.NaN);
    this.endedMs = new Float64Array(capacity).fill(Number.NaN);
    this.status = new Uint16Array(capacity);
    this.retryAfterS = new Int16Array(capacity).fill(-1);
    this.gaveUp = new Uint8Array(capacity);
    this.callOf = Uint32Array.from({ length: capacity }, (_, index) => (index < plan.length ? index : 0));
    this.tries = new Uint8Array(capacity);
  }

  /** Adds an entry that repeats `index`. @returns Its index. */
  again(index: number, dueMs: number): number {
    const entry = this.count++;
    this.dueMs[entry] = dueMs;
    this.callOf[entry] = this.callOf[index]!;
    this.tries[entry] = this.tries[index]! + 1;
    return entry;
  }

  /** Takes the planned calls from `first` on out of the plan: the run ended before they were due. */
  leaveOut(first: number): void {
    this.dueMs.fill(Number.NaN, first, this.plannedCount);
  }

  /** When the last call was due; 0 without calls. */
  lastDueMs(): number {
    let lastMs = 0;
    for (let i = 0; i < this.count; i++) if (this.dueMs[i]! > lastMs) lastMs = this.dueMs[i]!;
    return lastMs;
  }

  /** From when a call was meant to leave until it ended; NaN where it didn't. */
  latencyMs(index: number): number {
    return this.endedMs[index]! - this.dueMs[index]!;
  }

  /** Answered 200 within the time, to a client that still waited. */
  isGood(index: number, withinMs: number): boolean {
    return this.status[index] === 200 && this.latencyMs(index) <= withinMs;
  }
}
