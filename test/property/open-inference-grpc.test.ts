/**
 * Goal: what another maker's library encodes is read as it was meant, what is written that library reads, and no bytes
 * whatever break the reader or are answered with a fault of the server.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Columns } from "../../preprocessing/index.js";
import { errorTable, ServeError } from "../../server/errors.js";
import { takeWhole } from "../../server/path/sliced-work.js";
import type { OpenInferenceRequest } from "../../server/protocol/open-inference/decode.js";
import { readModelName } from "../../server/protocol/open-inference/message.js";
import { openInferenceProto } from "../../server/protocol/open-inference/proto.js";
import { definitions, inferRequest, readOutputs } from "../support/grpc-client.js";
import { bytesOf, headOf, makeContract, type SentInput, textBytes } from "../support/open-inference.js";

const service = definitions["inference.GRPCInferenceService"] as unknown as Record<
  string,
  { requestSerialize(message: object): Buffer; responseDeserialize(bytes: Buffer): object }
>;
const encode = (request: object) => service.ModelInfer!.requestSerialize(request);
const contract = makeContract({ rowsMax: 1000 });
const head = headOf("");
const decode = (request: object) => openInferenceProto.decode(encode(request), head, contract);
const columns = ({ rows }: OpenInferenceRequest) =>
  Object.fromEntries([...(rows as Columns).values].map(([name, column]) => [name, Array.from<unknown>(column)]));

function refusal(request: object | Buffer): string {
  try {
    const body = Buffer.isBuffer(request) ? request : encode(request);
    openInferenceProto.decode(body, head, contract);
    return "taken";
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    return `${errorTable[error.code].grpc} ${error.message}`;
  }
}

/** A data type, its values, and how they look as raw bytes. */
const numberTypes = {
  INT8: [fc.integer({ min: -128, max: 127 }), (values: number[]) => bytesOf(Int8Array.from(values))],
  INT16: [fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), (values: number[]) => bytesOf(Int16Array.from(values))],
  INT32: [fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (values: number[]) => bytesOf(Int32Array.from(values))],
  INT64: [fc.maxSafeInteger(), (values: number[]) => bytesOf(BigInt64Array.from(values, BigInt))],
  UINT8: [fc.integer({ min: 0, max: 255 }), (values: number[]) => bytesOf(Uint8Array.from(values))],
  UINT16: [fc.integer({ min: 0, max: 65_535 }), (values: number[]) => bytesOf(Uint16Array.from(values))],
  UINT32: [fc.integer({ min: 0, max: 2 ** 32 - 1 }), (values: number[]) => bytesOf(Uint32Array.from(values))],
  UINT64: [fc.maxSafeNat(), (values: number[]) => bytesOf(BigUint64Array.from(values, BigInt))],
  FP32: [fc.float(), (values: number[]) => bytesOf(Float32Array.from(values))],
  FP64: [fc.double(), (values: number[]) => bytesOf(Float64Array.from(values))],
} as const;
const numberTensor = fc
  .constantFrom(...(Object.keys(numberTypes) as (keyof typeof numberTypes)[]))
  .chain((datatype) => {
    const [value, raw] = numberTypes[datatype];
    return fc
      .array(value as fc.Arbitrary<number>, { minLength: 1, maxLength: 20 })
      .map((values) => ({ datatype, values, raw: raw(values) }));
  });

