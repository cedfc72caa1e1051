/** Requests and answers of the typed proto in its JSON form, as JSON Schema. */

import { connectErrorSchema, connectParameters, protoType } from "../connect/head.js";
import { type JsonObject, schemaRef } from "../json-schema.js";
import type { ProtocolDescription } from "../protocol.js";

const text = { type: "string" };
const list = (items: JsonObject) => ({ type: "array", items });

const schemas: Readonly<Record<string, JsonObject>> = {
  ConnectError: connectErrorSchema,
  TypedRow: {
    type: "object",
    description: "A field for each feature, as `GET /models/{model}/proto` has them; 64-bit integers may be strings.",
  },
  TypedPrediction: {
    type: "object",
    properties: {
      value: { description: "A number, a label, or an object with a list of numbers." },
      top: { ...list({ type: "object" }), description: "Labels with their probabilities, where asked for." },
      probabilities: { type: "object", additionalProperties: { type: ["number", "string"] } },
    },
  },
};

export const typedProtoDescription: ProtocolDescription = {
  schemas,
  error: schemaRef("ConnectError"),
  parameters: connectParameters,
  otherContent: {
    [protoType]: { schema: { description: "The same message in protobuf's binary form." } },
  },

  request: () => ({
    type: "object",
    properties: {
      context: { ...schemaRef("TypedRow"), description: "What each row gets that it doesn't bring itself." },
      rows: { ...list(schemaRef("TypedRow")), minItems: 1 },
      partial: { type: "boolean" },
      fields: { ...list(text), description: "What is answered, as for `/predict`; all of it where none is listed." },
      requestId: text,
    },
    required: ["rows"],
  }),

  reply: () => ({
    type: "object",
    properties: {
      predictions: list(schemaRef("TypedPrediction")),
      errors: list({ type: "object" }),
      fallback: { type: "object" },
      model: text,
      version: { ...text, description: "A 64-bit integer, as protobuf's JSON has it." },
      requestId: text,
    },
    required: ["predictions", "model", "version", "requestId"],
  }),

  examples: (row) => ({ row: { rows: [row] } }),
};
