/** Small bodies of JSON, for answers that take one beside the path of a call. */

import type { Buffer } from "node:buffer";
import { ServeError } from "../errors.js";
import type { Exchange } from "./http/transport.js";

/** Bytes of the largest body: far more than any order has to say. Of all that arrive at once on the admin listener. */
export const adminBodyBytesMax = 65_536;
export const adminReceivingBytesMax = 16 * adminBodyBytesMax;

type Fail = (error: ServeError) => void;

/**
 * @param take - Called with what the body says, unless the client leaves.
 * @param fail - Called with why there is nothing to take.
 */
export function readJson(exchange: Exchange, take: (json: unknown) => void, fail: Fail): void {
  readBody(exchange, fail, (body) => {
    const json = parse(body);
    if (json === undefined) fail(new ServeError("malformed_body", "the body: expected JSON"));
    else take(json);
  });
}

/** As {@link readJson}, for a body that is an object; no body is an empty one. */
export function readOrder(
  exchange: Exchange,
  take: (order: Readonly<Record<string, unknown>>) => void,
  fail: Fail,
): void {
  readBody(exchange, fail, (body) => {
    const json = body.length === 0 ? {} : parse(body);
    if (json === null || typeof json !== "object" || Array.isArray(json))
      fail(new ServeError("malformed_body", "the body: expected a JSON object, or nothing"));
    else take(json as Record<string, unknown>);
  });
}

/** @returns Undefined for what isn't JSON. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function readBody(exchange: Exchange, fail: Fail, take: (body: Buffer) => void): void {
  const tooLarge = (got: string) =>
    fail(new ServeError("body_too_large", `the body: expected at most ${adminBodyBytesMax} bytes, got ${got}`));
  exchange.readBody(adminBodyBytesMax, {
    onBody: take,
    onTooLarge: (gotBytes) => tooLarge(`${gotBytes} or more`),
    onTooManyChunks: (chunkCount) => tooLarge(`${chunkCount} chunks`),
    onNoRoom: () => fail(new ServeError("overloaded", "too many bodies are arriving; try again later")),
    onBroken: fail,
    onGone() {},
  });
}
