/** Calls as a transport makes them, with a reply that records what it was given. */

import type { Block } from "../../preprocessing/index.js";
import type { ServeError } from "../../server/errors.js";
import { Call, type Reply } from "../../server/path/call.js";
import type { JsonRequest } from "../../server/protocol/predict-json/decode.js";
import { predictJson } from "../../server/protocol/predict-json/protocol.js";
import type { AnsweredCall, Protocol } from "../../server/protocol/protocol.js";
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
  protocol?: Protocol;
  contentType?: string;
  /** Further headers, by their names in lower case. */
  headers?: Readonly<Record<string, string>>;
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
    protocol = predictJson,
    contentType = "application/json",
    headers = {},
    traceparent = "",
    requestId = "r1",
  } = options;
  const sent: Sent[] = [];
  const keep = (status: number, text: string, error: ServeError | undefined) =>
    sent.push({ status, text, body: JSON.parse(text), error, requestId: call.requestId });
  const reply: Reply = {
    send: ({ body }) => keep(200, body.toString(), call.error),
    refuse: (error) => keep(error.status, protocol.refuse(error, call.requestId).body.toString(), error),
  };
  const head = { contentType, header: (name: string) => headers[name] ?? "" };
  const call = new Call(protocol, reply, arrivedMs, model, version, head, traceparent);
  call.requestId = requestId;
  call.body = typeof body === "string" ? Buffer.from(body) : body;
  call.bodyBytes = call.body.length;
  call.bodyLasts = options.bodyLasts ?? false;
  call.callerTimeoutMs = options.timeoutMs ?? 0;
  return { call, sent };
}

/** A call as `/predict`'s encoder sees it, whose fields a test sets. */
export function makeAnswered(
  rows: readonly unknown[],
  { single = false, partial = false, requestId = "abc" } = {},
): { -readonly [Field in keyof AnsweredCall<JsonRequest>]: AnsweredCall<JsonRequest>[Field] } {
  return {
    requestId,
    request: { rows, single, partial },
    rowIndexes: undefined,
    unanswered: undefined,
    rowErrors: undefined,
    fallback: undefined,
    fallbackRows: undefined,
  };
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
