/**
 * Addresses that change what is served: the admin listener's own, and the repository extension of the Open Inference
 * Protocol. Each is answered when what it asks for is done.
 */

import { ServeError } from "../errors.js";
import { openInference } from "../protocol/open-inference/protocol.js";
import { checkParameters } from "../protocol/open-inference/repository.js";
import { decodeName } from "./address.js";
import type { Exchange } from "./http/transport.js";
import { type AnswerDescription, jsonReply } from "./openapi/answer-description.js";
import { readOrder } from "./read-json.js";
import type { AddressNames, AnswerRoute } from "./router.js";
import type { OrderAnswer, StoreOrder } from "./store-orders.js";

export interface ControlNeeds {
  /** @throws {@link ServeError} model_not_found, not_ready, invalid_request. */
  readonly perform: (order: StoreOrder) => Promise<OrderAnswer>;
  /** Answers for what went wrong while an answer was made. */
  readonly onAnswerError: (exchange: Exchange, error: unknown) => void;
}

const json = "application/json";

export const controlRoutes: readonly AnswerRoute<ControlNeeds>[] = [
  {
    verb: "POST",
    address: "/store/scan",
    what: "looks at the model store now, and says what it found; what is new is loaded then",
    answer: order(() => ({ kind: "scan" })),
  },
  {
    verb: "POST",
    address: "/models/{model}/versions/{version}/load",
    what: "loads this version, and answers when it serves, or why it doesn't",
    answer: order((names) => ({ kind: "load", ...namedVersion(names) })),
  },
  {
    verb: "POST",
    address: "/models/{model}/versions/{version}/unload",
    what: "takes this version out of service, and answers when it has answered its last call",
    answer: order((names) => ({ kind: "unload", ...namedVersion(names) })),
  },
];

const done: AnswerDescription = {
  replies: { 200: jsonReply("it is done", { type: "object" }) },
  errors: ["malformed_body", "invalid_request", "model_not_found", "not_ready"],
};
const indexed: AnswerDescription = {
  replies: {
    200: jsonReply("name, version, state and reason of each version", { type: "array", items: { type: "object" } }),
  },
  errors: ["malformed_body"],
};

export const repositoryRoutes: readonly AnswerRoute<ControlNeeds>[] = [
  {
    verb: "POST",
    address: "/v2/repository/index",
    what: 'every version of every model with its state; with {"ready": true} those that serve',
    protocol: openInference,
    reply: indexed,
    answer: withBody((_names, { ready }) => ({ kind: "index", readyOnly: ready === true })),
  },
  {
    verb: "POST",
    address: "/v2/repository/models/{model}/load",
    what: "loads what the model's policy wants, and answers when it serves",
    protocol: openInference,
    reply: done,
    answer: withBody((names, body) => ({ kind: "load_model", model: namedModel(names, body) })),
  },
  {
    verb: "POST",
    address: "/v2/repository/models/{model}/unload",
    what: "takes every version of the model out of service",
    protocol: openInference,
    reply: done,
    answer: withBody((names, body) => ({ kind: "unload_model", model: namedModel(names, body) })),
  },
];

type Answer = (exchange: Exchange, needs: ControlNeeds, names: AddressNames) => void;

function order(orderOf: (names: AddressNames) => StoreOrder): Answer {
  return (exchange, needs, names) => void perform(exchange, needs, () => orderOf(names));
}

/** An order with a body. */
function withBody(orderOf: (names: AddressNames, body: Readonly<Record<string, unknown>>) => StoreOrder): Answer {
  return (exchange, needs, names) =>
    readOrder(
      exchange,
      (body) => void perform(exchange, needs, () => orderOf(names, body)),
      (error) => needs.onAnswerError(exchange, error),
    );
}

/** An answer that takes its time. */
async function perform(exchange: Exchange, needs: ControlNeeds, orderOf: () => StoreOrder): Promise<void> {
  try {
    const { status, answer } = await needs.perform(orderOf());
    exchange.send(status, json, `${JSON.stringify(answer)}\n`);
  } catch (error) {
    needs.onAnswerError(exchange, error);
  }
}

/** @throws {@link ServeError} invalid_request for parameters that would have to be obeyed. */
function namedModel({ model }: AddressNames, { parameters }: Readonly<Record<string, unknown>>): string {
  checkParameters(Object.keys((parameters as object | null | undefined) ?? {}));
  return decodeName(model!);
}

/** @throws {@link ServeError} model_not_found for what is no version's number. */
function namedVersion({ model, version }: AddressNames): { model: string; version: number } {
  const name = decodeName(model!);
  const text = decodeName(version!);
  if (!/^[1-9]\d{0,15}$/.test(text))
    throw new ServeError("model_not_found", `version: expected a positive integer, got ${JSON.stringify(text)}`);
  return { model: name, version: Number(text) };
}
