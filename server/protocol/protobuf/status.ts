/** How a failure looks in gRPC: a status of the one table of errors, its message, and details of the public types. */

import { Buffer } from "node:buffer";
import type { Issue } from "../../../bundle/index.js";
import { errorTable, type ServeError } from "../../errors.js";
import { WireWriter } from "./wire.js";

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
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatus = keyof typeof statusCodes;

/** A message that stands in an error beside its status and its text. */
export interface ErrorDetail {
  /** `google.rpc.BadRequest` */
  readonly type: string;
  readonly message: WireWriter;
}

/** Characters of a message: it is a header, and clients bound those. */
const messageCharsMax = 2000;
/** Bytes of the issues in one detail of a header: with text and base64 an error stays below the 8 KiB that clients take. */
export const headerIssuesBytesMax = 1024;

/** Names and values in turn. */
export function statusHeaders(status: GrpcStatus, message = ""): readonly string[] {
  if (message === "") return ["grpc-status", String(statusCodes[status])];
  return ["grpc-status", String(statusCodes[status]), "grpc-message", encodeMessage(message)];
}

export interface ErrorHeaderOptions {
  /** When the caller should try again, milliseconds. */
  readonly retryMs?: number | undefined;
  /** Beside those that every error has. */
  readonly details?: readonly ErrorDetail[];
}

/** @see https://github.com/grpc/proposal/blob/master/A6-client-retries.md: pushback */
export function grpcErrorHeaders(error: ServeError, { retryMs, details = [] }: ErrorHeaderOptions = {}): string[] {
  const { code, message } = error;
  const { grpc } = errorTable[code];
  const status = new WireWriter().integer(1, statusCodes[grpc]).text(2, bounded(message));
  for (const { type, message } of [...errorDetails(error, retryMs, headerIssuesBytesMax), ...details])
    status.message(3, new WireWriter().text(1, `type.googleapis.com/${type}`).message(2, message));
  const headers = [...statusHeaders(grpc, message), "grpc-status-details-bin", unpadded(status.finish())];
  return retryMs === undefined ? headers : [...headers, "grpc-retry-pushback-ms", String(retryMs)];
}

/**
 * What every error says in the types of `google.rpc`: its code, the bad fields, when to try again.
 *
 * @param issuesBytesMax - Of the issues the first that fit.
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 */
export function errorDetails(
  { code, issues = [] }: ServeError,
  retryMs: number | undefined,
  issuesBytesMax: number,
): ErrorDetail[] {
  const info = new WireWriter().text(1, code.toUpperCase()).text(2, "plumb");
  const details = [{ type: "google.rpc.ErrorInfo", message: info }];
  if (issues.length > 0) {
    const badRequest = new WireWriter();
    writeIssues(badRequest, 1, issues, violation, issuesBytesMax);
    details.push({ type: "google.rpc.BadRequest", message: badRequest });
  }
  if (retryMs !== undefined) {
    const seconds = Math.floor(retryMs / 1000);
    const delay = new WireWriter().integer(1, seconds).integer(2, Math.round((retryMs - 1000 * seconds) * 1e6));
    details.push({ type: "google.rpc.RetryInfo", message: new WireWriter().message(1, delay) });
  }
  return details;
}

function violation({ row, feature, expected, got }: Issue): WireWriter {
  const field = feature === "" ? `rows[${row}]` : `rows[${row}].${feature}`;
  return new WireWriter().text(1, field).text(2, `expected ${expected}, got ${got}`);
}

/** Writes as many issues as fit, from the first on. */
export function writeIssues(
  to: WireWriter,
  field: number,
  issues: readonly Issue[],
  write: (issue: Issue) => WireWriter,
  bytesMax: number,
): void {
  let bytes = 0;
  for (const issue of issues) {
    const written = write(issue);
    bytes += written.length;
    if (bytes > bytesMax) return;
    to.message(field, written);
  }
}

/** Base64 as details of errors have it. */
export function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

function bounded(message: string): string {
  return message.length <= messageCharsMax ? message : `${message.slice(0, messageCharsMax)}…`;
}

/** Percent-encoded UTF-8, but for printable ASCII. */
function encodeMessage(message: string): string {
  const text = bounded(message);
  if (/^[ -$&-~]*$/.test(text)) return text;
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
