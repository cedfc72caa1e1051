/**
 * Goal: the proto of any row schema compiles; whatever a compiled program of it sends arrives bit for bit, in both forms;
 * and whatever else comes is taken or refused as the caller's fault.
 */

import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Feature, parseRowSchema, planProtoFields, type RowSchema } from "../../bundle/index.js";
import type { Columns } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import type { ProtocolContract } from "../../server/protocol/protocol.js";
import { protoBreaks } from "../../server/protocol/typed-proto/compare.js";
import { decodeBinary } from "../../server/protocol/typed-proto/decode.js";
import { protoDescriptor } from "../../server/protocol/typed-proto/descriptor.js";
import { decodeJson } from "../../server/protocol/typed-proto/json.js";
import { hasEmptyLists, mayMiss } from "../../server/protocol/typed-proto/messages.js";
import { protoText } from "../../server/protocol/typed-proto/proto-text.js";
import { columnsOf } from "../support/columns-of.js";
import { fuzzTimeoutMs, rounds } from "../support/fuzzing.js";
import { schemaDocument } from "../support/row-schemas.js";
import { compileProtos, TypedMessages } from "../support/typed-proto.js";

type Row = Record<string, unknown>;

/** Names that are no identifiers, words of protobuf, and names that compilers take for one. */
const oddNames = [
  "with space",
  "Größe",
  "年齢",
  "2nd",
  "a-b",
  "a_b",
  "aB",
  "A_b",
  "option",
  "message",
  "rows per day",
  "_x",
  "x_",
  "[x]",
  'q"uo\\te',
  "plumb_empty_lists",
  "plumbEmptyLists2",
  "field_1",
  "é",
  "è",
  "max",
  "to",
  "string",
  "// c",
  "a/* b",
];
const named = fc
  .tuple(schemaDocument, fc.shuffledSubarray(oddNames, { minLength: oddNames.length }), fc.integer({ min: 0, max: 8 }))
  .map(([document, odd, count]) => {
    const renamed = new Map(Object.keys(document.properties).map((name, at) => [name, at < count ? odd[at]! : name]));
    if (new Set(renamed.values()).size < renamed.size) return document;
    const properties = Object.entries(document.properties).map(([name, property]) => [renamed.get(name)!, property]);
    const required = document.required.map((name) => renamed.get(name)!);
    return { ...document, properties: Object.fromEntries(properties), required };
  })
  // A range may have no value in it.
  .filter((document) => !("problems" in parseRowSchema(document)));

function rowSchemaOf(document: unknown): RowSchema {
  const parsed = parseRowSchema(document);
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

function contractOf(name: string, rowSchema: RowSchema, protoNumbers?: Record<string, number>): ProtocolContract {
  return {
    name,
    number: 1,
    rowSchema,
    protoNumbers,
    postprocessor: { hasProbabilities: false, labels: undefined, names: undefined },
    bodyLimits: { bodyBytesMax: 1 << 20, decode: { rowsMax: 100, containersMax: 1000, membersMax: 1000 } },
  };
}

const values: Record<string, fc.Arbitrary<unknown>> = {
  number: fc.double({ noNaN: true, noDefaultInfinity: true }),
  integer: fc.maxSafeInteger(),
  string: fc.string({ unit: "grapheme", maxLength: 80 }),
  boolean: fc.boolean(),
};

function rowOf(features: readonly Feature[]): fc.Arbitrary<Row> {
  const members = features.map(({ name, type, itemType }) => {
    const value = type === "array" ? fc.array(values[itemType!]!, { maxLength: 5 }) : values[type]!;
    return fc.option<unknown>(value, { freq: 3 }).map((one) => [name, one] as const);
  });
  return fc.tuple(...members).map((pairs) => Object.fromEntries(pairs.filter(([, value]) => value !== null)));
}

/** Of each feature the values that columns have: of one that isn't there, missing ones. */
function shown(features: readonly Feature[], columns: Columns): unknown[][] {
  return features.map(({ name, type }) => {
    const isNumber = type !== "string" && type !== "array";
    const nothing = () => Array.from({ length: columns.length }, () => (isNumber ? Number.NaN : null));
    return Array.from<unknown>(columns.values.get(name) ?? nothing());
  });
}

/** A list that the schema wants is never missing. */
function expectedRow(features: readonly Feature[], row: Row, context: Row): Row {
  const full: Row = { ...context, ...row };
  for (const { name, type, required, nullable } of features)
    if (type === "array" && required && !nullable) full[name] ??= [];
  return full;
}

/** A file as JSON, without its name and comments. */
function shownFile(bytes: Uint8Array): unknown {
  const { name: _, sourceCodeInfo: __, ...file } = fromBinary(FileDescriptorProtoSchema, bytes);
  return toJson(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, file as never));
}

function compiledFile(messages: TypedMessages): unknown {
  return shownFile(toBinary(FileDescriptorProtoSchema, messages.schema("Row").file.proto));
}

const batch = fc.array(
  named.chain((document) => {
    const rowSchema = rowSchemaOf(document);
    const row = rowOf(rowSchema.features);
    const context = fc.option(row, { freq: 2 });
    return fc.tuple(fc.constant(rowSchema), fc.array(row, { minLength: 1, maxLength: 4 }), context, fc.boolean());
  }),
  { minLength: 25, maxLength: 25 },
);

