/** Goal: reflection answers what proto/ says. */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { expect, test } from "vitest";
import { protoFiles } from "../../../server/protocol/protobuf/descriptors.js";
import { WireWriter } from "../../../server/protocol/protobuf/wire.js";
import { definitions } from "../../support/grpc-client.js";

test("the descriptors are those of the .proto files: node scripts/write-descriptors.mjs", async () => {
  const { descriptorsFile, descriptorsText } = await import("../../../scripts/write-descriptors.mjs");
  expect(readFileSync(descriptorsFile, "utf8")).toBe(descriptorsText());
});

test("another library finds the same services and messages in them", () => {
  const set = new WireWriter();
  for (const { base64 } of protoFiles) set.bytes(1, Buffer.from(base64, "base64"));
  const found = loadFileDescriptorSetFromBuffer(set.finish());
  expect(Object.keys(found).sort()).toEqual(Object.keys(definitions).sort());
  for (const { symbols } of protoFiles) expect(symbols.filter((name) => name in found).length).toBeGreaterThan(2);
});

test("each field has its name in JSON, by which grpcurl prints it", () => {
  const fields = protoFiles.flatMap(({ base64 }) =>
    fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, "base64")).messageType.flatMap(({ field }) => field),
  );
  expect(fields.length).toBeGreaterThan(20);
  expect(fields.filter(({ jsonName }) => !/^[a-z][a-zA-Z0-9]*$/.test(jsonName)).map(({ name }) => name)).toEqual([]);
  expect(fields.find(({ name }) => name === "raw_input_contents")!.jsonName).toBe("rawInputContents");
});
