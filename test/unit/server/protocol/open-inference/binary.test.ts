/** Goal: bytes are the values that the protocol says, each bit of them, or the request is refused. */

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { Columns } from "../../../../../preprocessing/index.js";
import { takeWhole } from "../../../../../server/path/sliced-work.js";
import { writeBinary } from "../../../../../server/protocol/open-inference/binary.js";
import { openInference } from "../../../../../server/protocol/open-inference/protocol.js";
import type { ProtocolContract } from "../../../../../server/protocol/protocol.js";
import {
  bytesOf,
  columnsOf,
  decode,
  everyKind,
  headOf,
  makeContract,
  makeMessage,
  price,
  refusalOf,
  type SentInput,
  textBytes,
} from "../../../../support/open-inference.js";

const binary = (name: string, datatype: string, rows: number, bytes: Uint8Array): SentInput => ({
  name,
  datatype,
  shape: [rows],
  bytes,
});
const refused = (...inputs: readonly SentInput[]) => refusalOf(makeMessage(inputs));

describe("numbers", () => {
  it.each([
    ["UINT8", Uint8Array.of(0, 255)],
    ["UINT16", Uint16Array.of(0, 65535)],
    ["UINT32", Uint32Array.of(0, 4294967295)],
    ["INT8", Int8Array.of(-128, 127)],
    ["INT16", Int16Array.of(-32768, 32767)],
    ["INT32", Int32Array.of(-2147483648, 2147483647)],
    ["FP32", Float32Array.of(0.1, Number.NaN)],
    ["FP64", Float64Array.of(0.1, -0)],
    ["FP64", Float64Array.of(Number.NaN, 5e-324)],
  ])("of %s", (datatype, array) => {
    // An odd length of the JSON shows that nothing depends on where the bytes begin.
    for (const id of ["", "x", "xx", "xxx"]) {
      const message = makeMessage([binary("price", datatype, 2, bytesOf(array))], { id });
      expect(refusalOf(message)).toBe("taken");
    }
    expect(columnsOf([binary("price", datatype, 2, bytesOf(array))])).toEqual({ price: [...array] });
  });

  it.each([
    ["INT64", [0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 62n, -(2n ** 63n)]],
    ["UINT64", [0n, 1n, 2n ** 53n, 2n ** 53n + 2n, 2n ** 63n]],
  ])("of %s, exactly", (datatype, values) => {
    const bytes = bytesOf(BigUint64Array.from(values, (value) => BigInt.asUintN(64, value)));
    expect(columnsOf([binary("price", datatype, values.length, bytes)])).toEqual({ price: values.map(Number) });
  });

  it.each([
    ["INT64", 2n ** 53n + 1n],
    ["INT64", -(2n ** 53n) - 1n],
    ["INT64", 2n ** 63n - 1n],
    ["UINT64", 2n ** 64n - 1n],
  ])("of %s that float64 doesn't hold are refused: %d", (datatype, value) => {
    expect(refused(binary("price", datatype, 2, bytesOf(BigUint64Array.of(1n, BigInt.asUintN(64, value)))))).toBe(
      `400 input "price": expected an integer that float64 holds exactly, in element 1, got the number ${value}`,
    );
  });

  it("of FP16", () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x8000, 0x7c00, 0xfe00, 0x3555);
    const { price: values } = columnsOf([binary("price", "FP16", bits.length, bytesOf(bits))]);
    expect(values).toEqual([1, -2, 65504, 2 ** -24, 2 ** -14, -0, Infinity, Number.NaN, 0.333251953125]);
  });

  it("in lists", () => {
    const window = { name: "window", datatype: "INT8", shape: [2, 3], bytes: bytesOf(Int8Array.of(1, 2, 3, 4, 5, 6)) };
    expect(columnsOf([price(1, 2), window]).window).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });
});

