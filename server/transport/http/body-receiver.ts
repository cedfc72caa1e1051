import type { ServeError } from "../../errors.js";

/**
 * Takes a body: exactly one of the first five is called, unless the client leaves. `onBody` answers the exchange, now
 * or later; the others answer before they return.
 */
export interface BodyReceiver {
  /**
   * The whole body.
   * @param lasts - Whether the bytes may be kept: otherwise they are valid until this returns, and not longer.
   */
  onBody(body: Buffer, lasts: boolean): void;
  /** Called as soon as it is known; the rest of the body is dropped. */
  onTooLarge(gotBytes: number, bytesMax: number): void;
  /** The body comes in more chunks than its bytes are worth. */
  onTooManyChunks(chunkCount: number, gotBytes: number): void;
  /** So many bodies are arriving that this one's bytes have no room. */
  onNoRoom(): void;
  /** The body comes too slowly, or its chunks can't be read, where the library reports that. */
  onBroken(error: ServeError): void;
  /** The client left before the reply. */
  onGone(): void;
}
