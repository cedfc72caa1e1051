/**
 * Compressed bodies (`Content-Encoding: gzip` or `deflate`) and compressed replies.
 *
 * Invariants:
 * - No body inflates beyond the limit of its bundle: zlib stops there, so a bomb costs no more than a legal body.
 * - The event loop isn't held: what takes longer than a few hundredths of a millisecond runs in threads of Node's own,
 *   a few bodies at a time. The others wait compressed, and both their count and their bytes are bounded.
 * - Each body is settled once, as one that comes uncompressed; nothing happens after its caller has left.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-content-encoding
 */

import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { ServeError } from "../errors.js";
import { takesGzip } from "./accept.js";
import type { BodyReceiver } from "./http/body-receiver.js";
import type { Exchange } from "./http/transport.js";

export type Compression = "gzip" | "deflate";
export type Coding = Compression | "identity";

/** Compressed bytes of a body that is inflated at once: 12 to 46 us, of which a thread alone would take 60. */
const inlineBytesMax = 1_024;
/** And inflated bytes: what goes on is left to a thread, after 60 us. */
const inlineInflatedMax = 16_384;
/** Bodies that inflate at a time: two threads inflate a gigabyte a second, more than JSON is parsed in. */
const inflatingMax = 2;
/** Bodies that wait to be inflated: half a second of two threads, where each of them is a bomb of a megabyte. */
const waitingMax = 1_000;
/** A thread goes back to the event loop after so many inflated bytes; of 16 KiB, the default, a body takes twice as long. */
const chunkSize = 65_536;

/** Smaller replies aren't compressed. */
const compressedBytesMin = 65_536;
/** Replies that are compressed at a time: others go as they are, so that none waits. */
const compressingMax = 2;
/** The quickest. */
const compressionLevel = 1;
const compressedHeaders = ["content-encoding", "gzip", "vary", "accept-encoding"];

// Loaded with the first compressed body: it would lengthen each start by 5 ms.
const require = createRequire(import.meta.url);
const loadZlib = () => require("node:zlib") as typeof import("node:zlib");

/** @returns undefined for one that isn't known, or for several. */
export function codingOf(contentEncoding: string): Coding | undefined {
  if (contentEncoding === "") return "identity";
  switch (contentEncoding.toLowerCase()) {
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
  }
  return undefined;
}

/** Inflates bodies, and compresses replies. */
export class ContentCoder {
  readonly #waitingBytesMax: number;
  readonly #waiting: { readonly receiver: EncodedBody; readonly body: Buffer }[] = [];
  #waitingBytes = 0;
  #inflating = 0;
  #compressing = 0;

  /** @param waitingBytesMax - Compressed bytes of all bodies that wait. */
  constructor(waitingBytesMax: number) {
    this.#waitingBytesMax = waitingBytesMax;
  }

  /**
   * Takes a body compressed and hands it on inflated.
   *
   * @param bytesMax - Of the inflated body. A larger one is body_too_large, a damaged one malformed_body.
   */
  receiver(coding: Compression, bytesMax: number, inner: BodyReceiver): BodyReceiver {
    return new EncodedBody(coding, bytesMax, inner, (receiver, body, lasts) => this.#take(receiver, body, lasts));
  }

  /** Sends a reply, compressed where it is large and its caller takes gzip. Binary data go as they are. */
  send(exchange: Exchange, contentType: string, body: string | Uint8Array, headers: readonly string[]): void {
    const isCompressed =
      body.length >= compressedBytesMin &&
      contentType === "application/json" &&
      this.#compressing < compressingMax &&
      takesGzip(exchange.acceptEncoding);
    if (!isCompressed) {
      exchange.send(200, contentType, body, headers);
      return;
    }
    this.#compressing++;
    loadZlib().gzip(body, { level: compressionLevel }, (error, compressed) => {
      this.#compressing--;
      if (error !== null) exchange.send(200, contentType, body, headers);
      else exchange.send(200, contentType, compressed, [...headers, ...compressedHeaders]);
    });
  }

  #take(receiver: EncodedBody, body: Buffer, lasts: boolean): void {
    if (body.length <= inlineBytesMax && receiver.inflateNow(body)) return;
    if (this.#inflating < inflatingMax) {
      this.#inflate(receiver, lasts ? body : Buffer.from(body));
      return;
    }
    if (this.#waiting.length >= waitingMax || this.#waitingBytes + body.length > this.#waitingBytesMax) {
      receiver.onBroken(
        new ServeError(
          "overloaded",
          `${this.#waiting.length} compressed bodies wait to be inflated, the most that this server takes; try again later`,
        ),
      );
      return;
    }
    this.#waiting.push({ receiver, body: lasts ? body : Buffer.from(body) });
    this.#waitingBytes += body.length;
  }