describe("other elements", () => {
  it("of BOOL are 0 or 1", () => {
    expect(columnsOf([price(1, 2), binary("promo", "BOOL", 2, Uint8Array.of(0, 1))]).promo).toEqual([0, 1]);
    expect(refused(price(1, 2), binary("promo", "BOOL", 2, Uint8Array.of(0, 2)))).toBe(
      '400 input "promo": expected a BOOL, 0 or 1, in element 1, got the number 2',
    );
    const flags = { name: "flags", datatype: "BOOL", shape: [1, 2], bytes: Uint8Array.of(1, 0) };
    expect(columnsOf([price(1), flags]).flags).toEqual([[true, false]]);
  });

  it("of BYTES are UTF-8", () => {
    const texts = ["", "a", "é🦆", "\ufffd", "\ufeffx", "\0"];
    const city = binary("city", "BYTES", texts.length, textBytes(...texts));
    expect(columnsOf([price(...texts.map(() => 1)), city]).city).toEqual(texts);
    const tags = { name: "tags", datatype: "BYTES", shape: [1, 2], bytes: textBytes("a", "b") };
    expect(columnsOf([price(1), tags]).tags).toEqual([["a", "b"]]);
    const wrong = Buffer.concat([textBytes("a"), Buffer.of(2, 0, 0, 0, 0xc3, 0x28)]);
    expect(refused(price(1, 2), binary("city", "BYTES", 2, wrong))).toBe(
      '400 input "city": expected UTF-8, in element 1, got bytes that are not UTF-8',
    );
  });

  it.each([
    [Buffer.alloc(0), "the length of element 0, 4 bytes, got 0 more"],
    [Buffer.of(1, 0, 0), "the length of element 0, 4 bytes, got 3 more"],
    [Buffer.of(2, 0, 0, 0, 0x61), "2 bytes of element 0, got 1 more"],
    [Buffer.of(0xff, 0xff, 0xff, 0xff, 0x61), "4294967295 bytes of element 0, got 1 more"],
    [textBytes("a"), "the length of element 1, 4 bytes, got 0 more"],
    [textBytes("a", "b", "c"), "10 bytes for 2 elements, got 15"],
  ])("of BYTES that don't add up are refused: %j", (bytes, words) => {
    expect(refused(price(1, 2), binary("city", "BYTES", 2, bytes))).toBe(`400 input "city": expected ${words}`);
  });
});

