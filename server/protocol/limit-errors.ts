/**
 * Errors that say less, for a listener that anybody can reach: a protocol round a protocol. What is logged stays whole.
 *
 * `fields`: which features of which rows are wrong and what was expected; no value that came, and nothing of what the
 * server has. `codes`: the code, and what it means of any request.
 */

import type { Issue } from "../../bundle/index.js";
import { errorTable, type RowError, ServeError } from "../errors.js";
import type { AnsweredCall, Protocol } from "./protocol.js";

export type ErrorDetail = "full" | "fields" | "codes";

/** In the place of a value that came. */
const hidden = "(hidden)";

export function limitErrors(protocol: Protocol, detail: ErrorDetail): Protocol {
  if (detail === "full") return protocol;
  const { sliced } = protocol;
  const limit = errorLimit(detail);
  const limitCall = (call: AnsweredCall) => {
    const { requestId, request, rowIndexes, unanswered, rowErrors, fallback, fallbackRows } = call;
    if (rowErrors === undefined) return call;
    const shown = rowErrors.map((error) => limitRowError(error, detail));
    return { requestId, request, rowIndexes, unanswered, rowErrors: shown, fallback, fallbackRows };
  };
  return {
    ...protocol,
    encode: (frame, call, answer) => protocol.encode(frame, limitCall(call), answer),
    refuse: (error, requestId, modelName) => protocol.refuse(limit(error), requestId, modelName),
    ...(sliced && {
      sliced: {
        decode: sliced.decode,
        encode: (frame, call, answer, sliceRows) => sliced.encode(frame, limitCall(call), answer, sliceRows),
      },
    }),
  };
}

/** @returns What is told of an error. */
export function errorLimit(detail: ErrorDetail): (error: ServeError) => ServeError {
  if (detail === "full") return (error) => error;
  // Many calls may be refused by one error; a protocol knows it again.
  const limited = new WeakMap<ServeError, ServeError>();
  return (error) => {
    let known = limited.get(error);
    if (known === undefined) {
      known = limitError(error, detail);
      limited.set(error, known);
    }
    return known;
  };
}

function limitError(error: ServeError, detail: ErrorDetail): ServeError {
  const { code, allow, retryAfterMs } = error;
  const issues = detail === "codes" ? [] : (error.issues ?? []).map(hideValue);
  return new ServeError(code, wordsOf(code, issues), {
    issues,
    ...(allow !== undefined && { allow }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function limitRowError({ row, code, issues }: RowError, detail: ErrorDetail): RowError {
  const shown = detail === "codes" ? [] : issues.map(hideValue);
  return { row, code, message: wordsOf(code, shown), issues: shown };
}

function hideValue(issue: Issue): Issue {
  return { ...issue, got: hidden };
}

function wordsOf(code: ServeError["code"], [first]: readonly Issue[]): string {
  if (first === undefined) return errorTable[code].meaning;
  return `row ${first.row}, feature ${JSON.stringify(first.feature)}: expected ${first.expected}`;
}
