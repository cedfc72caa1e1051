/** Calls as a transport makes them, with a reply that records what it was given. */

import type { Block } from "../../preprocessing/index.js";
import { encodeError } from "../../server/codec/json.js";
import type { ServeError } from "../../server/errors.js";
import { Call } from "../../server/path/call.js";
import type { Servable } from "../../server/versions/servable.js";

export interface Sent {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the answer as a caller reads it
  readonly body: any;
  readonly error: ServeError | undefined;
  readonly requestId: string;
}

export interface MadeCall {
  readonly call: Call;
  /** Every answer that the transport was given; a sound path gives one. */
  readonly sent: Sent[];
}

export interface CallOptions {
  body?: string | Buffer;
  arrivedMs?: number;
  model?: string;
  version?: string;
  contentType?: string;
  traceparent?: string;
  requestId?: string;
  timeoutMs?: number;
  bodyLasts?: boolean;
}

/** A call whose body is complete. */
export function makeCall(options: CallOptions = {}): MadeCall {
  const {
    body = "",
    arrivedMs = 1000,
    model,
    version,
    contentType = "application/json",
    traceparent = "",
    requestId = "r1",
  } = options;
  const sent: Sent[] = [];
  const keep = (status: number, text: string, error: ServeError | undefined) =>
    sent.push({ status, text, body: JSON.parse(text), error, requestId: call.requestId });
  const reply = {
    send: (answer: string | Buffer) => void keep(200, answer.toString(), call.error),
    refuse: (error: ServeError) => void keep(error.status, encodeError(error, call.requestId), error),
  };
  const call = new Call(reply, arrivedMs, model, version, contentType, traceparent);
  call.requestId = requestId;
  call.body = typeof body === "string" ? Buffer.from(body) : body;
  call.bodyBytes = call.body.length;
  call.bodyLasts = options.bodyLasts ?? false;
  call.callerTimeoutMs = options.timeoutMs ?? 0;
  return { call, sent };
}

/** A call that is preprocessed and ready for the scheduler. */
export function makeQueuedCall(
  version: Servable,
  blocks: readonly Block[],
  rowCount: number,
  deadlineMs = Number.POSITIVE_INFINITY,
): Call {
  const { call } = makeCall();
  call.version = version;
  call.blocks = blocks;
  call.rowCount = rowCount;
  call.deadlineMs = deadlineMs;
  return call;
}
