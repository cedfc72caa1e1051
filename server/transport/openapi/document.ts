/**
 * The parts of the OpenAPI document, made of the table of routes, the protocols and the contracts of what is served.
 *
 * Pure. What belongs to one model is a part of its own, so that a document of many is written a model at a time.
 */

import { type ErrorCode, errorTable, publicCodes, ServeError } from "../../errors.js";
import { exampleRow } from "../../example-row.js";
import { type JsonObject, schemaRef } from "../../protocol/json-schema.js";
import type { Protocol } from "../../protocol/protocol.js";
import type { Contract } from "../../versions/contract.js";
import type { AnswerRoute, PredictRoute, ServedAddress } from "../router.js";
import { type AnswerDescription, answerSchemas } from "./answer-description.js";
import { headerRef, parameterComponents, pathParameters, predictParameters, replyHeaders } from "./parameters.js";

export type DescribedRoute = PredictRoute | (ServedAddress & Pick<AnswerRoute<never>, "reply">);

export interface DocumentSource {
  readonly routes: readonly DescribedRoute[];
  /** The protocol whose form errors at an address have. */
  readonly protocolAt: (address: string) => Protocol;
  /** Of Plumb. */
  readonly version: string;
}

/** Members by name; a document has those of all its parts. */
export interface DocumentPart {
  readonly paths: Readonly<Record<string, JsonObject>>;
  readonly responses: Readonly<Record<string, JsonObject>>;
  readonly schemas: Readonly<Record<string, JsonObject>>;
  readonly examples: Readonly<Record<string, JsonObject>>;
}

/** The members of a document beside its parts. */
export interface DocumentFrame {
  readonly head: JsonObject;
  readonly components: JsonObject;
}

/** What a server may answer at any address that it has. */
const commonErrors: readonly ErrorCode[] = ["request_timeout", "headers_too_large", "internal"];
/** What no address that exists answers to the verb that it has. */
const errorsElsewhere: ReadonlySet<ErrorCode> = new Set(["route_not_found", "method_not_allowed"]);
const codes = publicCodes.filter((code) => !errorsElsewhere.has(code));

const isPrediction = (route: DescribedRoute): route is PredictRoute => "protocol" in route && !("answer" in route);

/** The addresses at which a model is asked by its name alone. */
export function isAddressOfModel(route: DescribedRoute): route is PredictRoute {
  return isPrediction(route) && route.address.includes("{model}") && !route.address.includes("{version}");
}

/** @param example - A model that is served, whose row stands as an example where any model is meant. */
export function describeFrame(source: DocumentSource, example: Contract | undefined): DocumentFrame {
  const { routes, protocolAt, version } = source;
  const tags = [...new Set(routes.map((route) => tagOf(route, protocolAt)))];
  return {
    head: {
      openapi: "3.1.1",
      info: {
        title: "Plumb",
        version,
        description:
          "Predictions of the models that this server holds. Wherever GET is served, HEAD is. Every error has a code of the schema ErrorCode; docs/http.md of Plumb has limits and timeouts.",
      },
      servers: [{ url: "./" }],
      tags: tags.map((name) => ({ name })),
    },
    components: { parameters: parameterComponents(example), headers: replyHeaders },
  };
}

/**
 * What isn't a single model's, in parts: schemas and errors of each protocol, and each route as the table has it.
 *
 * @param byDefault - What the addresses that name no model answer for.
 */
export function* describeShared(
  source: DocumentSource,
  example: Contract | undefined,
  byDefault: Contract | undefined,
): Generator<Partial<DocumentPart>> {
  const { routes, protocolAt } = source;
  yield { schemas: { ...answerSchemas, AnyRow: anyRow } };
  for (const protocol of protocolsOf(source)) {
    yield { schemas: protocol.description?.schemas ?? {}, responses: describeErrors(protocol) };
  }
  for (const address of new Set(routes.map((route) => route.address))) {
    const verbs = routes
      .filter((route) => route.address === address)
      .map((route) => {
        const described = isPrediction(route)
          ? describePrediction(route, address, address.includes("{") ? undefined : byDefault, example)
          : describeAnswer(route, source);
        return [route.verb.toLowerCase(), { tags: [tagOf(route, protocolAt)], ...described }];
      });
    yield { paths: { [address]: Object.fromEntries(verbs) } };
  }
}

