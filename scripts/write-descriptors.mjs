/**
 * Writes server/protocol/protobuf/descriptors.ts from proto/*.proto: what reflection answers. `descriptorsText` is the
 * text, for the test that holds the file to be current.
 */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadSync } from "@grpc/proto-loader";
import descriptor from "protobufjs/ext/descriptor/index.js";

const folder = fileURLToPath(new URL("../proto/", import.meta.url));
export const descriptorsFile = fileURLToPath(new URL("../server/protocol/protobuf/descriptors.ts", import.meta.url));

/** Where the public files have these messages: clients ask for files by name. */
const files = {
  "grpc_service.proto": "open_inference.proto",
  "grpc/health/v1/health.proto": "health.proto",
  "grpc/reflection/v1/reflection.proto": "reflection_v1.proto",
  "grpc/reflection/v1alpha/reflection.proto": "reflection_v1alpha.proto",
};

export function descriptorsText() {
  const entries = Object.entries(files).map(([name, file]) => {
    const definitions = Object.values(loadSync(file, { includeDirs: [folder], keepCase: true }));
    const { fileDescriptorProtos } = definitions.find(({ fileDescriptorProtos }) => fileDescriptorProtos !== undefined);
    const described = descriptor.FileDescriptorProto.decode(fileDescriptorProtos[0]);
    described.name = name;
    for (const message of described.messageType) nameMapEntries(message);
    for (const message of described.messageType) nameInJson(message);
    const symbols = symbolsOf(described);
    for (const message of described.messageType)
      qualifyTypes(message, `${described.package}.${message.name}`, new Set(symbols));
    const bytes = Buffer.from(descriptor.FileDescriptorProto.encode(described).finish());
    const lines = bytes
      .toString("base64")
      .match(/.{1,100}/g)
      .map((line) => `      "${line}",`);
    return `  {\n    name: "${name}",\n    symbols: ${JSON.stringify(symbols)},\n    base64: [\n${lines.join("\n")}\n    ].join(""),\n  },`;
  });
  return `${head}${entries.join("\n")}\n];\n`;
}

const head = `/** Made by scripts/write-descriptors.mjs from proto/: each file as a FileDescriptorProto, for reflection. */

export interface ProtoFile {
  readonly name: string;
  /** Full names of its services, methods, messages and enums. */
  readonly symbols: readonly string[];
  readonly base64: string;
}

// biome-ignore format: made
export const protoFiles: readonly ProtoFile[] = [
`;

/** The library names them as the field; others want `ParametersEntry` of a field `parameters`. */
function nameMapEntries({ field, nestedType }) {
  for (const nested of nestedType) {
    nameMapEntries(nested);
    if (!nested.options?.mapEntry) continue;
    for (const each of field) if (each.typeName === nested.name) each.typeName += "Entry";
    nested.name += "Entry";
  }
}

/** protoc writes these names too, and clients without a file, as grpcurl, print a field by no other. */
function nameInJson({ field, nestedType }) {
  for (const nested of nestedType) nameInJson(nested);
  for (const each of field) each.jsonName = each.name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

/** From `InferParameter`, as a message sees it, to `.inference.InferParameter`. */
function qualifyTypes({ field, nestedType }, scope, symbols) {
  for (const nested of nestedType) qualifyTypes(nested, `${scope}.${nested.name}`, symbols);
  for (const each of field) {
    if (!each.typeName || each.typeName.startsWith(".")) continue;
    let outer = scope;
    while (!symbols.has(`${outer}.${each.typeName}`)) {
      if (!outer.includes(".")) throw new Error(`nothing is named ${each.typeName} in ${scope}`);
      outer = outer.slice(0, outer.lastIndexOf("."));
    }
    each.typeName = `.${outer}.${each.typeName}`;
  }
}

function symbolsOf({ package: root, service, messageType, enumType }) {
  const inMessages = (scope, messages) =>
    messages.flatMap(({ name, nestedType, enumType }) => [
      `${scope}.${name}`,
      ...enumType.map((each) => `${scope}.${name}.${each.name}`),
      ...inMessages(`${scope}.${name}`, nestedType),
    ]);
  return [
    ...service.flatMap(({ name, method }) => [
      `${root}.${name}`,
      ...method.map((each) => `${root}.${name}.${each.name}`),
    ]),
    ...inMessages(root, messageType),
    ...enumType.map(({ name }) => `${root}.${name}`),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(descriptorsFile, descriptorsText());