  #inflate(receiver: EncodedBody, body: Buffer): void {
    this.#inflating++;
    receiver.inflate(body, () => {
      this.#inflating--;
      this.#inflateNext();
    });
  }

  #inflateNext(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#waitingBytes -= next.body.length;
      if (next.receiver.isGone) continue;
      this.#inflate(next.receiver, next.body);
      return;
    }
  }
}

type TakeBody = (receiver: EncodedBody, body: Buffer, lasts: boolean) => void;

/** The receiver of one compressed body; what isn't about its bytes goes straight to the inner one. */
class EncodedBody implements BodyReceiver {
  readonly #coding: Compression;
  readonly #bytesMax: number;
  readonly #inner: BodyReceiver;
  readonly #take: TakeBody;
  isGone = false;

  constructor(coding: Compression, bytesMax: number, inner: BodyReceiver, take: TakeBody) {
    this.#coding = coding;
    this.#bytesMax = bytesMax;
    this.#inner = inner;
    this.#take = take;
  }

  onBody(body: Buffer, lasts: boolean): void {
    this.#take(this, body, lasts);
  }

  onTooLarge(gotBytes: number, bytesMax: number): void {
    this.#inner.onTooLarge(gotBytes, bytesMax);
  }

  onTooManyChunks(chunkCount: number, gotBytes: number): void {
    this.#inner.onTooManyChunks(chunkCount, gotBytes);
  }

  onNoRoom(): void {
    this.#inner.onNoRoom();
  }

  onBroken(error: ServeError): void {
    this.#inner.onBroken(error);
  }

  onGone(): void {
    this.isGone = true;
    this.#inner.onGone();
  }

  /** @returns Whether it is settled; otherwise it inflates to more than is inflated at once. */
  inflateNow(body: Buffer): boolean {
    const maxOutputLength = Math.min(inlineInflatedMax, this.#bytesMax);
    const { gunzipSync, inflateSync } = loadZlib();
    const inflate = this.#coding === "gzip" ? gunzipSync : inflateSync;
    let inflated: Buffer;
    try {
      inflated = inflate(body, { maxOutputLength });
    } catch (error) {
      if (isTooLarge(error) && maxOutputLength < this.#bytesMax) return false;
      this.#refuse(error);
      return true;
    }
    this.#inner.onBody(inflated, true);
    return true;
  }

  /** @param ended - Called before it is settled. */
  inflate(body: Buffer, ended: () => void): void {
    const { gunzip, inflate } = loadZlib();
    const start = this.#coding === "gzip" ? gunzip : inflate;
    start(body, { maxOutputLength: this.#bytesMax, chunkSize }, (error, inflated) => {
      ended();
      if (this.isGone) return;
      if (error === null) this.#inner.onBody(inflated, true);
      else this.#refuse(error);
    });
  }

  #refuse(error: unknown): void {
    if (isTooLarge(error)) {
      const message = `the body: expected at most ${this.#bytesMax} bytes once it is inflated, got more`;
      this.#inner.onBroken(new ServeError("body_too_large", message));
      return;
    }
    const form = this.#coding === "gzip" ? "gzip" : "zlib's form of deflate";
    const message = `the body: expected ${form}, as content-encoding says, got bytes that don't inflate: ${(error as Error).message}`;
    this.#inner.onBroken(new ServeError("malformed_body", message));
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}
