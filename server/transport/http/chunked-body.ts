/**
 * A body in chunks: how many came, how much of it was dropped, and the reply that waits for its end.
 *
 * A refusal isn't sent while the body still arrives: a client that writes before it reads would get EPIPE instead. It
 * is held until the rest was dropped, or as much of it as `read-budget.ts` allows.
 */

import { leftoverMsMax, readsOn } from "./read-budget.js";

/**
 * A reply that ends a connection in the middle of a socket read has at least so many bytes: the size of the library's
 * buffer for small writes. A smaller one waits in that buffer until the whole read was parsed, up to 87,000 chunks
 * later; a larger one goes out at once and the connection with it. JSON may end in blanks.
 */
export const unbufferedBytesMin = 16_384;

interface HeldReply {
  /** @param bytesMin - A shorter body is filled up. */
  readonly write: (bytesMin: number) => void;
  readonly timer: NodeJS.Timeout;
}

export class ChunkedBody {
  chunkCount = 0;
  hasEnded = false;
  /** Takes the chunks, until the request is answered; without it all are dropped. */
  take: ((chunk: ArrayBuffer | Buffer, last: boolean) => void) | undefined;
  #droppedChunks = 0;
  #droppedBytes = 0;
  #held: HeldReply | undefined;

  /** @returns Whether more may be dropped. */
  drop(chunk: ArrayBuffer | Buffer): boolean {
    this.#droppedChunks++;
    this.#droppedBytes += chunk.byteLength;
    return readsOn(this.#droppedChunks, this.#droppedBytes);
  }

  get holdsReply(): boolean {
    return this.#held !== undefined;
  }

  /** @param onLate - Called when the rest has taken too long: has to release the reply. */
  holdReply(write: HeldReply["write"], onLate: () => void): void {
    this.#held = { write, timer: setTimeout(onLate, leftoverMsMax) };
  }

  releaseReply(bytesMin = 0): void {
    const held = this.#held;
    this.forgetReply();
    held?.write(bytesMin);
  }

  forgetReply(): void {
    clearTimeout(this.#held?.timer);
    this.#held = undefined;
  }
}

/** @returns A JSON text of at least so many bytes, by blanks at its end; no reply that is held is anything else. */
export function padded(body: string | Uint8Array, bytesMin: number): string | Uint8Array {
  return typeof body === "string" ? body.padEnd(bytesMin) : body;
}
