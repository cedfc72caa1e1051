/**
 * Addresses that change what is served: the admin listener's own, and the repository extension of the Open Inference
 * Protocol. Each is answered when what it asks for is done.
 */

import { ServeError } from "../errors.js";
import { openInference } from "../protocol/open-inference/protocol.js";
import { checkParameters, repositoryIndex, throwUnlessServed } from "../protocol/open-inference/repository.js";
import type { Registry } from "../versions/registry.js";
import { Servable } from "../versions/servable.js";
import type { VersionControl } from "../versions/version-control.js";
import { decodeName } from "./address.js";
import type { Exchange } from "./http/transport.js";
import { type AnswerDescription, jsonReply } from "./openapi/answer-description.js";
import { readOrder } from "./read-json.js";
import type { AddressNames, Route } from "./router.js";

export interface ControlNeeds {
  readonly registry: Registry;
  /** @throws {@link ServeError} not_ready while the models of the start are loaded. */
  readonly control: () => VersionControl;
  /** Answers for what went wrong while an answer was made. */
  readonly onAnswerError: (exchange: Exchange, error: unknown) => void;
}

const json = "application/json";

export const controlRoutes: readonly Route<ControlNeeds>[] = [
  {
    verb: "POST",
    address: "/store/scan",
    what: "looks at the model store now, and says what it found; what is new is loaded then",
    answer: order(async (exchange, { control }) => sendJson(exchange, 200, await control().scan())),
  },
  {
    verb: "POST",
    address: "/models/{model}/versions/{version}/load",
    what: "loads this version, and answers when it serves, or why it doesn't",
    answer: order(load),
  },
  {
    verb: "POST",
    address: "/models/{model}/versions/{version}/unload",
    what: "takes this version out of service, and answers when it has answered its last call",
    answer: order(async (exchange, { control }, names) => {
      const { model, version } = namedVersion(names);
      await control().unload(model, version);
      sendJson(exchange, 200, { model, version, state: "unloaded" });
    }),
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

export const repositoryRoutes: readonly Route<ControlNeeds>[] = [
  {
    verb: "POST",
    address: "/v2/repository/index",
    what: 'every version of every model with its state; with {"ready": true} those that serve',
    protocol: openInference,
    reply: indexed,
    answer: withBody(async (exchange, { registry }, _names, { ready }) => {
      sendJson(exchange, 200, repositoryIndex(registry.listed, ready === true));
    }),
  },
  {
    verb: "POST",
    address: "/v2/repository/models/{model}/load",
    what: "loads what the model's policy wants, and answers when it serves",
    protocol: openInference,
    reply: done,
    answer: withBody(async (exchange, { control }, { model }, body) => {
      checkParameters(Object.keys((body.parameters as object | null | undefined) ?? {}));
      const name = decodeName(model!);
      throwUnlessServed(name, await control().loadModel(name));
      sendJson(exchange, 200, {});
    }),
  },
  {
    verb: "POST",
    address: "/v2/repository/models/{model}/unload",
    what: "takes every version of the model out of service",
    protocol: openInference,
    reply: done,
    answer: withBody(async (exchange, { control }, { model }, body) => {
      checkParameters(Object.keys((body.parameters as object | null | undefined) ?? {}));
      await control().unloadModel(decodeName(model!));
      sendJson(exchange, 200, {});
    }),
  },
];

type Answer = (exchange: Exchange, needs: ControlNeeds, names: AddressNames) => void;

/** An answer that takes its time. */
function order(answer: (...args: Parameters<Answer>) => Promise<void>): Answer {
  return (exchange, needs, names) => {
    answer(exchange, needs, names).catch((error) => needs.onAnswerError(exchange, error));
  };
}

/** An answer that takes its time, to an order with a body. */
function withBody(
  answer: (...args: [...Parameters<Answer>, Readonly<Record<string, unknown>>]) => Promise<void>,
): Answer {
  return (exchange, needs, names) => {
    const fail = (error: unknown) => needs.onAnswerError(exchange, error);
    readOrder(exchange, (body) => void answer(exchange, needs, names, body).catch(fail), fail);
  };
}

async function load(exchange: Exchange, { control }: ControlNeeds, names: AddressNames): Promise<void> {
  const { model, version } = namedVersion(names);
  const found = await control().load(model, version);
  if (found instanceof Servable) {
    const { state, contract, proof } = found;
    sendJson(exchange, 200, { model, version, state, digest: contract.bundle.digest, proof: proof ?? null });
    return;
  }
  const { fault, problems } = found;
  const message = `${model}/${version} is ${fault}: ${problems[0]}`;
  // One that isn't whole may be in a moment; any other has to be exported again.
  sendJson(exchange, fault === "incomplete" ? 409 : 422, { error: { code: fault, message, problems } });
}

/** @throws {@link ServeError} model_not_found for what is no version's number. */
function namedVersion({ model, version }: AddressNames): { model: string; version: number } {
  const name = decodeName(model!);
  const text = decodeName(version!);
  if (!/^[1-9]\d{0,15}$/.test(text))
    throw new ServeError("model_not_found", `version: expected a positive integer, got ${JSON.stringify(text)}`);
  return { model: name, version: Number(text) };
}

function sendJson(exchange: Exchange, status: number, answer: object): void {
  exchange.send(status, json, `${JSON.stringify(answer)}\n`);
}
