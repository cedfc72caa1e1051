/**
 * Logs: one JSON line per event on standard error.
 *
 * Lines are gathered and written by one asynchronous write at a time, because a pipe whose reader is slow or gone would
 * otherwise stop the event loop. What doesn't fit into the buffer is dropped and counted.
 */

import { fstatSync, write } from "node:fs";

export interface LogOptions {
  /** Wall clock, for the `time` of a line. */
  readonly wallClock: () => Date;
  /**
   * Bytes that are written at a time, if several processes write to one pipe: the system keeps up to so many together.
   * A longer line may be broken by others. Default: all that there are.
   */
  readonly pieceBytesMax?: number;
  /** What stands in each line, behind its message. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Writes bytes and tells whether they were taken; by default standard error. */
  readonly sink?: (bytes: Buffer, done: (taken: boolean) => void) => void;
}

/** Beyond this the reader is too slow, bytes. */
const bufferedBytesMax = 1_048_576;
/** How long lines are gathered before they are written, milliseconds. */
const gatherMs = 20;
/** PIPE_BUF of Linux, bytes. */
const pipePieceBytes = 4096;

/** `pieceBytesMax` of one of several processes with the same standard error: files take a write of any size as a whole. */
export function sharedPieceBytes(): number {
  return fstatSync(2).isFIFO() ? pipePieceBytes : Number.POSITIVE_INFINITY;
}

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

  /** Lines from the first on that are written at a time; at least one. */
  #countPiece(): number {
    const { pieceBytesMax } = this.#options;
    if (pieceBytesMax === undefined) return this.#lines.length;
    let bytes = 0;
    let count = 0;
    for (const line of this.#lines) {
      bytes += Buffer.byteLength(line);
      if (count > 0 && bytes > pieceBytesMax) break;
      count++;
    }
    return count;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lineCount = this.#countPiece();
    const text = this.#lines.splice(0, lineCount).join("");
    const bytes = Buffer.from(text);
    this.#bufferedBytes -= text.length;
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
