/**
 * Requests that fail before, or beside, the path of a call: each is answered, and has its line in the log under its id.
 */

import { ServeError } from "../errors.js";
import type { AccessLog } from "../observe/access-log.js";
import type { Logs } from "../observe/logs.js";
import type { Protocol } from "../protocol/protocol.js";
import { shownAddress } from "./address.js";
import type { Exchange } from "./http/transport.js";
import { sendError } from "./http-call.js";
import { acceptRequestId } from "./request-id.js";

/** @returns A function that answers such a request, and says with what. */
export function createFailureAnswer(
  logs: Pick<Logs, "event">,
  accessLog: Pick<AccessLog, "onRefusal">,
  nextRequestId: () => string,
  protocolAt: (path: string) => Protocol,
): (exchange: Exchange, failure: string, detail: string, cause: unknown) => ServeError {
  return (exchange, failure, detail, cause) => {
    const requestId = acceptRequestId(exchange.requestIdHeader) ?? nextRequestId();
    const address = shownAddress(exchange.path);
    const isFraming = failure === "bad_framing" && !(cause instanceof ServeError);
    const error = isFraming
      ? new ServeError("invalid_request", `the request's framing is ambiguous: ${detail}`)
      : ServeError.from(cause);
    if (error.code === "internal") {
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      logs.event("error", detail, { request_id: requestId, address, cause: text });
    } else accessLog.onRefusal({ requestId, error, method: exchange.method, address });
    sendError(exchange, protocolAt(exchange.path), error, requestId, 1);
    return error;
  };
}
