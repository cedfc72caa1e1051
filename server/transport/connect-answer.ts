/** A method of the inference service that has its answer at once, by Connect's unary form. */

import type { Buffer } from "node:buffer";
import { type ErrorCode, ServeError } from "../errors.js";
import { takeWhole } from "../path/sliced-work.js";
import { protoType, readConnectHead } from "../protocol/connect/head.js";
import { parseObject } from "../protocol/json/text.js";
import { readToJson, writeFromJson } from "../protocol/protobuf/json.js";
import { codingOf } from "./content-coding.js";
import type { BodyReceiver } from "./http/body-receiver.js";
import type { Exchange } from "./http/transport.js";
import type { CallNeeds } from "./http-call.js";
import { type InferenceMethodNeeds, inferenceMethods } from "./inference-methods.js";
import { acceptRequestId } from "./request-id.js";

export interface ConnectAnswerNeeds extends InferenceMethodNeeds, Pick<CallNeeds, "coder" | "nextRequestId"> {
  /** Answers for what went wrong while an answer was made. */
  readonly onAnswerError: (exchange: Exchange, error: unknown) => void;
}

/** Why there may be no answer, beside what any address may say. */
export const connectAnswerErrors: readonly ErrorCode[] = [
  "malformed_body",
  "unsupported_media_type",
  "body_too_large",
  "model_not_found",
  "not_ready",
];

/** Bytes of a request: names and settings. */
const bytesMax = 65_536;
const limits = { rowsMax: 1000, containersMax: 1000, membersMax: 1000 };

/** @throws {@link ServeError} route_not_found for a method that the service doesn't have. */
export function answerConnect(exchange: Exchange, needs: ConnectAnswerNeeds, method: string): void {
  const coding = codingOf(exchange.contentEncoding);
  if (!Object.hasOwn(inferenceMethods, method))
    throw new ServeError("route_not_found", `the service has no unary method ${JSON.stringify(method.slice(0, 64))}`);
  if (coding === undefined)
    throw new ServeError("unsupported_media_type", "content-encoding: expected none, or one of gzip and deflate");
  const receiver = new ConnectAnswer(exchange, needs, method);
  exchange.readBody(bytesMax, coding === "identity" ? receiver : needs.coder.receiver(coding, bytesMax, receiver));
}

class ConnectAnswer implements BodyReceiver {
  readonly #exchange: Exchange;
  readonly #needs: ConnectAnswerNeeds;
  readonly #method: string;

  constructor(exchange: Exchange, needs: ConnectAnswerNeeds, method: string) {
    this.#exchange = exchange;
    this.#needs = needs;
    this.#method = method;
  }

  onBody(body: Buffer): void {
    try {
      this.#answer(body);
    } catch (error) {
      this.onBroken(error);
    }
  }

  #answer(body: Buffer): void {
    const exchange = this.#exchange;
    const { isJson } = readConnectHead(exchange);
    const message = isJson
      ? takeWhole(writeFromJson(`inference.${this.#method}Request`, membersOf(body))).finish()
      : body;
    const reply = inferenceMethods[this.#method]!(this.#needs, message);
    const shown = isJson ? readToJson(`inference.${this.#method}Response`, reply) : reply;
    const requestId = acceptRequestId(exchange.requestIdHeader) ?? this.#needs.nextRequestId();
    exchange.send(200, isJson ? "application/json" : protoType, shown, ["x-request-id", requestId]);
  }

  onTooLarge(gotBytes: number): void {
    const message = `the body: expected at most ${bytesMax} bytes, got ${gotBytes} or more`;
    this.onBroken(new ServeError("body_too_large", message));
  }

  onTooManyChunks(chunkCount: number): void {
    this.onBroken(new ServeError("invalid_request", `the body: expected fewer chunks, got ${chunkCount}`));
  }

  onNoRoom(): void {
    const message = "the bodies that are arriving hold the most bytes that this server takes; try again later";
    this.onBroken(new ServeError("overloaded", message));
  }

  onBroken(error: unknown): void {
    this.#needs.onAnswerError(this.#exchange, error);
  }

  onGone(): void {}
}

function membersOf(body: Buffer): Record<string, unknown> {
  return parseObject(body, limits, "the request's message as an object");
}
