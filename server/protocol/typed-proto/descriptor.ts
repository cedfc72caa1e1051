/**
 * The typed proto of a model as a FileDescriptorProto, for gRPC's reflection: the same file that `proto-text.ts` prints.
 *
 * @see https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto
 */

import type { Buffer } from "node:buffer";
import { defaultJsonName } from "../../../bundle/index.js";
import { WireWriter } from "../protobuf/wire.js";
import type { ProtocolContract } from "../protocol.js";
import { type Message, type MessageField, messagesOf } from "./messages.js";
import { methodName, packageOf, protoFileOf, serviceName } from "./service-name.js";

export interface ProtoDescriptor {
  /** Full names of the service, its method and the messages. */
  readonly symbols: ReadonlySet<string>;
  readonly bytes: Buffer;
}

const types: Readonly<Record<string, number>> = { double: 1, int64: 3, bool: 8, string: 9, uint32: 13 };
const messageType = 11;
const labels = { optional: 1, repeated: 3 } as const;
/** `map<string, double>`, the only map that a proto has. */
const mapForm = /^map<(\w+), (\w+)>$/;

export function protoDescriptor(contract: ProtocolContract): ProtoDescriptor {
  const root = packageOf(contract.name);
  const file = new WireWriter().text(1, protoFileOf(contract.name)).text(2, root);
  const messages = messagesOf(contract);
  for (const message of messages) file.message(4, describeMessage(message, root));
  const method = new WireWriter()
    .text(1, methodName)
    .text(2, `.${root}.PredictRequest`)
    .text(3, `.${root}.PredictReply`);
  const service = new WireWriter().text(1, serviceName).message(2, method);
  const bytes = file.message(6, service).text(12, "proto3").finish();
  const entries = messages.flatMap(({ name, fields }) =>
    fields.filter(({ type }) => mapForm.test(type)).map((field) => `${name}.${entryName(field)}`),
  );
  const names = [serviceName, `${serviceName}.${methodName}`, ...messages.map(({ name }) => name), ...entries];
  return { symbols: new Set(names.map((name) => `${root}.${name}`)), bytes };
}

function describeMessage({ name, fields, reserved }: Message, root: string): WireWriter {
  const written = new WireWriter().text(1, name);
  const entries: WireWriter[] = [];
  const oneofs: WireWriter[] = [];
  for (const field of fields) {
    const [, key, value] = mapForm.exec(field.type) ?? [];
    if (key === undefined) {
      written.message(2, describeField(field, root, field.rule === "optional" ? oneofs.length : undefined));
      // proto3 has a choice of one around each field whose absence counts.
      if (field.rule === "optional") oneofs.push(new WireWriter().text(1, `_${field.name}`));
      continue;
    }
    const entry = entryName(field);
    written.message(2, describeField({ ...field, type: `${name}.${entry}`, rule: "repeated" }, root));
    const members = [
      { number: 1, name: "key", type: key, rule: "" },
      { number: 2, name: "value", type: value!, rule: "" },
    ] as const;
    const map = new WireWriter().text(1, entry);
    for (const member of members) map.message(2, describeField(member, root));
    entries.push(map.message(7, new WireWriter().bool(7, true)));
  }
  for (const entry of entries) written.message(3, entry);
  for (const oneof of oneofs) written.message(8, oneof);
  for (const { number } of reserved) written.message(9, new WireWriter().integer(1, number).integer(2, number + 1));
  for (const { name } of reserved) written.item(10, name);
  return written;
}

/** @param oneof - Place of the field's own choice of one, if it has one. */
function describeField({ name, number, type, rule, jsonName }: MessageField, root: string, oneof?: number): WireWriter {
  const scalar = types[type];
  const field = new WireWriter().text(1, name).integer(3, number);
  field.integer(4, rule === "repeated" ? labels.repeated : labels.optional).integer(5, scalar ?? messageType);
  if (scalar === undefined) field.text(6, `.${root}.${type}`);
  // The first one has the number 0, which has to be written too.
  if (oneof !== undefined) field.explicit(9, oneof);
  return field.text(10, jsonName ?? defaultJsonName(name)).bool(17, oneof !== undefined);
}

/** As compilers name the message of a map's entries: `probabilities` is `ProbabilitiesEntry`. */
function entryName({ name }: MessageField): string {
  const camel = defaultJsonName(name);
  return `${camel[0]!.toUpperCase()}${camel.slice(1)}Entry`;
}
