/**
 * Cross-origin requests: which pages' scripts a browser lets call this server, and read its replies.
 *
 * Only origins that are listed get these headers. Whoever isn't a browser is none of its business: nobody is kept out.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */

import type { Exchange } from "./http/transport.js";

/** Headers of requests that are read. */
export const corsHeaders: ReadonlySet<string> = new Set(["origin", "access-control-request-method"]);

/** How long a browser needn't ask again, seconds. */
const maxAgeS = 600;
const preflightHeaders: readonly string[] = [
  "access-control-allow-methods",
  "GET, POST",
  "access-control-allow-headers",
  "content-type, x-request-id, x-timeout-ms, x-plumb-arm, traceparent, tracestate, inference-header-content-length",
  "access-control-max-age",
  String(maxAgeS),
];
const exposed =
  "x-request-id, retry-after, x-plumb-version, x-plumb-digest, x-plumb-arm, x-plumb-fallback, inference-header-content-length";

export class Cors {
  readonly #byOrigin: ReadonlyMap<string, readonly string[]>;

  /** @param origins - `https://app.example.com`, compared as they stand, letter case aside. */
  constructor(origins: readonly string[]) {
    this.#byOrigin = new Map(
      origins.map((origin) => [
        origin.toLowerCase(),
        ["access-control-allow-origin", origin, "vary", "origin", "access-control-expose-headers", exposed],
      ]),
    );
  }

  /**
   * Adds the headers to whatever the exchange is answered with.
   *
   * @returns True for a browser's question whether it may call, which is answered.
   */
  answers(exchange: Exchange): boolean {
    const origin = exchange.header("origin");
    if (origin === "") return false;
    const headers = this.#byOrigin.get(origin.toLowerCase());
    if (headers === undefined) return false;
    exchange.addHeaders(headers);
    if (exchange.method !== "OPTIONS" || exchange.header("access-control-request-method") === "") return false;
    exchange.send(200, "text/plain", "", preflightHeaders);
    return true;
  }
}