describe("a proto of any schema", () => {
  test(
    "compiles, and what its programs send arrives bit for bit, with the context where a row has nothing",
    () => {
      fc.assert(
        fc.property(batch, (cases) => {
          const contracts = cases.map(([rowSchema], at) => contractOf(`m${at}`, rowSchema));
          const registry = compileProtos(contracts.map(protoText));
          for (const [at, [rowSchema, rows, context, partial]] of cases.entries()) {
            const { features } = rowSchema;
            const messages = new TypedMessages(registry, `m${at}`);
            expect(shownFile(protoDescriptor(contracts[at]!).bytes)).toEqual(compiledFile(messages));
            // A list without items is one where the row can say so, or has to have one.
            const sayable = new Set(
              hasEmptyLists(features) ? features.filter(mayMiss).map(({ name }) => name) : undefined,
            );
            const withoutEmpty = (row: Row) =>
              Object.fromEntries(
                Object.entries(row).filter(
                  ([name, value]) => !Array.isArray(value) || value.length > 0 || sayable.has(name),
                ),
              );
            const shared = withoutEmpty(context ?? {});
            const sent = rows.map(withoutEmpty);
            const message = messages.request(sent, features, { context: shared, partial, requestId: "r-1" });
            const expected = shown(
              features,
              columnsOf(
                features,
                sent.map((row) => expectedRow(features, row, shared)),
              ),
            );
            const decoded = decodeBinary(messages.binary(message), contracts[at]!);
            expect([decoded.partial, decoded.requestId]).toEqual([partial, "r-1"]);
            expect(shown(features, decoded.rows as Columns)).toEqual(expected);
            const json = decodeJson(messages.json(message), contracts[at]!);
            const fromJson = shown(features, columnsOf(features, json.rows as Row[]));
            // JSON.stringify has no minus zero.
            const signless = (column: unknown) => JSON.parse(JSON.stringify(column));
            expect(fromJson.map(signless)).toEqual(expected.map(signless));
          }
        }),
        // A failure of one in hundreds of schemas isn't made smaller by compiling each attempt.
        { numRuns: 4, endOnFailure: true },
      );
    },
    fuzzTimeoutMs,
  );

  test("calls no two fields alike, and never renames one when another comes behind it", () => {
    const some = fc.shuffledSubarray(oddNames, { minLength: 2 });
    fc.assert(
      fc.property(some, (names) => {
        const features = names.map((name) => ({ name, type: "number" }) as Feature);
        const fields = planProtoFields(features);
        const keys = fields.map(({ name }) => name.replaceAll("_", "").toLowerCase());
        expect(new Set(keys).size).toBe(keys.length);
        for (const { name } of fields) expect(name).toMatch(/^[A-Za-z]\w*$/);
        expect(planProtoFields(features.slice(0, -1)).map(({ name }) => name)).toEqual(
          fields.slice(0, -1).map(({ name }) => name),
        );
      }),
    );
  });

  test("breaks no caller of itself, nor of one with fewer fields", () => {
    fc.assert(
      fc.property(named, (document) => {
        const rowSchema = rowSchemaOf(document);
        const contract = contractOf("m", rowSchema);
        expect(protoBreaks(contract, contract)).toEqual([]);
        const fewer = { ...rowSchema, features: rowSchema.features.slice(0, -1) };
        const lists = (features: readonly Feature[]) => features.filter(({ type }) => type === "array").length;
        if (lists(fewer.features) === lists(rowSchema.features))
          expect(protoBreaks(contractOf("m", fewer), contract)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

test(
  "bytes of any kind are a request or the caller's fault",
  () => {
    const properties = {
      n: { type: "number" },
      i: { type: ["integer", "null"] },
      b: { type: "boolean" },
      s: { type: "string" },
      l: { type: "array", items: { type: "number" } },
      k: { type: "array", items: { type: "string" } },
    };
    const rowSchema = rowSchemaOf({
      type: "object",
      properties,
      required: ["n", "i", "l"],
      additionalProperties: false,
    });
    const contract = contractOf("fuzz", rowSchema);
    const varint = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(varintBytes);
    const small = fc.nat(12).map(BigInt).map(varintBytes);
    const tag = fc.tuple(fc.nat(8), fc.nat(7)).map(([field, wire]) => varintBytes(BigInt(field * 8 + wire)));
    const piece = fc.oneof(varint, small, tag, fc.array(fc.nat(255), { maxLength: 9 }));
    const inner = fc.array(piece, { maxLength: 8 }).map((parts) => parts.flat());
    const field = fc
      .tuple(fc.nat(6), inner)
      .map(([number, bytes]) => [
        ...varintBytes(BigInt(number * 8 + 2)),
        ...varintBytes(BigInt(bytes.length)),
        ...bytes,
      ]);
    const body = fc.array(fc.oneof(field, field, piece), { maxLength: 6 }).map((parts) => Buffer.from(parts.flat()));
    fc.assert(
      fc.property(body, (bytes) => {
        try {
          const { rows } = decodeBinary(bytes, contract);
          rowSchema.acceptsColumns(rows as Columns, 0, rows.length);
          for (let row = 0; row < rows.length; row++) rowSchema.issues(rowSchema.rowAt(rows as Columns, row), row);
        } catch (error) {
          expect(error).toBeInstanceOf(ServeError);
          expect((error as ServeError).code).not.toBe("internal");
        }
      }),
      rounds(2000),
    );
  },
  fuzzTimeoutMs,
);

function varintBytes(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}
