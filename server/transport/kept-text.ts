/** Texts that callers may keep: with an ETag, compressed where that is taken. */

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import type { JsonObject } from "../protocol/json-schema.js";
import { takesGzip } from "./accept.js";
import type { Exchange } from "./http/transport.js";
import type { AnswerDescription } from "./openapi/answer-description.js";

export interface KeptText {
  readonly bytes: Buffer;
  readonly etag: string;
  /** Compressed once, in a thread of Node's own. */
  gzipped(): Promise<Buffer>;
}

/** @param stands - What the text follows from: shorter to digest than the text itself. */
export function keepText(bytes: Buffer, stands: string | Buffer): KeptText {
  let compressed: Promise<Buffer> | undefined;
  return {
    bytes,
    // Weak, because the same text is sent compressed and as it is.
    etag: `W/"${createHash("sha256").update(stands).digest("base64url").slice(0, 27)}"`,
    gzipped() {
      compressed ??= import("node:zlib").then(({ gzip }) => promisify(gzip)(bytes));
      return compressed;
    },
  };
}

/** The header that a route with such an answer reads. */
export const ifNoneMatch: readonly string[] = ["if-none-match"];

/** Such an answer in OpenAPI's words. */
export function keptReply(what: string, contentType: string, schema: JsonObject): AnswerDescription {
  return { replies: { 200: { what, contentType, schema } }, isKept: true };
}

/** @param more - Headers: names and values in turn. */
export async function sendKept(
  exchange: Exchange,
  contentType: string,
  text: KeptText,
  more: readonly string[] = [],
): Promise<void> {
  const headers = ["etag", text.etag, "cache-control", "no-cache", "vary", "accept-encoding", ...more];
  if (isKnown(exchange.header(ifNoneMatch[0]!), text.etag)) exchange.send(304, contentType, text.bytes, headers);
  else if (takesGzip(exchange.acceptEncoding)) {
    const compressed = await text.gzipped();
    exchange.send(200, contentType, compressed, [...headers, "content-encoding", "gzip"]);
  } else exchange.send(200, contentType, text.bytes, headers);
}

/** Compared as weak ones: a proxy that compresses makes them so. */
function isKnown(header: string, etag: string): boolean {
  return header.split(",").some((one) => one.trim() === etag || one.trim() === "*");
}
