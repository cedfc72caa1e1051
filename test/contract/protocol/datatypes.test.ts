/**
 * Every datatype of the Open Inference Protocol, at the ends of its range, in every form that a client sends it in: the
 * value arrives as it is, or the request is refused. No value is rounded or cut.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { Columns } from "../../../preprocessing/index.js";
import { ServeError } from "../../../server/errors.js";
import { openInferenceConnect } from "../../../server/protocol/open-inference/connect.js";
import { openInferenceProto } from "../../../server/protocol/open-inference/proto.js";
import { bytesOf, decode, headOf, makeContract, makeMessage } from "../../support/open-inference.js";
import { compileProtos, type Loose } from "../../support/typed-proto.js";

/** With wide fields for narrow integers, which are the same on the wire: other libraries write no INT8 of 2^40. */
const wideProto = readFileSync("proto/open_inference.proto", "utf8")
  .replace("repeated int32 int_contents", "repeated int64 int_contents")
  .replace("repeated uint32 uint_contents", "repeated uint64 uint_contents");
const inferRequest = compileProtos([wideProto]).getMessage("inference.ModelInferRequest")!;

type Type = "number" | "integer" | "boolean" | "string";
type Value = number | bigint | boolean | string | Buffer;
const forms = ["JSON", "binary", "gRPC", "gRPC raw", "Connect JSON"] as const;
type Form = (typeof forms)[number];

const raws: Readonly<Record<string, (value: Value) => Buffer>> = {
  BOOL: (value) => Buffer.of(Number(value)),
  INT8: (value) => bytesOf(Int8Array.of(Number(value))),
  INT16: (value) => bytesOf(Int16Array.of(Number(value))),
  INT32: (value) => bytesOf(Int32Array.of(Number(value))),
  INT64: (value) => bytesOf(BigInt64Array.of(value as bigint)),
  UINT8: (value) => bytesOf(Uint8Array.of(Number(value))),
  UINT16: (value) => bytesOf(Uint16Array.of(Number(value))),
  UINT32: (value) => bytesOf(Uint32Array.of(Number(value))),
  UINT64: (value) => bytesOf(BigUint64Array.of(value as bigint)),
  /** Its bits. */
  FP16: (value) => bytesOf(Uint16Array.of(Number(value))),
  FP32: (value) => bytesOf(Float32Array.of(value as number)),
  FP64: (value) => bytesOf(Float64Array.of(value as number)),
  BYTES(value) {
    const bytes = Buffer.from(value as string);
    return Buffer.concat([bytesOf(Uint32Array.of(bytes.length)), bytes]);
  },
};

const fieldOf = (datatype: string) =>
  datatype.endsWith("64") || datatype.startsWith("FP")
    ? `${datatype.toLowerCase()}Contents`.replace("fp16", "fp32")
    : ({ BOOL: "boolContents", BYTES: "bytesContents" }[datatype] ??
      (datatype.startsWith("U") ? "uintContents" : "intContents"));

/** A number as JSON has it: with its sign, and all digits of a large one. */
const digitsOf = (value: Value) => (Object.is(value, -0) ? "-0" : String(value));

/** Of protobuf's JSON. */
function protoJson(datatype: string, value: Value): unknown {
  if (datatype === "BYTES") return Buffer.from(value as string).toString("base64");
  if (typeof value === "bigint") return String(value);
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? digitsOf(value) : value;
}

function rowsOf(form: Form, type: Type, datatype: string, value: Value) {
  const contract = makeContract({ properties: { x: { type } }, required: ["x"] });
  const head = { name: "x", datatype, shape: [1] };
  if (form === "binary") return decode(makeMessage([{ ...head, bytes: raws[datatype]!(value) }]), contract).rows;
  const asJson = (data: string) => Buffer.from(`{"inputs":[{"name":"x","datatype":"${datatype}",${data}}]}`);
  if (form === "JSON") {
    const data = typeof value === "string" ? JSON.stringify(value) : digitsOf(value);
    return decode({ body: asJson(`"shape":[1],"data":[${data}]`), header: "" }, contract).rows;
  }
  const contents = { [fieldOf(datatype)]: [protoJson(datatype, value)] };
  if (form === "Connect JSON") {
    const body = asJson(`"shape":["1"],"contents":${JSON.stringify(contents)}`);
    return openInferenceConnect.decode(body, { contentType: "application/json", header: () => "" }, contract).rows;
  }
  const raw = raws[datatype]!(value).toString("base64");
  const message = form === "gRPC" ? { inputs: [{ ...head, contents }] } : { inputs: [head], rawInputContents: [raw] };
  const body = Buffer.from(toBinary(inferRequest, fromJson(inferRequest, message as Loose)));
  return openInferenceProto.decode(body, headOf(""), contract).rows;
}

/** What a row has, or that the caller is refused. */
function outcome(...sent: Parameters<typeof rowsOf>): unknown {
  try {
    return (rowsOf(...sent) as Columns).values.get("x")![0];
  } catch (error) {
    if (!(error instanceof ServeError) || !["malformed_body", "schema_mismatch"].includes(error.code)) throw error;
    return "refused";
  }
}

const inTyped: readonly Form[] = ["JSON", "gRPC", "Connect JSON"];
const inBytes: readonly Form[] = ["binary", "gRPC raw"];
const widths = [8, 16, 32];
const numberTypes: readonly Type[] = ["number", "integer"];
const half = (bits: number, value: number) => ["FP16", "number", bits, inBytes, value] as const;
const float32Max = (2 - 2 ** -23) * 2 ** 127;

