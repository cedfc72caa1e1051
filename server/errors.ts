/**
 * Every failure that a caller hears of: one class, one table.
 *
 * `docs/errors.md` is held to this table by a test. A message says where, what was expected, what came and what to do;
 * what caused it stays in `cause`, for the log only, because the texts of libraries leak paths and node names.
 */

import type { Issue } from "../bundle/index.js";
import type { RequestRow } from "./path/row-index.js";

/**
 * One row per answerable failure. `retry` says whether the same call may succeed later; such answers carry
 * `Retry-After`. `fallsBack`: where the bundle declares a fallback, that answers instead, if the row has come as far as
 * the model. `ofAdmin`: only the admin listener answers it.
 */
export const errorTable = {
  malformed_body: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    meaning: "the body isn't the JSON that this address takes",
  },
  invalid_request: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    meaning: "a header, a parameter, the address itself or the body's chunks are wrong",
  },
  unauthenticated: {
    http: 401,
    grpc: "UNAUTHENTICATED",
    retry: false,
    ofAdmin: true,
    meaning: "the admin listener wants its token, as `Authorization: Bearer`",
  },
  model_not_found: {
    http: 404,
    grpc: "NOT_FOUND",
    retry: false,
    meaning: "no model, or no version of it, by this name is in the store",
  },
  route_not_found: { http: 404, grpc: "UNIMPLEMENTED", retry: false, meaning: "nothing is served at this address" },
  method_not_allowed: {
    http: 405,
    grpc: "UNIMPLEMENTED",
    retry: false,
    meaning: "the address exists, but not for this verb",
  },
  request_timeout: {
    http: 408,
    grpc: "DEADLINE_EXCEEDED",
    retry: false,
    meaning: "the request came too slowly: its head didn't end, or its body came below 16 KiB/s",
  },
  precondition_failed: {
    http: 412,
    grpc: "FAILED_PRECONDITION",
    retry: false,
    ofAdmin: true,
    meaning: "`If-Match` or `If-None-Match` doesn't hold: somebody else changed it",
  },
  body_too_large: {
    http: 413,
    grpc: "RESOURCE_EXHAUSTED",
    retry: false,
    meaning: "the body is larger than the bundle's limits.body_bytes_max",
  },
  unsupported_media_type: {
    http: 415,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    meaning: "the body isn't declared as application/json",
  },
  schema_mismatch: { http: 422, grpc: "INVALID_ARGUMENT", retry: false, meaning: "a row breaks the bundle's schema" },
  row_refused: {
    http: 422,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    meaning: "the fitted pipeline itself would raise on this row",
  },
  too_many_rows: {
    http: 422,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    meaning: "more rows than the bundle's limits.rows_max",
  },
  headers_too_large: {
    http: 431,
    grpc: "RESOURCE_EXHAUSTED",
    retry: false,
    meaning: "more than 100 headers, or more than 16 KiB of address and headers",
  },
  internal: {
    http: 500,
    grpc: "INTERNAL",
    retry: false,
    meaning: "a fault of the server; the log has the cause under this request id",
  },
  model_failed: {
    http: 500,
    grpc: "INTERNAL",
    retry: false,
    fallsBack: true,
    meaning: "the model could not be run on this row",
  },
  model_output_invalid: {
    http: 500,
    grpc: "INTERNAL",
    retry: false,
    fallsBack: true,
    meaning: "the model answered NaN or an infinite number",
  },
  not_ready: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    meaning: "the model is still being loaded and proved, or failed its proof",
  },
  overloaded: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    fallsBack: true,
    meaning: "the answer could not be ready in time: refused before any work",
  },
  deadline_exceeded: {
    http: 504,
    grpc: "DEADLINE_EXCEEDED",
    retry: true,
    fallsBack: true,
    meaning: "the deadline passed before the answer was ready",
  },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** Why a fallback answered. */
export type FallbackReason = {
  [Code in ErrorCode]: (typeof errorTable)[Code] extends { fallsBack: true } ? Code : never;
}[ErrorCode];

export function isFallbackReason(code: ErrorCode): code is FallbackReason {
  return "fallsBack" in errorTable[code];
}

/** Codes of the public listener: all but those that the admin listener alone answers. */
export const publicCodes = (Object.keys(errorTable) as ErrorCode[]).filter((code) => !("ofAdmin" in errorTable[code]));

/** A row of a partial request that isn't answered. */
export interface RowError {
  readonly row: RequestRow;
  readonly code: ErrorCode;
  readonly message: string;
  readonly issues: readonly Issue[];
}

export interface ServeErrorDetails {
  /** What exactly was wrong with which row and feature. */
  issues?: readonly Issue[];
  /** Of method_not_allowed: the verbs that are served, as the header `Allow` has them. */
  allow?: string;
  /** Of overloaded: when to try again, milliseconds; whoever answers adds jitter. */
  retryAfterMs?: number;
  /** What was caught; goes to the log, never to the caller. */
  cause?: unknown;
}

/** A failure with a code of {@link errorTable}; the only kind of error that reaches a caller. */
export class ServeError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[] | undefined;
  readonly allow: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ServeErrorDetails = {}) {
    // Nobody reads where a failure that is answered was made, and a stack is most of what a refusal costs.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = "ServeError";
    this.code = code;
    this.issues = details.issues;
    this.allow = details.allow;
    this.retryAfterMs = details.retryAfterMs;
  }

  get status(): number {
    return errorTable[this.code].http;
  }

  /** Whether the caller should try again later (answers carry `Retry-After`). */
  get retry(): boolean {
    return errorTable[this.code].retry;
  }

  /**
   * Takes anything caught; what isn't a {@link ServeError} already becomes `internal`, with the original as its cause.
   */
  static from(reason: unknown): ServeError {
    if (reason instanceof ServeError) return reason;
    return new ServeError(
      "internal",
      "the server failed on this request; its log has the cause under this request id",
      { cause: reason },
    );
  }
}

/** @param allowed - As the header `Allow` has it: "GET, HEAD". */
export function refuseMethod(method: string, allowed: string): ServeError {
  return new ServeError("method_not_allowed", `${method.slice(0, 20)} isn't served here: expected ${allowed}`, {
    allow: allowed,
  });
}