describe("another library's messages", () => {
  test("numbers of every type come exactly, in contents and raw", () => {
    fc.assert(
      fc.property(numberTensor, ({ datatype, values, raw }) => {
        const tensor = { name: "price", datatype, shape: [values.length] };
        const expected = values.map((value) => (datatype === "FP32" ? Math.fround(value) : value));
        expect(columns(decode(inferRequest([{ ...tensor, data: values }])))).toEqual({ price: expected });
        expect(columns(decode(inferRequest([{ ...tensor, bytes: raw }])))).toEqual({ price: expected });
      }),
    );
  });

  test("texts, truth values and lists too", () => {
    const row = fc.record({
      city: fc.string({ unit: "binary", maxLength: 12 }),
      promo: fc.boolean(),
      window: fc.array(fc.double({ noNaN: true }), { minLength: 3, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 9 }), (rows) => {
        const shape = [rows.length];
        const of = <T>(pick: (each: (typeof rows)[number]) => T) => rows.map(pick);
        const prices: SentInput = { name: "price", datatype: "FP64", shape, data: rows.map((_, i) => i) };
        const typed: SentInput[] = [
          prices,
          { name: "city", datatype: "BYTES", shape, data: of(({ city }) => city) },
          { name: "promo", datatype: "BOOL", shape, data: of(({ promo }) => promo) },
          { name: "window", datatype: "FP64", shape: [rows.length, 3], data: of(({ window }) => window).flat() },
        ];
        const raw = [
          bytesOf(Float64Array.from(rows, (_, i) => i)),
          textBytes(...of(({ city }) => city)),
          Buffer.from(of(({ promo }) => Number(promo))),
          bytesOf(Float64Array.from(of(({ window }) => window).flat())),
        ];
        const expected = {
          price: rows.map((_, i) => i),
          city: of(({ city }) => city),
          promo: of(({ promo }) => Number(promo)),
          window: of(({ window }) => window),
        };
        expect(columns(decode(inferRequest(typed)))).toEqual(expected);
        const asBytes = typed.map(({ data, ...tensor }, i) => ({ ...tensor, bytes: raw[i]! }));
        expect(columns(decode(inferRequest(asBytes)))).toEqual(expected);
      }),
    );
  });

  test("integers beyond float64 are refused, in either form", () => {
    const tensor = { name: "count", datatype: "INT64", shape: [1] };
    const price: SentInput = { name: "price", datatype: "FP64", shape: [1], data: [1] };
    const words = /^INVALID_ARGUMENT input "count": expected an integer that float64 holds exactly, in element 0/;
    for (const text of ["9007199254740993", "-9007199254740993", "9223372036854775807"]) {
      expect(refusal(inferRequest([price, { ...tensor, data: [text] }]))).toMatch(words);
      const raw = { ...tensor, bytes: bytesOf(BigInt64Array.of(BigInt(text))) };
      const { data: _, ...bare } = price;
      expect(refusal(inferRequest([{ ...bare, bytes: bytesOf(Float64Array.of(1)) }, raw]))).toMatch(words);
    }
    expect(columns(decode(inferRequest([price, { ...tensor, data: ["-9223372036854775808"] }]))).count).toEqual([
      -(2 ** 63),
    ]);
  });

  test.each([
    [
      { name: "price", datatype: "INT8", shape: [1], data: [300] },
      /expected an integer from -128 to 127, in element 0, got the number 300/,
    ],
    [{ name: "price", datatype: "UINT8", shape: [1], data: [256] }, /from 0 to 255/],
    [{ name: "price", datatype: "FP64", shape: [2], data: [1] }, /expected 2 elements, as its shape says, got 1/],
    [{ name: "price", datatype: "FP64", shape: [1], data: [1, 2] }, /expected 1 element, as its shape says, got more/],
    [{ name: "price", datatype: "FP16", shape: [1], data: [1] }, /expected raw_input_contents, the only form of FP16/],
    [{ name: "price", datatype: "FP64", shape: [-1], data: [1] }, /expected the shape \[rows\] or \[rows, 1\]/],
    [{ name: "price", datatype: "FP64", shape: ["9223372036854775807"], data: [1] }, /expected the shape/],
    [{ name: "price", datatype: "FP64", shape: new Array(500).fill(1), data: [1] }, /expected the shape/],
    [{ name: "price", datatype: "FP64", shape: [1001], data: [1] }, /expected 1 to 1000 rows/],
  ])("%o is refused", (input, words) => {
    expect(refusal(inferRequest([input]))).toMatch(words);
    expect(refusal(inferRequest([input]))).toMatch(/^INVALID_ARGUMENT/);
  });

  test("elements in another type's field are refused", () => {
    const input = { name: "price", datatype: "FP64", shape: [1], contents: { fp32_contents: [1] } };
    expect(refusal({ inputs: [input] })).toBe(
      'INVALID_ARGUMENT input "price": expected its elements, of FP64, in fp64_contents, got fp32_contents',
    );
  });

  test("id, parameters and chosen outputs are read", () => {
    const price: SentInput = { name: "price", datatype: "FP64", shape: [1], data: [1] };
    const request = decode(
      inferRequest([price], {
        id: "7",
        parameters: { timeout: { int64_param: 5000 }, note: { string_param: "x" } },
        outputs: [{ name: "prediction", parameters: { classification: { int64_param: 1 } } }],
      }),
    );
    expect(request).toMatchObject({ id: "7", timeoutMs: 5, outputs: [{ isBinary: false, classCount: 1 }] });
    expect(readModelName(encode({ model_name: "m", model_version: "2" }))).toEqual({ name: "m", version: "2" });
  });
});

