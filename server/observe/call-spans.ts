/**
 * A finished call as spans: one of the server's, and a child for each stage that the call came to. The only importer of
 * OpenTelemetry's API.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/: names and attributes of the server's span.
 */

import {
  type Attributes,
  type Context,
  createTraceState,
  type DiagLogFunction,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { CallRecord } from "../path/call.js";
import type { SpanIds } from "./traces.js";

/** Times are milliseconds of the monotonic clock. */
export interface Stage {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * The stages that a finished call came to, in order and without gaps. The one that it was given up in ends with the
 * call: that of a call whose deadline passed says where it was then.
 */
export function stagesOf(call: CallRecord): Stage[] {
  const stages: Stage[] = [];
  // Without a version it was refused before it was decoded.
  if (call.startedMs === 0 || call.version === undefined) return stages;
  const ran = call.rowsDone >= call.rowCount;
  const ends = [
    ["decode", call.decodedMs],
    ["validate", call.validatedMs],
    ["preprocess", call.preprocessedMs],
    ["queue", call.runStartedMs],
    // Of a call that runs in several batches it is the end of the latest so far.
    ["run", ran ? call.runEndedMs : 0],
    ["postprocess", call.postprocessedMs],
  ] as const;
  let startMs = call.startedMs;
  let next = 0;
  for (const [i, [name, endMs]] of ends.entries()) {
    if (endMs === 0) continue;
    stages.push({ name, startMs, endMs });
    startMs = endMs;
    next = i + 1;
  }
  // What was answered in order skipped what it didn't need: nothing runs for an answer from the cache, or without a
  // good row.
  const inOrder = call.error === undefined && !call.abandoned && !call.fellBack;
  const last = inOrder ? "reply" : (ends[next]?.[0] ?? "reply");
  stages.push({ name: last, startMs, endMs: call.finishedMs });
  return stages;
}

/**
 * Makes the spans of a call, and ends them.
 *
 * @param stages - Of {@link stagesOf}.
 * @param offsetMs - From the monotonic clock to milliseconds since 1970.
 * @returns The server's span.
 */
export function recordCall(tracer: Tracer, call: CallRecord, stages: readonly Stage[], offsetMs: number): SpanIds {
  const { traceparent, tracestate, error } = call;
  const route = routeOf(call);
  const parent = traceparent === "" ? ROOT_CONTEXT : callersSpan(traceparent, tracestate);
  const options = {
    kind: SpanKind.SERVER,
    startTime: call.arrivedMs + offsetMs,
    attributes: attributesOf(call, route),
  };
  const server = tracer.startSpan(`POST ${route}`, options, parent);
  // A caller's mistake is no error of the server's. No description: its words may repeat what stood in a row.
  if (error !== undefined && error.status >= 500) server.setStatus({ code: SpanStatusCode.ERROR });
  const inServer = trace.setSpan(parent, server);
  for (const { name, startMs, endMs } of stages) {
    tracer.startSpan(name, { startTime: startMs + offsetMs }, inServer).end(endMs + offsetMs);
  }
  server.end(call.finishedMs + offsetMs);
  return server.spanContext();
}

/** The caller's span, as it names it: version, trace, span and flags, in hexadecimal digits. */
function callersSpan(traceparent: string, tracestate: string): Context {
  const [, traceId, spanId] = traceparent.split("-");
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate === "" ? {} : { traceState: createTraceState(tracestate) }),
  });
}

/** What stands before and behind the model in the addresses of a protocol, where it isn't as in those of `/predict`. */
const addressParts: Readonly<Record<string, readonly [before: string, behind: string] | undefined>> = {
  "open-inference": ["/v2", "/infer"],
};

function routeOf({ protocol, modelName, versionName }: CallRecord): string {
  if (modelName === undefined) return "/predict";
  const [before, behind] = addressParts[protocol.name] ?? ["", "/predict"];
  return `${before}/models/{model}${versionName === undefined ? "" : "/versions/{version}"}${behind}`;
}

function attributesOf(call: CallRecord, route: string): Attributes {
  const { version, error, abandoned, fallback, modelName, versionName } = call;
  const path = route
    .replace("{model}", () => encodeURIComponent(modelName!))
    .replace("{version}", () => encodeURIComponent(versionName!));
  // Undefined values are left out by the SDK.
  return {
    "http.request.method": "POST",
    "http.route": route,
    "url.path": path,
    "url.scheme": "http",
    "network.protocol.version": "1.1",
    "http.request.body.size": call.bodyBytes || undefined,
    "http.response.status_code": error ? error.status : abandoned ? undefined : 200,
    "error.type": error && error.status >= 500 ? error.code : undefined,
    "plumb.request_id": call.requestId,
    "plumb.model": version?.name ?? modelName,
    "plumb.version": version?.number,
    "plumb.result": error ? error.code : abandoned ? "abandoned" : fallback ? "fallback" : "ok",
    "plumb.rows": call.rowCount,
    "plumb.row_errors": call.rowErrors?.length,
    "plumb.batch_rows": call.batchRows || undefined,
    "plumb.executor": call.executor,
    "plumb.fallback": fallback,
    "plumb.cached": call.cached || undefined,
  };
}

/** Hands over what the SDK has to say of what goes wrong; without this it says nothing at all. */
export function hearDiagnostics(onTrouble: (message: string) => void): void {
  const tell: DiagLogFunction = (...parts) => onTrouble(parts.map(String).join(" "));
  const silence: DiagLogFunction = () => {};
  const logger = { error: tell, warn: tell, info: silence, debug: silence, verbose: silence };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
