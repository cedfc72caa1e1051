/** How a failure looks in gRPC: a status of the one table of errors, and its message. */

import { Buffer } from "node:buffer";
import { errorTable, type ServeError } from "../../errors.js";

/** @see https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

export type GrpcStatus = keyof typeof statusCodes;

/** Characters of a message: it is a header, and clients bound those. */
const messageCharsMax = 2000;

/** Names and values in turn. */
export function statusHeaders(status: GrpcStatus, message = ""): readonly string[] {
  if (message === "") return ["grpc-status", String(statusCodes[status])];
  return ["grpc-status", String(statusCodes[status]), "grpc-message", encodeMessage(message)];
}

export function grpcErrorHeaders({ code, message }: ServeError): readonly string[] {
  return statusHeaders(errorTable[code].grpc, message);
}

/** Percent-encoded UTF-8, but for printable ASCII. */
function encodeMessage(message: string): string {
  const text = message.length <= messageCharsMax ? message : `${message.slice(0, messageCharsMax)}…`;
  if (/^[ -$&-~]*$/.test(text)) return text;
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