describe("sizes", () => {
  it("are those of the shape and the data type", () => {
    expect(refused(binary("price", "FP64", 2, Buffer.alloc(15)))).toBe(
      '400 input "price": expected 16 bytes for 2 elements of FP64, got 15',
    );
    expect(refused(binary("price", "FP32", 2, Buffer.alloc(16)))).toBe(
      '400 input "price": expected 8 bytes for 2 elements of FP32, got 16',
    );
  });

  it("are all of the body", () => {
    const { body, header } = makeMessage([binary("price", "FP64", 1, Buffer.alloc(8))]);
    const words = "400 the body: expected 8 bytes of binary data behind the JSON, as its tensors say, got";
    expect(refusalOf({ body: body.subarray(0, -1), header })).toBe(`${words} 7`);
    expect(refusalOf({ body: Buffer.concat([body, Buffer.alloc(1)]), header })).toBe(`${words} 9`);
    const none = refusalOf({ body: body.subarray(0, Number(header)), header: "" });
    expect(none).toBe(`${words} 0 (the header inference-header-content-length says where the JSON ends)`);
  });

  it.each(["-1", "1.5", "", " 1", "1e2", "99999", "9".repeat(20), "x"])("are not taken from the header %j", (wrong) => {
    const { body } = makeMessage([binary("price", "FP64", 1, Buffer.alloc(8))]);
    expect(refusalOf({ body, header: wrong })).toMatch(
      wrong === ""
        ? /^400 the body isn't JSON/
        : /^400 inference-header-content-length: expected the length of the JSON, at most the \d+ bytes/,
    );
  });

  it("that end within the JSON are refused", () => {
    const { body, header } = makeMessage([binary("price", "FP64", 1, Buffer.alloc(8))]);
    expect(refusalOf({ body, header: String(Number(header) - 1) })).toMatch(
      /^400 the body isn't JSON: it ends too early/,
    );
    expect(refusalOf({ body, header: String(Number(header) + 1) })).toMatch(/^400 the body isn't JSON/);
  });

  it("go with the tensors of the JSON, in their order", () => {
    const inputs = [
      binary("count", "INT32", 2, bytesOf(Int32Array.of(7, 8))),
      price(1, 2),
      binary("city", "BYTES", 2, textBytes("a", "b")),
      { name: "count:missing", datatype: "BOOL", shape: [2], data: [true, false] },
      binary("promo", "BOOL", 2, Uint8Array.of(1, 0)),
    ];
    expect(columnsOf(inputs)).toEqual({ count: [Number.NaN, 8], price: [1, 2], city: ["a", "b"], promo: [1, 0] });
  });

  it("hide what is personal", () => {
    const contract = makeContract({ properties: { id: { type: "number", "x-pii": true } }, required: [] });
    const message = makeMessage([binary("id", "INT64", 1, bytesOf(BigInt64Array.of(2n ** 53n + 1n)))]);
    expect(refusalOf(message, contract)).toMatch(/got a number \(hidden: personal data\)$/);
  });
});

describe("a raw request", () => {
  const one = (name: string, feature: object) => makeContract({ properties: { [name]: feature }, required: [name] });
  const price = one("price", { type: "number" });
  const raw = (body: Uint8Array) => ({ body: Buffer.from(body), header: "0" });
  const rowOf = (body: Uint8Array, contract: ProtocolContract) => {
    const { rows } = decode(raw(body), contract);
    return [...(rows as Columns).values.values()].map((column) => Array.from<unknown>(column));
  };

  it.each<[string, object, Uint8Array, unknown]>([
    ["a number", { type: "number" }, bytesOf(Float64Array.of(0.1)), 0.1],
    ["a missing number", { type: ["number", "null"] }, bytesOf(Float64Array.of(Number.NaN)), Number.NaN],
    ["an integer", { type: "integer" }, bytesOf(BigInt64Array.of(-7n)), -7],
    ["a truth value", { type: "boolean" }, Uint8Array.of(1), 1],
    ["a text", { type: "string" }, Buffer.from("Zürich"), "Zürich"],
    ["an empty text", { type: "string" }, Buffer.alloc(0), ""],
    ["a list", { type: "array", items: { type: "number" } }, bytesOf(Float64Array.of(1, 2.5, 4)), [1, 2.5, 4]],
    ["a list of three", everyKind.window, bytesOf(Float64Array.of(1, 2.5, 4)), [1, 2.5, 4]],
  ])("is one row of the only tensor: %s", (_, feature, bytes, value) => {
    expect(rowOf(bytes, one("x", feature))).toEqual([[value]]);
  });

  it("is the same in slices, and asks for all outputs as binary data", () => {
    const contract = makeContract({
      properties: { x: everyKind.window },
      required: ["x"],
      labels: ["no", "yes"],
      hasProbabilities: true,
    });
    const { body, header } = raw(bytesOf(Float64Array.of(1, 2, 3)));
    const request = decode({ body, header }, contract);
    expect(request.outputs.map(({ output, isBinary }) => [output.name, isBinary])).toEqual([
      ["prediction", true],
      ["probabilities", true],
    ]);
    expect(takeWhole(openInference.sliced!.decode(body, headOf(header), contract))).toEqual(request);
  });

  it("has the length of one row", () => {
    expect(refusalOf(raw(Buffer.alloc(16)), price)).toBe(
      '400 input "price": expected 8 bytes for 1 element of FP64, got 16',
    );
    expect(refusalOf(raw(Buffer.alloc(7)), price)).toMatch(/expected 8 bytes .*, got 7$/);
    const list = one("x", { type: "array", items: { type: "number" }, maxItems: 2 });
    expect(refusalOf(raw(Buffer.alloc(17)), list)).toMatch(/expected 16 bytes for 2 elements of FP64, got 17$/);
    expect(refusalOf(raw(Buffer.alloc(24)), list)).toMatch(/expected the shape \[rows, n\] .*, got \[1,3\]$/);
    expect(refusalOf(raw(Buffer.of(0xff)), one("x", { type: "string" }))).toMatch(/expected UTF-8, in element 0/);
  });

  it("is refused where the length doesn't say what it is", () => {
    const begin = "400 inference-header-content-length: expected the length of the JSON, got 0, and";
    expect(refusalOf(raw(Buffer.alloc(8)))).toBe(
      `${begin} a body without JSON is for a model of one input tensor: this one has 7`,
    );
    const texts = one("tags", { type: "array", items: { type: "string" } });
    expect(refusalOf(raw(Buffer.alloc(8)), texts)).toBe(
      `${begin} how many texts "tags" has doesn't follow from the length of the body`,
    );
  });
});

it("outputs are written little-endian, texts behind their lengths", () => {
  expect(writeBinary("FP64", [0.1, -0])).toEqual(bytesOf(Float64Array.of(0.1, -0)));
  expect(writeBinary("INT64", [1, -2])).toEqual(bytesOf(BigInt64Array.of(1n, -2n)));
  expect(writeBinary("BOOL", [true, false])).toEqual(Buffer.of(1, 0));
  expect(writeBinary("BYTES", ["é", ""])).toEqual(textBytes("é", ""));
});
