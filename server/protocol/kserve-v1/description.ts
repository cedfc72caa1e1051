/** Requests and answers of KServe's V1 protocol as JSON Schema; and those of `/invocations`, which answers alike. */

import { type JsonObject, schemaRef } from "../json-schema.js";
import type { ProtocolDescription } from "../protocol.js";

const text = { type: "string" };
const list = (items: JsonObject, more: JsonObject = {}) => ({ type: "array", items, ...more });
const flatRow = list({}, { description: "A row's values, in the order of the schema." });
const columns = {
  type: "object",
  description: "By feature its values, one a row.",
  additionalProperties: { type: "array" },
};

/** The members that hold rows: one of them stands in a body. */
const instances = (row: JsonObject): JsonObject => ({
  type: "object",
  properties: { instances: list({ anyOf: [row, flatRow] }, { minItems: 1 }) },
  required: ["instances"],
});
const inputs = (row: JsonObject): JsonObject => ({
  type: "object",
  properties: { inputs: { anyOf: [columns, list({ anyOf: [row, flatRow] })] } },
  required: ["inputs"],
});
const split: JsonObject = {
  type: "object",
  properties: {
    dataframe_split: {
      type: "object",
      properties: { columns: list(text), index: { type: "array" }, data: list({ type: "array" }) },
      required: ["columns", "data"],
    },
  },
  required: ["dataframe_split"],
};
const records = (row: JsonObject): JsonObject => ({
  type: "object",
  properties: { dataframe_records: list(row, { minItems: 1 }) },
  required: ["dataframe_records"],
});

const answers = (key: string, what: string): JsonObject => ({
  title: what,
  type: "object",
  properties: { [key]: list({ description: "A number, a label, or a list of numbers." }) },
  required: [key],
});
const predictions = answers("predictions", "Of rows");

export const kserveV1Description: ProtocolDescription = {
  schemas: { V1Error: { type: "object", properties: { error: text }, required: ["error"] } },
  error: schemaRef("V1Error"),
  parameters: [],
  otherContent: {},
  request: (row) => ({ anyOf: [instances(row), inputs(row)] }),
  reply: () => ({ anyOf: [predictions, answers("outputs", "Of columns")] }),
  examples: (row) => ({ row: { instances: [row] } }),
};

export const invocationsDescription: ProtocolDescription = {
  schemas: {
    InvocationsError: {
      type: "object",
      properties: { error_code: text, message: text },
      required: ["error_code", "message"],
    },
  },
  error: schemaRef("InvocationsError"),
  parameters: [],
  otherContent: { "text/csv": { schema: { type: "string", description: "A line of names, then a line a row." } } },
  request: (row) => ({ anyOf: [split, records(row), instances(row), inputs(row)] }),
  reply: () => predictions,
  examples: (row) => ({ row: { dataframe_records: [row] } }),
};
