/** Requests and answers of the Open Inference Protocol as JSON Schema. */

import { type JsonObject, schemaRef } from "../json-schema.js";
import type { ProtocolContract, ProtocolDescription } from "../protocol.js";
import { lengthHeader, tensorsOf } from "./decode.js";

const text = { type: "string" };
const shape = { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 2 };

const schemas: Readonly<Record<string, JsonObject>> = {
  InferError: { type: "object", properties: { error: text }, required: ["error"] },
  InferInput: {
    type: "object",
    description:
      "A feature of every row; or `<feature>:missing`, of BOOL, which marks the rows in which the feature is missing.",
    properties: {
      name: text,
      shape: { ...shape, description: "[rows] or [rows, 1]; of a list [rows, length]." },
      datatype: text,
      data: { type: "array", description: "The elements, row by row; null is a missing value." },
      parameters: {
        type: "object",
        properties: { binary_data_size: { type: "integer", minimum: 0, description: "In the place of data." } },
      },
    },
    required: ["name", "shape", "datatype"],
  },
  InferOutput: {
    type: "object",
    properties: {
      name: text,
      shape,
      datatype: text,
      data: { type: "array" },
      parameters: { type: "object" },
    },
    required: ["name", "shape", "datatype"],
  },
};

const oneOfNames = (names: Iterable<string>) => ({ properties: { name: { enum: [...names] } } });

export const openInferenceDescription: ProtocolDescription = {
  schemas,
  error: schemaRef("InferError"),
  parameters: [
    {
      name: lengthHeader,
      in: "header",
      description:
        "How many bytes of the body are JSON, where binary data stand behind it. 0: the body is one row of the model's only tensor.",
      schema: { type: "integer", minimum: 0 },
    },
  ],
  otherContent: { "application/octet-stream": { schema: { description: "JSON, and binary data behind it." } } },

  request(_row, contract) {
    const inputs = contract && oneOfNames(tensorsOf(contract).inputs.keys());
    const outputs = contract && oneOfNames(tensorsOf(contract).outputs.map(({ name }) => name));
    return {
      type: "object",
      properties: {
        id: { ...text, description: "Repeated in the answer." },
        inputs: { type: "array", items: { ...schemaRef("InferInput"), ...inputs }, minItems: 1 },
        outputs: {
          type: "array",
          description: "Those that are asked for; all where none is listed.",
          items: { type: "object", properties: { name: text, parameters: { type: "object" } }, ...outputs },
        },
        parameters: {
          type: "object",
          properties: {
            binary_data_output: { type: "boolean" },
            timeout: { type: "integer", minimum: 0, description: "Microseconds." },
          },
        },
      },
      required: ["inputs"],
    };
  },

  reply(contract) {
    return {
      type: "object",
      properties: {
        model_name: contract === undefined ? text : { const: contract.name },
        model_version: text,
        id: text,
        parameters: { type: "object", properties: { fallback: text } },
        outputs: { type: "array", items: schemaRef("InferOutput"), minItems: 1 },
      },
      required: ["model_name", "model_version", "outputs"],
    };
  },

  examples(row, contract): Readonly<Record<string, JsonObject>> {
    const inputs = inputsOf(row, contract);
    return inputs === undefined || inputs.length === 0 ? {} : { row: { inputs } };
  },
};

/** A row as tensors; undefined where one of them can't be written without a mask. */
export function inputsOf(row: JsonObject, contract: ProtocolContract): readonly JsonObject[] | undefined {
  const sent = [...tensorsOf(contract).inputs.values()].filter(
    ({ name, isMask }) => !isMask && Object.hasOwn(row, name),
  );
  if (sent.some(({ name, isList }) => isList && row[name] === null)) return undefined;
  return sent.map(({ name, datatype, isList }) => {
    const data = isList ? (row[name] as readonly unknown[]) : [row[name]];
    return { name, datatype, shape: [1, data.length], data };
  });
}