describe("answers", () => {
  const request = (options: object) =>
    decode({ ...inferRequest([{ name: "price", datatype: "FP64", shape: [2], data: [1, 2] }]), ...options });
  const cases = [
    [{}, [1.5, -0]],
    [{ labels: ["no", "ja", "é"], hasProbabilities: true }, ["no", "é"]],
    [{ labels: [0, -7], hasProbabilities: false }, [-7, 0]],
    [{ labels: [false, true], hasProbabilities: false }, [true, false]],
  ] as const;

  test.each(cases)("of %o are read by another library, in both forms, whole and in pieces", (options, predictions) => {
    const version = makeContract({ rowsMax: 10, ...options });
    const width = "labels" in options && options.hasProbabilities ? options.labels.length : 0;
    const answer = {
      predictions: [...predictions],
      ...(width > 0 && { probabilities: Float64Array.from({ length: 2 * width }, (_, i) => i / 8) }),
    };
    for (const binary of [true, false]) {
      const body = encode(
        inferRequest([{ name: "price", datatype: "FP64", shape: [2], data: [1, 2] }], {
          parameters: { binary_data_output: { bool_param: binary } },
          id: "a",
        }),
      );
      const call = {
        request: openInferenceProto.decode(body, head, version),
        requestId: "r",
        rowIndexes: undefined,
        unanswered: undefined,
        rowErrors: undefined,
        fallback: "overloaded" as const,
        fallbackRows: undefined,
      };
      const frame = openInferenceProto.frame(version);
      const { body: bytes } = openInferenceProto.encode(frame, call, answer as never);
      const pieces = openInferenceProto.sliced!.encode(frame, call, answer as never, 1).pieces;
      expect(Buffer.concat(pieces.map((write) => write() as Buffer))).toEqual(bytes);
      const reply = service.ModelInfer!.responseDeserialize(bytes as Buffer);
      expect(reply).toMatchObject({
        model_name: "demand",
        model_version: "3",
        id: "a",
        parameters: { fallback: { string_param: "overloaded" } },
      });
      const outputs = readOutputs(reply);
      expect(outputs[0]).toMatchObject({ name: "prediction", shape: [2, 1], data: [...predictions] });
      if (width > 0) expect(outputs[1]!.data).toEqual([...answer.probabilities!]);
    }
    expect(request({}).rows.length).toBe(2);
  });
});

describe("bytes of any kind", () => {
  const isCallersFault = (bytes: Buffer) => {
    const said = refusal(bytes);
    expect(said).toMatch(/^(taken$|INVALID_ARGUMENT )/);
    try {
      readModelName(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(ServeError);
    }
    const whole = () => takeWhole(openInferenceProto.sliced!.decode(bytes, head, contract));
    if (said === "taken") expect(whole).not.toThrow();
    else expect(whole).toThrow(ServeError);
  };

  test("are refused as the caller's fault", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => isCallersFault(Buffer.from(bytes))));
  });

  test("and good messages with a few bytes changed, cut or doubled", () => {
    const good = encode(
      inferRequest(
        [
          { name: "price", datatype: "FP64", shape: [2], data: [1, 2] },
          { name: "count", datatype: "INT32", shape: [2], data: [1, -2] },
          { name: "city", datatype: "BYTES", shape: [2], data: ["a", "bc"] },
          { name: "flags", datatype: "BOOL", shape: [2, 1], data: [true, false] },
        ],
        { id: "1", parameters: { timeout: { int64_param: 9 } }, outputs: [{ name: "prediction" }] },
      ),
    );
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.constantFrom("set", "cut", "double"));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes = Buffer.from(good);
        for (const [at, value, how] of changes) {
          if (how === "set" && at < bytes.length) bytes[at] = value;
          else if (how === "cut") bytes = bytes.subarray(0, at);
          else bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        }
        isCallersFault(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test("a flood of fields", () => {
    expect(refusal(Buffer.alloc(100_000, Buffer.from([0x42, 0])))).toMatch(/^INVALID_ARGUMENT .*at most 20000 fields/);
  });
});
