/**
 * Logs: one JSON line per event on standard error.
 *
 * Lines are gathered and written by one asynchronous write at a time, because a pipe whose reader is slow or gone would
 * otherwise stop the event loop. What doesn't fit into the buffer is dropped and counted.
 */

import { write } from "node:fs";

export interface LogOptions {
  /** Wall clock, for the `time` of a line. */
  readonly wallClock: () => Date;
  /** What stands in each line, behind its message. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Writes bytes and tells whether they were taken; by default standard error. */
  readonly sink?: (bytes: Buffer, done: (taken: boolean) => void) => void;
}

/** Beyond this the reader is too slow, bytes. */
const bufferedBytesMax = 1_048_576;
/** How long lines are gathered before they are written, milliseconds. */
const gatherMs = 20;
export class Logs {
  readonly #options: LogOptions;
  readonly #sink: (bytes: Buffer, done: (taken: boolean) => void) => void;
  #lines: string[] = [];
  #bufferedBytes = 0;
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  #onFlushed: (() => void) | undefined;
  dropped = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#sink = options.sink ?? writeToStandardError;
  }

  event(level: "info" | "warn" | "error", message: string, fields: Record<string, unknown> = {}): void {
    const time = this.#options.wallClock().toISOString();
    const line = `${JSON.stringify({ time, level, message, ...this.#options.fields, ...fields })}\n`;
    if (this.#bufferedBytes + line.length > bufferedBytesMax) {
      this.dropped++;
      return;
    }
    this.#lines.push(line);
    this.#bufferedBytes += line.length;
    // Not at once: at 30,000 calls a second one write per sampled line costs 2 % of the event loop.
    if (!this.#writing) this.#timer ??= setTimeout(() => this.#write(), gatherMs);
  }

  /**
   * Resolves when everything logged so far was handed to the system, or after `timeoutMs` if its reader doesn't take
   * it.
   */
  async flush(timeoutMs: number): Promise<void> {
    if (!this.#writing && this.#lines.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onFlushed = () => {
        clearTimeout(timer);
        resolve();
      };
      if (!this.#writing) this.#write();
    });
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = Buffer.from(this.#lines.join(""));
    const lineCount = this.#lines.length;
    this.#lines = [];
    this.#bufferedBytes = 0;
    this.#writing = true;
    this.#sink(bytes, (taken) => {
      if (!taken) this.dropped += lineCount;
      this.#writing = false;
      if (this.#lines.length > 0) this.#write();
      else this.#onFlushed?.();
    });
  }
}

/** Writes all of it, or gives up on a reader that is gone and on a disk that is full: there is nobody left to tell. */
function writeToStandardError(bytes: Buffer, done: (taken: boolean) => void): void {
  write(2, bytes, 0, bytes.length, null, (error, written) => {
    if (error?.code === "EAGAIN") setTimeout(() => writeToStandardError(bytes, done), 10);
    else if (!error && written < bytes.length) writeToStandardError(bytes.subarray(written), done);
    else done(!error);
  });
}
