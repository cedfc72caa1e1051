/**
 * The messages of a model's typed proto, made from its row schema and its answers: what the text prints, what two
 * versions are compared by, and what the codecs read and write.
 */

import {
  defaultJsonName,
  emptyLists,
  type Feature,
  mayBeJsonName,
  type ProtoField,
  planProtoFields,
} from "../../../bundle/index.js";
import type { ProtocolContract } from "../protocol.js";

export interface MessageField {
  readonly number: number;
  readonly name: string;
  /** A scalar type, a message of the file, or a map. */
  readonly type: string;
  readonly rule: "" | "optional" | "repeated";
  /** Where it isn't the one that follows from the name. */
  readonly jsonName?: string;
  readonly comment?: string;
  /** Of a feature: its name. */
  readonly label?: string;
}

export interface Message {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly MessageField[];
  readonly reserved: readonly ProtoField[];
}

/** What a prediction's `value` is. */
export type ValueType = "double" | "string" | "bool" | "doubles";

const scalars = { number: "double", integer: "int64", boolean: "bool", string: "string" } as const;
export type ScalarKind = (typeof scalars)[keyof typeof scalars];

/** Of a feature's value, or of its list's items. */
export function scalarOf({ type, itemType }: Feature): ScalarKind {
  return scalars[type === "array" ? itemType! : type];
}

/** Whether a row without the feature is one with a missing value, or without a list's items one with an empty list. */
export function mayMiss({ nullable, required }: Feature): boolean {
  return nullable || !required;
}

/** Whether a list may be empty as well as missing, so that a row has to say which. */
export function hasEmptyLists(features: readonly Feature[]): boolean {
  return features.some((feature) => feature.type === "array" && mayMiss(feature) && !((feature.minItems ?? 0) > 0));
}

export function valueTypeOf({ names, labels }: ProtocolContract["postprocessor"]): ValueType {
  if (names !== undefined) return "doubles";
  if (labels === undefined || labels.every((label) => typeof label === "number")) return "double";
  return labels.every((label) => typeof label === "boolean") ? "bool" : "string";
}

const plain = (number: number, name: string, type: string, comment?: string): MessageField => ({
  number,
  name,
  type,
  rule: "",
  ...(comment !== undefined && { comment }),
});
const repeated = (number: number, name: string, type: string, comment?: string): MessageField => ({
  ...plain(number, name, type, comment),
  rule: "repeated",
});
const message = (name: string, comment: string, ...fields: MessageField[]): Message => ({
  name,
  comment,
  fields,
  reserved: [],
});

const issue = message(
  "Issue",
  "What is wrong with a row.",
  plain(1, "row", "uint32", "Its place in the request, from 0."),
  plain(2, "feature", "string", "By its name in the schema; empty when the row as a whole is at fault."),
  plain(3, "expected", "string"),
  plain(4, "got", "string"),
);
const rowError = message(
  "RowError",
  "A row of a partial request that isn't answered.",
  plain(1, "row", "uint32"),
  plain(2, "code", "string"),
  plain(3, "message", "string"),
  repeated(4, "issues", "Issue"),
);
const fallback = message(
  "Fallback",
  "The model couldn't answer, and the bundle's fallback did.",
  plain(1, "reason", "string"),
  repeated(2, "rows", "uint32", "Those that it answered; none stands for all."),
);
const errorDetails = message(
  "ErrorDetails",
  "The detail of every error.",
  plain(1, "code", "string", "As docs/errors.md has it."),
  repeated(2, "issues", "Issue"),
  plain(3, "request_id", "string"),
);
const predictReply = message(
  "PredictReply",
  "The answer.",
  repeated(1, "predictions", "Prediction", "One a row, in the order of the rows."),
  plain(2, "model", "string"),
  plain(3, "version", "string"),
  plain(4, "request_id", "string"),
  repeated(5, "errors", "RowError", "Only of a partial request."),
  plain(6, "fallback", "Fallback"),
);
const fieldsWords =
  "What to answer: prediction, probabilities, probabilities.<label>, top:<k>. Without any, all but the last.";
const predictRequest = message(
  "PredictRequest",
  "Rows to predict.",
  plain(1, "context", "Context"),
  repeated(2, "rows", "Row"),
  plain(3, "partial", "bool", "Bad rows are left out, with their errors, instead of failing the request."),
  repeated(4, "fields", "string", fieldsWords),
  plain(
    5,
    "request_id",
    "string",
    "Repeated in the answer and in the server's log: 1 to 128 of A-Z a-z 0-9 . _ : @ / + = -",
  ),
);

/** The messages of a version's proto, in the order in which they are printed. */
export function messagesOf({ rowSchema, protoNumbers, postprocessor }: ProtocolContract): readonly Message[] {
  const { features, document } = rowSchema;
  const planned = planProtoFields(features, protoNumbers);
  const reserved = planned.filter(({ feature }) => feature === undefined);
  const fields = planned.flatMap((field) => {
    if (field.feature === undefined) return [];
    const { title, description } = document.properties[field.label]!;
    return [rowField(field, field.feature, [description ?? title, unitWords(field.feature)])];
  });
  if (hasEmptyLists(features)) {
    const comment = "Names of the lists that are empty. A list without items that isn't named here is a missing value.";
    fields.push(repeated(emptyLists.number, emptyLists.name, "string", comment));
  }
  return [
    predictRequest,
    { name: "Row", comment: document.description ?? "What a prediction is made of.", fields, reserved },
    { name: "Context", comment: "What each row gets that doesn't bring its own.", fields, reserved },
    predictReply,
    ...predictionMessages(postprocessor),
    rowError,
    issue,
    fallback,
    errorDetails,
  ];
}

function unitWords({ unit }: Feature): string | undefined {
  return unit === undefined ? undefined : `Unit: ${unit}.`;
}

function rowField({ number, name, label }: ProtoField, feature: Feature, notes: (string | undefined)[]): MessageField {
  const isList = feature.type === "array";
  const advice = mayMiss(feature) ? [] : isList ? [] : ["Required."];
  const comment = [...notes, ...advice].filter((note) => note !== undefined && note !== "").join(" ");
  return {
    number,
    name,
    type: scalarOf(feature),
    rule: isList ? "repeated" : "optional",
    label,
    ...(comment !== "" && { comment }),
    ...(mayBeJsonName(label) && defaultJsonName(name) !== label && { jsonName: label }),
  };
}

function predictionMessages(postprocessor: ProtocolContract["postprocessor"]): Message[] {
  const { names, labels, hasProbabilities } = postprocessor;
  const type = valueTypeOf(postprocessor);
  const value: MessageField = names
    ? repeated(1, "value", "double", `In this order: ${names.map((name) => JSON.stringify(name)).join(", ")}.`)
    : { ...plain(1, "value", type), rule: "optional" };
  const words = labels?.map((label) => JSON.stringify(String(label))).join(", ");
  const comment = "What is predicted for a row. Of a row that isn't answered, nothing.";
  if (!hasProbabilities) return [message("Prediction", comment, value)];
  return [
    message(
      "Prediction",
      comment,
      value,
      plain(2, "probabilities", "map<string, double>", `By label: ${words}.`),
      repeated(3, "top", "LabelProbability", "The most probable labels, the most probable one first, where asked for."),
    ),
    message(
      "LabelProbability",
      "A label, and how probable it is.",
      plain(1, "label", type),
      plain(2, "probability", "double"),
    ),
  ];
}
