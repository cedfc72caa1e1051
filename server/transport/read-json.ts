/** A JSON body of the admin listener. */

import { ServeError } from "../errors.js";
import type { Exchange } from "./http/transport.js";

/** Bytes of the largest body, and of all that arrive at once, on the admin listener. */
export const adminBodyBytesMax = 65_536;
export const adminReceivingBytesMax = 1_048_576;

/**
 * @param take - Called with what the body says, unless the client leaves.
 * @param fail - Called with why there is nothing to take.
 */
export function readJson(exchange: Exchange, take: (json: unknown) => void, fail: (error: ServeError) => void): void {
  const tooLarge = (got: string) =>
    fail(new ServeError("body_too_large", `the body: expected at most ${adminBodyBytesMax} bytes, got ${got}`));
  exchange.readBody(adminBodyBytesMax, {
    onBody(body) {
      let json: unknown;
      try {
        json = JSON.parse(body.toString());
      } catch {
        fail(new ServeError("malformed_body", "the body: expected JSON"));
        return;
      }
      take(json);
    },
    onTooLarge: (gotBytes) => tooLarge(`${gotBytes} or more`),
    onTooManyChunks: (chunkCount) => tooLarge(`${chunkCount} chunks`),
    onNoRoom: () => fail(new ServeError("overloaded", "too many bodies are arriving; try again later")),
    onBroken: fail,
    onGone() {},
  });
}
