/**
 * Errors as Connect has them: JSON, whatever the form of the request; the code by its name, the status by its table.
 *
 * @see https://connectrpc.com/docs/protocol: error codes, error end-of-stream
 */

import { errorTable, type ServeError } from "../../errors.js";
import { type ErrorDetail, unpadded } from "../protobuf/status.js";
import type { EncodedError } from "../protocol.js";
import { jsonType } from "./head.js";

type GrpcCode = (typeof errorTable)[keyof typeof errorTable]["grpc"];

/** Connect's table. */
const statuses: Record<GrpcCode, number> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** What was no call yet keeps the status of HTTP. */
const ofHttp = new Set<ServeError["code"]>(["route_not_found", "method_not_allowed", "unsupported_media_type"]);

export interface ConnectDetail extends ErrorDetail {
  /** For people, who don't read the message's bytes. */
  readonly debug?: object;
}

export function connectError({ code, message }: ServeError, details?: readonly ConnectDetail[]): EncodedError {
  const { grpc, http } = errorTable[code];
  const status = ofHttp.has(code) ? http : statuses[grpc];
  const shown = details?.map(({ type, message, debug }) => ({ type, value: unpadded(message.finish()), debug }));
  const body = JSON.stringify({ code: grpc.toLowerCase(), message, details: shown });
  return { status, body, contentType: jsonType, headers: [] };
}
