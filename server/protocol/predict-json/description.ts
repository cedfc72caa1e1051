/** Bodies and answers of `/predict` as JSON Schema. */

import { errorTable, publicCodes } from "../../errors.js";
import { type JsonObject, schemaRef } from "../json-schema.js";
import type { ProtocolContract, ProtocolDescription } from "../protocol.js";

const text = { type: "string" };
const count = { type: "integer", minimum: 0 };

const schemas: Readonly<Record<string, JsonObject>> = {
  Error: {
    type: "object",
    properties: {
      error: {
        type: "object",
        properties: {
          code: schemaRef("ErrorCode"),
          message: { ...text, description: "For people: where, what was expected, what came. It may change." },
          issues: { type: "array", items: schemaRef("Issue"), maxItems: 100 },
          request_id: text,
        },
        required: ["code", "message", "issues", "request_id"],
      },
    },
    required: ["error"],
  },
  ErrorCode: {
    description: "Stable: what programs go by.",
    oneOf: publicCodes.map((code) => ({
      const: code,
      description: errorTable[code].meaning,
      "x-status": errorTable[code].http,
      "x-retry": errorTable[code].retry,
    })),
  },
  Issue: {
    type: "object",
    properties: {
      row: { ...count, description: "The row's place in the request, from 0." },
      feature: text,
      expected: text,
      got: { ...text, description: "The value of a feature that is personal data is not repeated." },
    },
    required: ["row", "feature", "expected", "got"],
  },
  RowError: {
    type: "object",
    description: "A row of a partial request that is not answered.",
    properties: {
      row: count,
      code: schemaRef("ErrorCode"),
      message: text,
      issues: { type: "array", items: schemaRef("Issue") },
    },
    required: ["row", "code", "message", "issues"],
  },
  Fallback: {
    type: "object",
    description: "The bundle's fallback answered in place of the model.",
    properties: { reason: schemaRef("ErrorCode"), rows: { type: "array", items: count } },
    required: ["reason"],
  },
};

/** What a prediction is; of any model where none is given. */
function predictionOf(contract: ProtocolContract | undefined): JsonObject {
  if (contract === undefined) return { type: ["number", "string", "boolean", "array"] };
  const { names, labels } = contract.postprocessor;
  if (names !== undefined) {
    const bounds = { minItems: names.length, maxItems: names.length };
    return { type: "array", items: { type: "number" }, ...bounds, description: names.join(", ") };
  }
  return labels === undefined ? { type: "number" } : { enum: [...labels] };
}

function probabilitiesOf(contract: ProtocolContract | undefined): JsonObject | undefined {
  if (contract === undefined) return { type: "object", additionalProperties: { type: "number" } };
  const { hasProbabilities, labels } = contract.postprocessor;
  if (!hasProbabilities) return undefined;
  const keys = labels!.map(String);
  const properties = Object.fromEntries(keys.map((key) => [key, { type: "number" }]));
  return { type: "object", description: "By label.", properties, required: keys };
}

/** @param schema - Of a row that is answered. */
const listOf = (schema: JsonObject) => ({
  type: "array",
  description: "In the order of the rows; null for one that is not answered.",
  items: { anyOf: [schema, { type: "null" }] },
});

export const predictJsonDescription: ProtocolDescription = {
  schemas,
  error: schemaRef("Error"),
  parameters: [],
  otherContent: {},

  request(row, contract) {
    const rowsMax = contract?.bodyLimits.decode.rowsMax;
    const rows = { type: "array", items: row, minItems: 1, ...(rowsMax !== undefined && { maxItems: rowsMax }) };
    const partial = { type: "boolean", default: false, description: "Answer the good rows although some are bad." };
    const context = { type: "object", description: "What each row gets beside what it brings itself." };
    const sharing = {
      ...rows,
      items: { anyOf: [row, { type: "object", description: "With context: the rest of a row." }] },
    };
    const fields = {
      type: "array",
      items: text,
      minItems: 1,
      description: "What is answered: prediction, probabilities, probabilities.<label>, top:<k>.",
    };
    const properties = { rows: sharing, context, fields, partial };
    const several = { type: "object", properties, required: ["rows"], additionalProperties: false };
    return { anyOf: [row, { title: "Several rows", ...several }, { title: "A list of rows", ...rows }] };
  },

  reply(contract) {
    const common = {
      fallback: schemaRef("Fallback"),
      model: contract === undefined ? text : { const: contract.name },
      version: { type: "integer", minimum: 1 },
      request_id: text,
    };
    const always = ["model", "version", "request_id"];
    const prediction = predictionOf(contract);
    const probabilities = probabilitiesOf(contract);
    const errors = { type: "array", items: schemaRef("RowError"), description: "Where the request says partial." };
    return {
      oneOf: [
        {
          title: "Of one row",
          type: "object",
          properties: { prediction, ...(probabilities && { probabilities }), ...common },
          required: ["prediction", ...always],
        },
        {
          title: "Of several rows",
          type: "object",
          properties: {
            predictions: listOf(prediction),
            ...(probabilities && { probabilities: listOf(probabilities) }),
            errors,
            ...common,
          },
          required: ["predictions", ...always],
        },
      ],
    };
  },

  examples: (row) => ({ row, rows: { rows: [row] } }),
};
