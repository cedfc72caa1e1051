/** What is answered at an address of no protocol, in OpenAPI's words: the routes' table says it of each. */

import type { ErrorCode } from "../../errors.js";
import { type JsonObject, schemaRef } from "../../protocol/json-schema.js";

export interface DescribedReply {
  readonly what: string;
  readonly contentType: string;
  readonly schema: JsonObject;
}

export interface AnswerDescription {
  readonly replies: Readonly<Record<number, DescribedReply>>;
  /** Beside those that may happen at any address. */
  readonly errors?: readonly ErrorCode[];
  /** Whether the reply has an ETag, and a caller that names it gets 304. */
  readonly isKept?: boolean;
}

export const jsonType = "application/json";
export const htmlType = "text/html; charset=utf-8";

/** A reply of JSON with status 200. @param schema - The name of one of {@link answerSchemas}, or a schema. */
export function answersJson(
  what: string,
  schema: string | JsonObject,
  ...errors: readonly ErrorCode[]
): AnswerDescription {
  return { replies: { 200: jsonReply(what, schema) }, errors };
}

export function jsonReply(what: string, schema: string | JsonObject): DescribedReply {
  return { what, contentType: jsonType, schema: typeof schema === "string" ? schemaRef(schema) : schema };
}

const text = { type: "string" };
const orNull = (type: string) => ({ type: [type, "null"] });
const flag = { type: "boolean" };
const listOf = (items: JsonObject) => ({ type: "array", items });

function object(properties: JsonObject, optional: readonly string[] = []): JsonObject {
  return { type: "object", properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}

const state = { type: "string", description: "ready, or why it does not answer.", examples: ["ready", "failed"] };
const version = { type: "integer", minimum: 1 };
const task = { type: ["string", "null"], description: "regression or classification; null while nothing was read." };
const serving = { type: ["integer", "null"], description: "The version that answers calls that name none." };

/** By name; no model's name begins with a capital letter. */
export const answerSchemas: Readonly<Record<string, JsonObject>> = {
  Server: object({
    server: { const: "plumb" },
    version: text,
    ready: flag,
    default_model: orNull("string"),
    models: listOf(
      object({
        name: text,
        task,
        serving,
        versions: listOf(object({ version, state })),
        predict: text,
        describe: text,
        example: {
          description: "A row to try the model with; null where none can be shown.",
          type: ["object", "null"],
        },
      }),
    ),
    addresses: listOf(object({ verb: text, address: text, what: text })),
  }),
  ModelList: object({
    models: listOf(
      object({
        name: text,
        task,
        serving,
        versions: listOf(object({ version, state, reason: text }, ["reason"])),
      }),
    ),
  }),
  Model: object({
    name: text,
    serving,
    versions: listOf(
      object({
        version,
        state,
        reason: orNull("string"),
        role: { enum: ["champion", "standby"] },
        digest: orNull("string"),
        engine: orNull("string"),
        engines: listOf(object({ model: text, engine: text, reason: orNull("string") })),
        created: orNull("string"),
        task,
        outputs: { type: ["array", "null"], description: "What the numbers of a prediction are called." },
        parity: orNull("object"),
        slo: orNull("object"),
        limits: orNull("object"),
        fallback: orNull("string"),
        proof: { type: ["object", "null"], description: "What the golden rows showed on this server." },
        problems: listOf(text),
      }),
    ),
    schema: { type: ["object", "null"], description: "The JSON Schema of a row." },
  }),
  Live: object({ live: { const: true } }),
  Ready: object({ ready: flag, stuck_workers: { type: "integer", minimum: 1 }, detail: text }, [
    "stuck_workers",
    "detail",
  ]),
  InferServer: object({ name: text, version: text, extensions: listOf(text) }),
  InferModel: object({
    name: text,
    versions: listOf(text),
    platform: text,
    inputs: listOf(schemaRef("InferTensor")),
    outputs: listOf(schemaRef("InferTensor")),
  }),
  InferTensor: object({ name: text, datatype: text, shape: listOf({ type: "integer", minimum: -1 }) }),
  V1Models: object({ models: listOf(text) }),
  V1Status: object({
    name: text,
    ready: flag,
    model_version_status: listOf(
      object({ version: text, state: text, status: object({ error_code: text, error_message: text }) }),
    ),
  }),
  InferReady: object({ name: text, ready: flag }),
};