/** One model: its row, and the addresses at which it is asked by its name. */
export function describeModelPart({ routes, protocolAt }: DocumentSource, contract: Contract): Partial<DocumentPart> {
  const { name, rowSchema } = contract;
  const paths: Record<string, JsonObject> = {};
  const schemas: Record<string, JsonObject> = { [`${name}.row`]: rowSchema.document };
  const examples: Record<string, JsonObject> = {};
  const text = exampleRow(contract);
  const row = text === undefined ? undefined : (JSON.parse(text) as JsonObject);
  for (const route of routes.filter(isAddressOfModel)) {
    const address = route.address.replace("{model}", name);
    const described = describePrediction(route, address, contract, undefined);
    const more = { "x-plumb-model": name, "x-plumb-address": route.address };
    paths[address] = { [route.verb.toLowerCase()]: { tags: [tagOf(route, protocolAt)], ...described, ...more } };
  }
  // Those of the addresses above, and of the ones that ask the default model.
  const asked = routes
    .filter(isPrediction)
    .filter(({ address }) => !address.replace(/\{(?:model|package)\}/, "").includes("{"));
  for (const protocol of new Set(asked.map((route) => route.protocol))) {
    const { description } = protocol;
    if (description === undefined) continue;
    schemas[requestName(contract, protocol)] = description.request(schemaRef(`${name}.row`), contract);
    schemas[replyName(contract, protocol)] = description.reply(contract);
    for (const [key, value] of row === undefined ? [] : Object.entries(description.examples(row, contract)))
      examples[`${name}.${protocol.name}.${key}`] = { value };
  }
  return { paths, schemas, examples };
}

const anyRow: JsonObject = {
  title: "One row",
  type: "object",
  description: "A member for each feature of the model, as its own schema has them.",
  not: { required: ["rows"] },
};

const requestName = ({ name }: Contract, protocol: Protocol) => `${name}.${protocol.name}.request`;
const replyName = ({ name }: Contract, protocol: Protocol) => `${name}.${protocol.name}.reply`;

function describePrediction(
  { verb, what, protocol }: PredictRoute,
  address: string,
  contract: Contract | undefined,
  example: Contract | undefined,
): JsonObject {
  const { description } = protocol;
  const schemaOf = (name: (contract: Contract, protocol: Protocol) => string, ofAny: JsonObject) =>
    contract === undefined ? ofAny : schemaRef(name(contract, protocol));
  const other = description?.otherContent;
  const request = description && {
    "application/json": {
      schema: schemaOf(requestName, description.request(schemaRef("AnyRow"), undefined)),
      ...exampleRefs(protocol, contract ?? example),
    },
    ...other,
  };
  const reply = description && {
    "application/json": { schema: schemaOf(replyName, description.reply(undefined)) },
    ...other,
  };
  return {
    operationId: operationId(verb, address),
    summary: contract === undefined ? what : `${contract.name}: ${what}`,
    parameters: [...pathParameters(address), ...predictParameters(address), ...(description?.parameters ?? [])],
    requestBody: { required: true, content: request ?? { "*/*": {} } },
    responses: {
      200: {
        description: "the prediction",
        headers: { "x-request-id": headerRef("RequestId"), "x-plumb-fallback": headerRef("Fallback") },
        content: reply ?? { "*/*": {} },
      },
      ...errorRefs(protocol, codes),
    },
  };
}

/** Refers to the examples that a model's own part has. */
function exampleRefs(protocol: Protocol, contract: Contract | undefined): JsonObject {
  const text = contract && exampleRow(contract);
  if (contract === undefined || text === undefined) return {};
  const keys = Object.keys(protocol.description!.examples(JSON.parse(text) as JsonObject, contract));
  if (keys.length === 0) return {};
  const refs = keys.map((key) => [key, { $ref: `#/components/examples/${contract.name}.${protocol.name}.${key}` }]);
  return { examples: Object.fromEntries(refs) };
}

