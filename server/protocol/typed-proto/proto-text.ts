/** The typed proto of a model as text: one file, which needs no other. */

import type { ProtocolContract } from "../protocol.js";
import { type Message, type MessageField, messagesOf } from "./messages.js";
import { packageOf } from "./service-name.js";

/** Columns of a comment's text. */
const commentWidth = 100;

export function protoText(contract: ProtocolContract): string {
  const { name, number } = contract;
  const messages = messagesOf(contract).map(printMessage);
  return `// Predictions of the model ${name}, version ${number}, by type.

syntax = "proto3";

package ${packageOf(name)};

// Served by Connect, at POST /${packageOf(name)}.Predictor/Predict.
service Predictor {
  rpc Predict(PredictRequest) returns (PredictReply);
}

${messages.join("\n")}`;
}

function printMessage({ name, comment, fields, reserved }: Message): string {
  const lines = [...comments(comment, ""), `message ${name} {`];
  if (reserved.length > 0) {
    lines.push(`  reserved ${reserved.map(({ number }) => number).join(", ")};`);
    lines.push(`  reserved ${reserved.map((field) => quoted(field.name)).join(", ")};`);
  }
  for (const field of fields) lines.push(...comments(field.comment ?? "", "  "), `  ${printField(field)}`);
  return `${lines.join("\n")}\n}\n`;
}

function printField({ rule, type, name, number, jsonName }: MessageField): string {
  const options = jsonName === undefined ? "" : ` [json_name = ${quoted(jsonName)}]`;
  return `${rule === "" ? "" : `${rule} `}${type} ${name} = ${number}${options};`;
}

/** Names are free of control characters and lone surrogates. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Whatever a text holds, it stays behind the slashes. */
function comments(text: string, indent: string): string[] {
  const words = text.split(/[\s\p{Cc}\u2028\u2029]+/u).filter((word) => word !== "");
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < commentWidth) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent}// ${(line as string & { toWellFormed(): string }).toWellFormed()}`);
}
