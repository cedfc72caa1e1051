/**
 * What the head of a unary request by Connect says: the form of its message, and the caller's time.
 *
 * @see https://connectrpc.com/docs/protocol: unary request
 */

import { quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { checkContentType } from "../json/text.js";
import type { JsonObject } from "../json-schema.js";
import type { RequestHead } from "../protocol.js";

export const protoType = "application/proto";
export const jsonType = "application/json";
const timeoutHeader = "connect-timeout-ms";
const versionHeader = "connect-protocol-version";
/** Headers that {@link readConnectHead} reads beside the content type. */
export const connectHeaders = [timeoutHeader, versionHeader] as const;
/** A day: longer ones are no different. */
const timeoutMsMax = 86_400_000;

export interface ConnectHead {
  readonly isJson: boolean;
  readonly timeoutMs: number | undefined;
}

/** @throws {@link ServeError} unsupported_media_type, invalid_request, deadline_exceeded. */
export function readConnectHead(head: RequestHead): ConnectHead {
  const isJson = isJsonType(head.contentType);
  const version = head.header(versionHeader);
  if (version !== "" && version !== "1")
    throw new ServeError("invalid_request", `${versionHeader}: expected 1, got ${quote(version)}`);
  const timeout = head.header(timeoutHeader);
  if (timeout === "") return { isJson, timeoutMs: undefined };
  if (!/^\d{1,10}$/.test(timeout)) {
    throw new ServeError("invalid_request", `${timeoutHeader}: expected milliseconds, got ${quote(timeout)}`);
  }
  const timeoutMs = Math.min(Number(timeout), timeoutMsMax);
  if (timeoutMs === 0) throw new ServeError("deadline_exceeded", `${timeoutHeader}: 0 milliseconds are over already`);
  return { isJson, timeoutMs };
}

/** @throws {@link ServeError} unsupported_media_type for what is neither of the two. */
export function isJsonType(contentType: string): boolean {
  if (contentType === protoType) return false;
  try {
    checkContentType(contentType);
    return true;
  } catch {
    const got = contentType === "" ? "none" : quote(contentType);
    const expected = `${protoType} or ${jsonType}`;
    throw new ServeError("unsupported_media_type", `content-type: expected ${expected}, got ${got}`);
  }
}

/** The headers in OpenAPI's words. */
export const connectParameters: readonly JsonObject[] = [
  {
    name: versionHeader,
    in: "header",
    description: "Connect's own clients send it.",
    schema: { type: "integer", const: 1 },
  },
  {
    name: timeoutHeader,
    in: "header",
    description: "As x-timeout-ms; of both the shorter counts.",
    schema: { type: "integer", minimum: 1 },
  },
];

const text = { type: "string" };

export const connectErrorSchema: JsonObject = {
  type: "object",
  properties: { code: text, message: text, details: { type: "array", items: { type: "object" } } },
  required: ["code", "message"],
};