function describeAnswer({ verb, address, what, reply }: AnswerLike, { protocolAt }: DocumentSource): JsonObject {
  const { replies, errors = [], isKept = false } = reply ?? unknownReply;
  const inAddress: readonly ErrorCode[] = address.includes("{") ? ["invalid_request"] : [];
  const responses = Object.entries(replies).map(([status, { what: description, contentType, schema }]) => [
    status,
    {
      description,
      ...(isKept && { headers: { etag: headerRef("Etag") } }),
      content: { [contentType]: { schema } },
    },
  ]);
  return {
    operationId: operationId(verb, address),
    summary: what,
    parameters: pathParameters(address),
    responses: {
      ...Object.fromEntries(responses),
      ...(isKept && { 304: { description: "the same as the caller has" } }),
      ...errorRefs(protocolAt(address), [...errors, ...inAddress, ...commonErrors]),
    },
  };
}

type AnswerLike = Exclude<DescribedRoute, PredictRoute>;

/** Of a route that says nothing of its reply. */
const unknownReply: AnswerDescription = { replies: { 200: { what: "the answer", contentType: "*/*", schema: {} } } };

function protocolsOf({ routes, protocolAt }: DocumentSource): readonly Protocol[] {
  return [...new Set(routes.map((route) => (isPrediction(route) ? route.protocol : protocolAt(route.address))))];
}

/** Each status that the protocol answers errors with, with an example for each code. */
function describeErrors(protocol: Protocol): Readonly<Record<string, JsonObject>> {
  const responses: Record<string, JsonObject> = {};
  for (const [status, among] of byStatus(protocol, codes)) {
    const isLater = among.some((code) => errorTable[code].retry);
    const examples = among.map((code) => {
      const { body } = protocol.refuse(new ServeError(code, errorTable[code].meaning), "9f0c2a7b51d3e846-71");
      return [code, { value: parsedIfJson(String(body)) }];
    });
    const { contentType } = protocol.refuse(new ServeError(among[0]!, ""), "");
    responses[`${protocol.name}.${status}`] = {
      description: among.map((code) => `${code}: ${errorTable[code].meaning}`).join("; "),
      headers: { "x-request-id": headerRef("RequestId"), ...(isLater && { "retry-after": headerRef("RetryAfter") }) },
      content: { [contentType]: { schema: protocol.description?.error ?? {}, examples: Object.fromEntries(examples) } },
    };
  }
  return responses;
}

function errorRefs(protocol: Protocol, among: readonly ErrorCode[]): JsonObject {
  const statuses = [...byStatus(protocol, among).keys()];
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${protocol.name}.${status}` }]),
  );
}

/** Codes by the status that the protocol itself gives them. */
function byStatus(protocol: Protocol, among: readonly ErrorCode[]): ReadonlyMap<number, readonly ErrorCode[]> {
  const statuses = new Map<number, ErrorCode[]>();
  for (const code of new Set(among)) {
    const status = statusOf(protocol, code);
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return statuses;
}

const knownStatuses = new WeakMap<Protocol, Map<ErrorCode, number>>();

function statusOf(protocol: Protocol, code: ErrorCode): number {
  const known = knownStatuses.get(protocol) ?? new Map<ErrorCode, number>();
  knownStatuses.set(protocol, known);
  const status = known.get(code) ?? protocol.refuse(new ServeError(code, ""), "").status;
  known.set(code, status);
  return status;
}

function parsedIfJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** A capital stands for a name in braces, since no model's name has one: `post_models_MODEL_predict`. */
function operationId(verb: string, address: string): string {
  const words = address.split(/[/:]/).filter((word) => word !== "");
  return [
    verb.toLowerCase(),
    ...words.map((word) => word.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase())),
  ].join("_");
}

/** The protocol's name, or the first word of the address. */
function tagOf(route: DescribedRoute, protocolAt: DocumentSource["protocolAt"]): string {
  if (isPrediction(route)) return route.protocol.name;
  const [, first = ""] = route.address.split("/");
  if (/^v\d/.test(first)) return protocolAt(route.address).name;
  return route.address.split("/").length > 2 || first === "models" ? first : "server";
}