/** A datatype, the feature's type, what is sent, in which forms, and what is read. */
const cases: readonly (readonly [string, Type, Value, readonly Form[], unknown])[] = [
  ...widths.flatMap((width) =>
    [`INT${width}`, `UINT${width}`].flatMap((datatype) => {
      const least = datatype.startsWith("U") ? 0 : -(2 ** (width - 1));
      const most = least + 2 ** width - 1;
      return numberTypes.flatMap((type) => [
        ...[least, 0, 1, most].map((value) => [datatype, type, value, forms, value] as const),
        ...[most + 1, 2 ** 40, ...(least < 0 ? [least - 1, -(2 ** 40)] : [])].map(
          (value) => [datatype, type, BigInt(value), inTyped, "refused"] as const,
        ),
      ]);
    }),
  ),
  // Beyond 2^53 float64 has some integers and not others; JSON.parse would round them unseen.
  ...["INT64", "UINT64"].flatMap((datatype) => {
    const sign = datatype === "INT64" ? -1n : 1n;
    const exact = [0n, 1n, sign * (2n ** 53n - 1n), 2n ** 53n - 1n].flatMap((value) =>
      numberTypes.map((type) => [datatype, type, value, forms, Number(value)] as const),
    );
    const large = [2n ** 53n, sign * 2n ** 53n, 2n ** 62n, 2n ** 62n + 1024n].flatMap((value) => [
      [datatype, "number", value, ["JSON"], "refused"] as const,
      [datatype, "number", value, forms.slice(1), Number(value)] as const,
    ]);
    const unheld = [2n ** 53n + 1n, sign * (2n ** 53n + 1n), 2n ** 62n + 1n, 2n ** 63n - 1n].map(
      (value) => [datatype, "number", value, forms, "refused"] as const,
    );
    return [...exact, ...large, ...unheld];
  }),
  ["INT64", "number", -(2n ** 63n), forms.slice(1), -(2 ** 63)],
  ["INT64", "number", 2n ** 63n, ["JSON", "Connect JSON"], "refused"],
  ["INT64", "number", -(2n ** 63n) - 1n, ["JSON", "Connect JSON"], "refused"],
  ["UINT64", "number", 2n ** 63n, forms.slice(1), 2 ** 63],
  ["UINT64", "number", 2n ** 64n - 1n, forms, "refused"],
  ["UINT64", "number", 2n ** 64n, ["JSON", "Connect JSON"], "refused"],
  ["UINT64", "number", -1n, ["JSON", "Connect JSON"], "refused"],
  ...[0.5, -0, 2 ** -149, -(2 ** -126), float32Max, -float32Max, Math.fround(0.1)].map(
    (value) => ["FP32", "number", value, forms, value] as const,
  ),
  ["FP32", "number", Number.NaN, ["binary", "gRPC", "gRPC raw", "Connect JSON"], Number.NaN],
  ["FP32", "number", Infinity, ["binary", "gRPC", "gRPC raw", "Connect JSON"], Infinity],
  ["FP32", "number", 3.5e38, ["JSON", "Connect JSON"], "refused"],
  ["FP32", "number", -1e300, ["JSON", "Connect JSON"], "refused"],
  ...[0.1, -0, 5e-324, 2 ** 53 + 2, Number.MAX_VALUE, -Number.MAX_VALUE].map(
    (value) => ["FP64", "number", value, forms, value] as const,
  ),
  ["FP64", "number", Number.NaN, ["binary", "gRPC", "gRPC raw", "Connect JSON"], Number.NaN],
  ["FP64", "number", 10n ** 400n, ["JSON", "Connect JSON"], "refused"],
  half(0x3c00, 1),
  half(0x8000, -0),
  half(0x0001, 2 ** -24),
  half(0x03ff, 1023 * 2 ** -24),
  half(0x7bff, 65_504),
  half(0xfbff, -65_504),
  half(0x7c00, Infinity),
  half(0x7e00, Number.NaN),
  ["FP16", "number", 1, inTyped, "refused"],
  ["BOOL", "boolean", true, forms, 1],
  ["BOOL", "boolean", false, forms, 0],
  ["BOOL", "boolean", 2, ["JSON", "binary", "gRPC raw", "Connect JSON"], "refused"],
  ["BOOL", "boolean", 1, ["JSON", "Connect JSON"], "refused"],
  ["BOOL", "boolean", "true", ["JSON", "Connect JSON"], "refused"],
  ["BOOL", "number", true, forms, "refused"],
  ["UINT8", "boolean", 1, forms, "refused"],
  ["BYTES", "number", "1", forms, "refused"],
  ...["", "\0", "a\0b", "é🦆", "\ufffd", "\ufeffx", "x".repeat(300)].map(
    (text) => ["BYTES", "string", text, forms, text] as const,
  ),
  // No UTF-8: a half sequence, an overlong one, a surrogate, what no code point begins with.
  ...["c328", "c080", "eda080", "ff", "e282", "61f48fbfc0"].map(
    (hex) => ["BYTES", "string", Buffer.from(hex, "hex"), forms.slice(1), "refused"] as const,
  ),
];

const shown = (value: Value) =>
  Buffer.isBuffer(value)
    ? value.toString("hex")
    : typeof value === "string"
      ? JSON.stringify(value).slice(0, 20)
      : digitsOf(value);

test.each(cases.map((each) => [...each.slice(0, 2), shown(each[2]), each] as [string, Type, string, typeof each]))(
  "%s for a %s: %s",
  (_datatype, _type, _shown, [datatype, type, value, in_, expected]) => {
    const outcomes = Object.fromEntries(in_.map((form) => [form, outcome(form, type, datatype, value)]));
    expect(outcomes).toEqual(Object.fromEntries(in_.map((form) => [form, expected])));
  },
);
