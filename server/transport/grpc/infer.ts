/** Predictions over gRPC: one call a message, on the path that `/predict` takes too. */

import type { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import { Call, type Reply } from "../../path/call.js";
import type { PredictPath } from "../../path/predict.js";
import { readModelName } from "../../protocol/open-inference/message.js";
import { openInferenceProto } from "../../protocol/open-inference/proto.js";
import { statusHeaders } from "../../protocol/protobuf/status.js";
import { WireWriter } from "../../protocol/protobuf/wire.js";
import type { Encoded } from "../../protocol/protocol.js";
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

/** @param reply - Called once, now or later, after the call was put on the path, unless it is abandoned. */
function openCall(exchange: GrpcExchange, message: Buffer, reply: Reply, arrivedMs: number): Call {
  const { name, version } = readModelName(message);
  const traceparent = acceptTraceparent(exchange.header("traceparent"));
  const modelName = name === "" ? undefined : boundName(name);
  const versionName = version === "" ? undefined : boundName(version);
  // The model and its version are in the message; a route may read further headers.
  const head = { contentType: openInferenceProto.name, header: (header: string) => exchange.header(header) };
  const call = new Call(openInferenceProto, reply, arrivedMs, modelName, versionName, head, traceparent);
  if (traceparent !== "") call.tracestate = boundTracestate(exchange.header("tracestate"));
  call.requestId = exchange.requestId;
  call.callerTimeoutMs = exchange.timeoutMs;
  return call;
}

/** Puts a call on the path. */
function predict(path: PredictPath, call: Call, message: Buffer): void {
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

/** `ModelInfer` */
export function inferMethod(needs: InferNeeds): Method {
  return (exchange) => {
    let call: Call | undefined;
    const reply: Reply = {
      send: ({ body }: Encoded) => {
        const { fallback, arm } = call!;
        const said = fallback === undefined ? okTrailers : [...okTrailers, "x-plumb-fallback", fallback];
        const trailers = arm === undefined ? said : [...said, armHeader, arm.shown];
        exchange.end(trailers, body as Buffer);
      },
      refuse: (error) => exchange.fail(error),
    };
    const receiver = unary((message) => {
      call = openCall(exchange, message, reply, exchange.arrivedMs);
      predict(needs.path, call, message);
    })(exchange);
    return {
      ...receiver,
      onGone: () => {
        if (call !== undefined) needs.path.abandon(call);
      },
    };
  };
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
          send: ({ body }) => take(new WireWriter().bytes(2, body as Buffer)),
          refuse: (error) => take(new WireWriter().item(1, needs.shown(error).message)),
        };
        try {
          // The stream's own time counts from its beginning.
          const arrivedMs = exchange.timeoutMs > 0 ? exchange.arrivedMs : needs.now();
          place.call = openCall(exchange, message, reply, arrivedMs);
          predict(needs.path, place.call, message);
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
