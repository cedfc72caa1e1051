/** Typed protos as their callers have them: compiled by buf, written and read by @bufbuild/protobuf. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Feature, planProtoFields } from "../../bundle/index.js";
import type { ProtocolContract } from "../../server/protocol/protocol.js";
import { protoText } from "../../server/protocol/typed-proto/proto-text.js";
import { packageOf } from "../../server/protocol/typed-proto/service-name.js";

type Row = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: messages of types that are known when the test runs.
export type Loose = any;

/** @param texts - Each of a package of its own. @throws Error with the compiler's words. */
export function compileProtos(texts: readonly string[]): FileRegistry {
  const folder = mkdtempSync(join(tmpdir(), "typed-proto-"));
  try {
    for (const [at, text] of texts.entries()) writeFileSync(join(folder, `m${at}.proto`), text);
    const bytes = execFileSync("node_modules/.bin/buf", ["build", folder, "--as-file-descriptor-set", "-o", "-"], {
      maxBuffer: 1 << 28,
    });
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The messages of one model. */
export class TypedMessages {
  readonly #registry: FileRegistry;
  readonly #package: string;

  constructor(registry: FileRegistry, model: string) {
    this.#registry = registry;
    this.#package = packageOf(model);
  }

  static of(contract: ProtocolContract): TypedMessages {
    return new TypedMessages(compileProtos([protoText(contract)]), contract.name);
  }

  schema(name: string): DescMessage {
    const schema = this.#registry.getMessage(`${this.#package}.${name}`);
    if (schema === undefined) throw new Error(`no message ${name}`);
    return schema;
  }

  get service() {
    return this.#registry.getService(`${this.#package}.Predictor`)!;
  }

  request(rows: readonly Row[], features: readonly Feature[], more: { context?: Row } & Loose = {}): Message {
    const { context, ...others } = more;
    return create(this.schema("PredictRequest"), {
      ...others,
      rows: rows.map((row) => this.#fill("Row", row, features)),
      ...(context && { context: this.#fill("Context", context, features) }),
    } as Loose);
  }

  /** By the names that the schema has: the JSON names of the fields. */
  #fill(message: string, row: Row, features: readonly Feature[]): Message {
    const schema = this.schema(message);
    const filled = create(schema) as Loose;
    for (const { name, type, itemType, nullable, required } of features) {
      const value = row[name];
      if (value === undefined || value === null) continue;
      // A name in brackets can't be a field's in JSON.
      const planned = name.startsWith("[") ? planProtoFields(features).find(({ label }) => label === name) : undefined;
      const field = schema.fields.find((one) => (planned ? one.number === planned.number : one.jsonName === name));
      if (field === undefined) throw new Error(`no field for ${name}`);
      const toWire = (item: unknown) => ((itemType ?? type) === "integer" ? BigInt(item as number) : item);
      filled[field.localName] = Array.isArray(value) ? value.map(toWire) : toWire(value);
      if (Array.isArray(value) && value.length === 0 && (nullable || !required)) filled.plumbEmptyLists?.push(name);
    }
    return filled;
  }

  binary(message: Message): Buffer {
    return Buffer.from(toBinary(this.schema(message.$typeName.split(".").at(-1)!), message));
  }

  json(message: Message): Buffer {
    return Buffer.from(toJsonString(this.schema(message.$typeName.split(".").at(-1)!), message));
  }

  reply(bytes: Uint8Array): Loose {
    return this.read("PredictReply", bytes);
  }

  read(name: string, bytes: Uint8Array): Loose {
    return fromBinary(this.schema(name), bytes);
  }
}
