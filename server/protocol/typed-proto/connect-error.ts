/**
 * Errors as Connect has them: JSON, whatever the form of the request; the code by its name, the status by its table, and
 * as detail an ErrorDetails of the model's proto.
 *
 * @see https://connectrpc.com/docs/protocol: error codes, error end-of-stream
 */

import { errorTable, type ServeError } from "../../errors.js";
import { WireWriter } from "../protobuf/wire.js";
import type { EncodedError } from "../protocol.js";
import { issueMessage, jsonType } from "./encode.js";
import { packageOf } from "./service-name.js";

type GrpcCode = (typeof errorTable)[keyof typeof errorTable]["grpc"];

/** Connect's table. */
const statuses: Record<GrpcCode, number> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** What was no call yet keeps the status of HTTP. */
const ofHttp = new Set<ServeError["code"]>(["route_not_found", "method_not_allowed", "unsupported_media_type"]);

export function encodeConnectError(error: ServeError, requestId: string, modelName: string | undefined): EncodedError {
  const { code, message } = error;
  const { grpc, http } = errorTable[code];
  const status = ofHttp.has(code) ? http : statuses[grpc];
  const details = modelName === undefined ? undefined : [detailOf(error, requestId, modelName)];
  const body = JSON.stringify({ code: grpc.toLowerCase(), message, details });
  return { status, body, contentType: jsonType, headers: [] };
}

function detailOf({ code, issues = [] }: ServeError, requestId: string, modelName: string): object {
  const detail = new WireWriter().text(1, code);
  for (const issue of issues) detail.message(2, issueMessage(issue));
  const bytes = detail.text(3, requestId).finish();
  return {
    type: `${packageOf(modelName)}.ErrorDetails`,
    value: bytes.toString("base64").replace(/=+$/, ""),
    debug: { code, issues, requestId },
  };
}
