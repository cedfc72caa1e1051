/** Callers of a typed proto, in its two forms. */

import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Feature } from "../../../bundle/index.js";
import type { ProtocolContract } from "../../../server/protocol/protocol.js";
import { protoText } from "../../../server/protocol/typed-proto/proto-text.js";
import { typedProto } from "../../../server/protocol/typed-proto/protocol.js";
import { compileProtos, type Loose, TypedMessages } from "../../support/typed-proto.js";
import type { Answered, ProtocolMember } from "./member.js";

/** The protos of the suite's versions: one for each kind of answer, since a reply doesn't say which it is. */
const answers = {
  number: { hasProbabilities: false, labels: undefined, names: undefined },
  label: { hasProbabilities: true, labels: ["no", "yes"], names: undefined },
  list: { hasProbabilities: false, labels: undefined, names: ["low", "high"] },
} as const;
type Kind = keyof typeof answers;

const compiled = new Map<string, Record<Kind, TypedMessages>>();

function messagesOf(features: readonly Feature[]): Record<Kind, TypedMessages> {
  const key = JSON.stringify(features);
  let messages = compiled.get(key);
  if (messages === undefined) {
    const properties = Object.fromEntries(features.map(({ name }) => [name, {}]));
    const kinds = Object.keys(answers) as Kind[];
    const texts = kinds.map((name) =>
      protoText({
        name,
        number: 1,
        rowSchema: { features, document: { properties } },
        postprocessor: answers[name],
      } as unknown as ProtocolContract),
    );
    const registry = compileProtos(texts);
    messages = Object.fromEntries(kinds.map((name) => [name, new TypedMessages(registry, name)])) as never;
    compiled.set(key, messages as never);
  }
  return messages!;
}

/** Whoever reads a reply has written its request before. */
let last: Record<Kind, TypedMessages>;

/** A number is 8 bytes; a text and a list of numbers have their length before them, and only a label probabilities. */
function kindOf(bytes: Uint8Array): Kind {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field !== 1) {
      reader.skip(wire);
      continue;
    }
    const prediction = new BinaryReader(reader.bytes());
    const found = new Map<number, number>();
    while (prediction.pos < prediction.len) {
      const [number, type] = prediction.tag();
      found.set(number, type);
      prediction.skip(type);
    }
    if (found.size > 0) return found.has(2) ? "label" : found.get(1) === 1 ? "number" : "list";
  }
  return "number";
}

function answered({ predictions, model, version, requestId, errors, fallback }: Loose): Answered {
  const isAnswered = ({ value }: Loose) => value !== undefined && !(Array.isArray(value) && value.length === 0);
  const hasProbabilities = predictions.some(({ probabilities = {} }: Loose) => Object.keys(probabilities).length > 0);
  return {
    model,
    version: Number(version),
    requestId,
    predictions: predictions.map((prediction: Loose) => (isAnswered(prediction) ? prediction.value : null)),
    probabilities: hasProbabilities
      ? predictions.map((prediction: Loose) =>
          isAnswered(prediction) ? Object.values(prediction.probabilities) : null,
        )
      : undefined,
    rowErrors: (errors ?? []).map(({ row, code }: Loose) => [row, code]),
    fallback: fallback?.reason,
  };
}

const readError: ProtocolMember["readError"] = ({ body }) => JSON.parse(body.toString()).message;

export const typedProtoMember: ProtocolMember = {
  protocol: typedProto,
  takesPartial: true,
  write(rows, features, { partial }) {
    last = messagesOf(features);
    const body = last.number.binary(last.number.request(rows, features, { partial }));
    return { body, contentType: "application/proto", headers: {} };
  },
  read: ({ body }) => answered(last[kindOf(Buffer.from(body))].reply(Buffer.from(body))),
  readError,
};

export const typedProtoJsonMember: ProtocolMember = {
  protocol: { ...typedProto, name: "typed-proto-json" },
  takesPartial: true,
  write(rows, features, { partial }) {
    const messages = messagesOf(features).number;
    // The sign of zero, which JSON.stringify loses, is looked at in the binary form.
    const signless = rows.map((row) => ({ ...row, ...(Object.is(row.size, -0) && { size: 0 }) }));
    const body = messages.json(messages.request(signless, features, { partial }));
    return { body, contentType: "application/json", headers: {} };
  },
  read: ({ body }) => answered(JSON.parse(body.toString())),
  readError,
};
