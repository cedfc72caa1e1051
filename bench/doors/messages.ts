/** The same rows as each door takes them. All features are numbers, and none is missing. */

import { Buffer } from "node:buffer";
import type { Target } from "../../loadtest/target.js";

export type Row = Readonly<Record<string, number>>;

/** Features that are integers: INT64 in tensors, varints in protobuf. */
const isInteger = (name: string) => name === "feature_promo";

/** A POST request for a kept-alive connection. */
export function post({ host, port }: Target, path: string, body: Uint8Array, headers: Record<string, string>): Buffer {
  // The first large calls find everything cold: none is to be refused for it.
  const always = { host: `${host}:${port}`, "content-length": String(body.length), "x-timeout-ms": "10000" };
  const lines = Object.entries({ ...always, ...headers });
  const head = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

export const json = { "content-type": "application/json" };
export const proto = { "content-type": "application/proto" };

const columnOf = (rows: readonly Row[], name: string) => rows.map((row) => row[name]!);

/** The Open Inference Protocol, elements in the JSON. */
export function tensorsInJson(rows: readonly Row[]): Buffer {
  const inputs = Object.keys(rows[0]!).map((name) => ({
    name,
    datatype: isInteger(name) ? "INT64" : "FP64",
    shape: [rows.length],
    data: columnOf(rows, name),
  }));
  return Buffer.from(JSON.stringify({ inputs }));
}

/** The same with binary data both ways; with the length of its JSON. */
export function tensorsInBytes(rows: readonly Row[]): { body: Buffer; headers: Record<string, string> } {
  const names = Object.keys(rows[0]!);
  const inputs = names.map((name) => ({
    name,
    datatype: "FP64",
    shape: [rows.length],
    parameters: { binary_data_size: 8 * rows.length },
  }));
  const text = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const elements = names.map((name) => Buffer.from(Float64Array.from(columnOf(rows, name)).buffer));
  return {
    body: Buffer.concat([text, ...elements]),
    headers: { "inference-header-content-length": String(text.length) },
  };
}

/** `PredictRequest` of the model's typed proto: fields are numbered as the schema has the features. */
export function typedRequest(rows: readonly Row[]): Buffer {
  return Buffer.concat(rows.map((row) => field(2, rowMessage(row))));
}

function rowMessage(row: Row): Buffer {
  const fields = Object.entries(row).map(([name, value], at) => {
    if (isInteger(name)) return Buffer.concat([varint((at + 1) * 8), varint(value)]);
    const bits = Buffer.alloc(8);
    bits.writeDoubleLE(value);
    return Buffer.concat([varint((at + 1) * 8 + 1), bits]);
  });
  return Buffer.concat(fields);
}

/** `ModelInferRequest` of one row, its elements behind the tensors. */
export function inferRequest(model: string, row: Row): Buffer {
  const names = Object.keys(row);
  const tensor = (name: string) =>
    Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from("FP64")), field(3, varint(1))]);
  const raw = (name: string) => Buffer.from(Float64Array.of(row[name]!).buffer);
  return Buffer.concat([
    field(1, Buffer.from(model)),
    ...names.map((name) => field(5, tensor(name))),
    ...names.map((name) => field(7, raw(name))),
  ]);
}

function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** @param value - Not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
