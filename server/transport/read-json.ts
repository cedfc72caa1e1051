/** A small body of JSON, for answers that take one beside the path of a call. */

import type { Buffer } from "node:buffer";
import { ServeError } from "../errors.js";
import type { BodyReceiver } from "./http/body-receiver.js";
import type { Exchange } from "./http/transport.js";

/** Far more than any order has to say. */
export const orderBytesMax = 65_536;

/**
 * @param take - Gets the object, an empty one where there is no body.
 * @param fail - Gets the error of any other body; answers before it returns.
 */
export function readJson(
  exchange: Exchange,
  take: (value: Readonly<Record<string, unknown>>) => void,
  fail: (error: ServeError) => void,
): void {
  const receiver: BodyReceiver = {
    onBody(body) {
      const value = parseObject(body);
      if (value === undefined) fail(new ServeError("malformed_body", "the body: expected a JSON object, or nothing"));
      else take(value);
    },
    onTooLarge: (got, most) =>
      fail(new ServeError("body_too_large", `the body: expected at most ${most} bytes, got ${got} or more`)),
    onTooManyChunks: () => fail(new ServeError("invalid_request", "the body comes in too many chunks")),
    onNoRoom: () => fail(new ServeError("overloaded", "too many bodies are arriving; try again later")),
    onBroken: fail,
    onGone() {},
  };
  exchange.readBody(orderBytesMax, receiver);
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString());
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
