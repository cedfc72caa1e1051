/**
 * Who may ask the admin listener: whoever has its token, where it has one. Health and metrics are open, since probes and
 * scrapers change nothing.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { ServeError } from "../errors.js";
import type { Exchange, ListenerOptions } from "./http/transport.js";

const bytesMin = 16;
const bytesMax = 4096;
/** A header that the listener has to read. */
const tokenHeader = "authorization";
const open = /^\/(?:health\/(?:live|ready)|metrics)$/;

/**
 * What a listener needs beside its router's addresses, so that only who has the token gets there.
 *
 * @param file - Undefined for a listener that asks nobody.
 * @throws Error with a sentence when the file can't be read, or has no token.
 */
export function guarded(
  file: string | undefined,
  router: { readonly headers: ReadonlySet<string> | undefined; handle(exchange: Exchange): void },
): Pick<ListenerOptions, "headers" | "handle"> {
  const { headers } = router;
  const handle = (exchange: Exchange) => router.handle(exchange);
  if (file === undefined) return { headers, handle };
  const expected = digestOf(readToken(file));
  return {
    headers: new Set([...(headers ?? []), tokenHeader]),
    handle: (exchange) => {
      if (!open.test(exchange.path)) check(exchange, expected);
      handle(exchange);
    },
  };
}

/** @throws {@link ServeError} unauthenticated. */
function check(exchange: Exchange, expected: Buffer): void {
  const [, token = ""] = /^bearer +(\S+) *$/i.exec(exchange.header(tokenHeader)) ?? [];
  // Digests are of one length, whatever was sent.
  if (timingSafeEqual(digestOf(token), expected)) return;
  exchange.addHeaders(["www-authenticate", "Bearer"]);
  throw new ServeError("unauthenticated", "expected the admin listener's token: Authorization: Bearer TOKEN");
}

/** @throws Error with a sentence. */
export function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Error(`the admin listener's token can't be read: ${(error as Error).message}`);
  }
  if (token.length < bytesMin || token.length > bytesMax || !/^[\x21-\x7e]+$/.test(token))
    throw new Error(`${file}: expected a token of at least ${bytesMin} characters, without spaces`);
  return token;
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
