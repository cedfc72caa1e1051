/**
 * Messages out of the bytes of a gRPC stream: five bytes before each, a flag and a length.
 *
 * A message that comes in one piece, as small ones do, isn't copied. One that comes in many is gathered in memory that
 * grows with what has arrived, never with what its length announces: a length costs a caller nothing.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: length-prefixed messages
 */

import { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";

const prefixBytes = 5;

/** Bytes that are arriving, over all streams. */
export interface ReceiveBudget {
  readonly messageBytesMax: number;
  readonly receivingBytesMax: number;
  receivingBytes: number;
}

export class MessageReader {
  readonly #budget: ReceiveBudget;
  readonly #onMessage: (message: Buffer) => void;
  #held: Buffer = noBytes;
  #heldBytes = 0;
  /** What of the budget this stream has. */
  #taken = 0;

  constructor(budget: ReceiveBudget, onMessage: (message: Buffer) => void) {
    this.#budget = budget;
    this.#onMessage = onMessage;
  }

  /** Whether a message has begun and isn't whole. */
  get isPartial(): boolean {
    return this.#heldBytes > 0;
  }

  /**
   * @throws {@link ServeError} body_too_large, unsupported_media_type (a compressed message), malformed_body, overloaded
   *   when too much is arriving.
   */
  take(chunk: Buffer): void {
    let rest = this.#heldBytes === 0 ? chunk : this.#gather(chunk);
    while (rest.length >= prefixBytes) {
      const length = this.#checkPrefix(rest);
      if (rest.length < prefixBytes + length) break;
      const message = rest.subarray(prefixBytes, prefixBytes + length);
      rest = rest.subarray(prefixBytes + length);
      if (this.#heldBytes > 0) this.#drop();
      this.#onMessage(message);
    }
    if (rest.length > 0 && this.#heldBytes === 0) this.#gather(rest);
  }

  /** Gives back what this stream has of the budget. */
  end(): void {
    this.#drop();
  }

  #checkPrefix(bytes: Buffer): number {
    const flag = bytes[0]!;
    const length = bytes.readUInt32BE(1);
    const { messageBytesMax } = this.#budget;
    if (length > messageBytesMax) {
      throw new ServeError("body_too_large", `the message: expected at most ${messageBytesMax} bytes, got ${length}`);
    }
    if (flag === 0) return length;
    if (flag === 1) {
      throw new ServeError(
        "unsupported_media_type",
        "the message: expected one without compression, got a compressed one",
      );
    }
    throw new ServeError("malformed_body", `the message: expected a flag of 0 before it, got ${flag}`);
  }

  /** @returns All that is held. */
  #gather(chunk: Buffer): Buffer {
    const total = this.#heldBytes + chunk.length;
    if (total > this.#held.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(total, Math.min(2 * total, prefixBytes + this.#budget.messageBytesMax)),
      );
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#take(grown.length - this.#taken);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#heldBytes);
    this.#heldBytes = total;
    return this.#held.subarray(0, total);
  }

  #take(bytes: number): void {
    const budget = this.#budget;
    if (budget.receivingBytes + bytes > budget.receivingBytesMax) {
      throw new ServeError(
        "overloaded",
        "the bodies that are arriving hold the most bytes that this server takes; try again later",
      );
    }
    budget.receivingBytes += bytes;
    this.#taken += bytes;
  }

  #drop(): void {
    this.#budget.receivingBytes -= this.#taken;
    this.#taken = 0;
    this.#held = noBytes;
    this.#heldBytes = 0;
  }
}

const noBytes = Buffer.alloc(0);

/** A message with the five bytes before it. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}
