/**
 * The id of a request: the caller's `x-request-id` where it is fit to be echoed, else one of our own.
 *
 * uWebSockets.js doesn't check header values for CR and LF, so an id that isn't made of harmless characters would let a
 * caller write our headers; and the same characters need no escaping in JSON and logs.
 */

const harmless = /^[A-Za-z0-9._:@/+=-]{1,128}$/;

export function acceptRequestId(fromCaller: string): string | undefined {
  return harmless.test(fromCaller) ? fromCaller : undefined;
}

const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * A W3C `traceparent`, or "" if it isn't one: an invalid one is to be ignored. @see
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function acceptTraceparent(fromCaller: string): string {
  if (fromCaller === "" || !traceparentForm.test(fromCaller)) return "";
  const allZero = fromCaller.startsWith("ff") || /^..-0{32}/.test(fromCaller) || /-0{16}-..$/.test(fromCaller);
  return allZero ? "" : fromCaller;
}

/** Characters of a `tracestate` that are passed on: as many as the standard asks for. */
const tracestateCharsMax = 512;

/**
 * A caller's `tracestate`, cut to whole members. Members at the end go first.
 *
 * @see https://www.w3.org/TR/trace-context/#tracestate-limits
 */
export function boundTracestate(fromCaller: string): string {
  if (fromCaller.length <= tracestateCharsMax) return fromCaller;
  const end = fromCaller.lastIndexOf(",", tracestateCharsMax);
  return end < 0 ? "" : fromCaller.slice(0, end);
}

/**
 * Makes ids that are unique over processes and starts: a random prefix and a counter (a UUID per request costs more
 * than its validation).
 *
 * @param randomPrefix - About 64 random bits as text of harmless characters.
 */
export function createRequestIds(randomPrefix: string): () => string {
  let count = 0;
  return () => `${randomPrefix}-${++count}`;
}
