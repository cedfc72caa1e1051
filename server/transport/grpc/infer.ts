/** Predictions over gRPC: one call a message, on the path that `/predict` takes too. */

import { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import { Call, type CallRecord, type Reply } from "../../path/call.js";
import type { PredictPath } from "../../path/predict.js";
import { readModelName } from "../../protocol/open-inference/message.js";
import { openInferenceProto } from "../../protocol/open-inference/proto.js";
import { type ErrorDetail, statusHeaders } from "../../protocol/protobuf/status.js";
import { WireWriter } from "../../protocol/protobuf/wire.js";
import type { Encoded, Protocol } from "../../protocol/protocol.js";
import { armHeader } from "../../routing/route-table.js";
import { boundName } from "../address.js";
import { acceptTraceparent, boundTracestate } from "../request-id.js";
import { type GrpcExchange, type MessageReceiver, type Method, okTrailers, unary } from "./service.js";

export interface InferNeeds {
  readonly path: PredictPath;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** What callers are told of an error. */
  readonly shown: (error: ServeError) => ServeError;
}

/** Whom a message asks, and how. */
export interface Asked {
  readonly protocol: Protocol;
  /** Undefined for the default model. */
  readonly modelName: string | undefined;
  /** Undefined for the version that the routes choose. */
  readonly versionName: string | undefined;
  readonly detailsOf?: (error: ServeError, requestId: string) => readonly ErrorDetail[];
}

/** A ModelInferRequest names its model and version. @throws {@link ServeError} malformed_body. */
export function askedByMessage(message: Buffer): Asked {
  const { name, version } = readModelName(message);
  return {
    protocol: openInferenceProto,
    modelName: name === "" ? undefined : boundName(name),
    versionName: version === "" ? undefined : boundName(version),
  };
}

function createCall(
  { protocol, modelName, versionName }: Asked,
  exchange: GrpcExchange,
  reply: Reply,
  arrivedMs: number,
): Call {
  const traceparent = acceptTraceparent(exchange.header("traceparent"));
  // Protocols over gRPC read nothing of it; a route may read headers.
  const head = { contentType: "application/grpc", header: (name: string) => exchange.header(name) };
  const call = new Call(protocol, reply, arrivedMs, modelName, versionName, head, traceparent);
  if (traceparent !== "") call.tracestate = boundTracestate(exchange.header("tracestate"));
  call.requestId = exchange.requestId;
  call.callerTimeoutMs = exchange.timeoutMs;
  return call;
}

/** Puts a message on the path. The call's reply is called once, now or later, unless the call is abandoned. */
function predict({ path }: InferNeeds, call: Call, message: Buffer): void {
  const bytesMax = path.announce(call, message.length);
  if (bytesMax === undefined) return;
  if (message.length > bytesMax) {
    const text = `the message: expected at most ${bytesMax} bytes, as the model has it, got ${message.length}`;
    path.fail(call, new ServeError("body_too_large", text));
    return;
  }
  call.body = message;
  call.bodyLasts = true;
  call.bodyBytes = message.length;
  path.predict(call);
}

/** A prediction by one message. */
export function predictMethod(needs: InferNeeds, ask: (message: Buffer) => Asked): Method {
  return (exchange) => {
    let asked: Asked | undefined;
    let call: Call | undefined;
    const reply: Reply = {
      send: ({ body }: Encoded) => {
        const { fallback, arm } = call!;
        const said = fallback === undefined ? okTrailers : [...okTrailers, "x-plumb-fallback", fallback];
        const trailers = arm === undefined ? said : [...said, armHeader, arm.shown];
        exchange.end(trailers, body as Buffer);
      },
      refuse: (error) => exchange.fail(error, (shown) => asked?.detailsOf?.(shown, call!.requestId) ?? []),
    };
    const receiver = unary((message) => {
      asked = ask(message);
      call = createCall(asked, exchange, reply, exchange.arrivedMs);
      predict(needs, call, message);
    })(exchange);
    return {
      ...receiver,
      onGone: () => {
        if (call !== undefined) needs.path.abandon(call);
      },
    };
  };
}

/**
 * A stream's trailers come once, after all its messages: so the arm is a parameter of each reply. A map's entries are
 * repeated fields, so one more is appended to the message.
 */
function withArm(reply: Buffer, arm: CallRecord["arm"]): Buffer {
  if (arm === undefined) return reply;
  const value = new WireWriter().item(3, arm.shown);
  const entry = new WireWriter().item(1, armHeader).message(2, value);
  return Buffer.concat([reply, new WireWriter().message(4, entry).finish()]);
}

/** Calls of one stream that aren't answered yet; while they are as many, no more messages are read. */
const streamCallsMax = 64;

/**
 * `ModelStreamInfer`: a reply for each request, in the order of the requests. One that fails is a message with its
 * error, and the stream goes on.
 */
export function streamInferMethod(needs: InferNeeds): Method {
  return (exchange): MessageReceiver => {
    const waiting: { call?: Call; reply?: Uint8Array }[] = [];
    let isEnding: readonly string[] | undefined;
    const answerInOrder = () => {
      while (waiting[0]?.reply !== undefined) exchange.write(waiting.shift()!.reply!);
      if (waiting.length < streamCallsMax) exchange.resume();
      if (waiting.length === 0 && isEnding !== undefined) exchange.end(isEnding);
    };
    const endWith = (trailers: readonly string[]) => {
      isEnding ??= trailers;
      answerInOrder();
    };
    return {
      mayIdle: true,
      onMessage(message) {
        if (isEnding !== undefined) return;
        const place: { call?: Call; reply?: Uint8Array } = {};
        waiting.push(place);
        if (waiting.length >= streamCallsMax) exchange.pause();
        const take = (reply: WireWriter) => {
          place.reply = reply.finish();
          answerInOrder();
        };
        const reply: Reply = {
          send: ({ body }) => take(new WireWriter().bytes(2, withArm(body as Buffer, place.call!.arm))),
          refuse: (error) => take(new WireWriter().item(1, needs.shown(error).message)),
        };
        try {
          // The stream's own time counts from its beginning.
          const arrivedMs = exchange.timeoutMs > 0 ? exchange.arrivedMs : needs.now();
          place.call = createCall(askedByMessage(message), exchange, reply, arrivedMs);
          predict(needs, place.call, message);
        } catch (error) {
          reply.refuse(ServeError.from(error));
        }
      },
      onEnd: () => endWith(okTrailers),
      onGone() {
        for (const { call, reply } of waiting) if (call !== undefined && reply === undefined) needs.path.abandon(call);
      },
      onDrain: () => endWith(statusHeaders("UNAVAILABLE", "the server ends: open a stream to another one")),
    };
  };
}
