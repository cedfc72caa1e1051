/** What a reply over HTTP has to be, in words that a report can print. */

import type { Buffer } from "node:buffer";
import type { HttpReply } from "./http-client.js";
import { check, Mismatch } from "./mismatch.js";
import { elementCount, type Value, valuesOf } from "./tensors.js";

export type Members = Readonly<Record<string, unknown>>;

export const lengthHeader = "inference-header-content-length";

export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function textOf({ status, body }: HttpReply): string {
  return `${status} ${body.toString("utf8", 0, 200) || "without a body"}`;
}

export function isOk(reply: HttpReply): HttpReply {
  check(reply.status === 200, "status 200", textOf(reply));
  return reply;
}

export function parseJson(reply: HttpReply, bytes = reply.body): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new Mismatch("a body of JSON", textOf(reply));
  }
}

/** The object in the body of a reply with status 200. */
export function objectOf(reply: HttpReply): Members {
  const value = parseJson(isOk(reply));
  check(isObject(value), "a JSON object", value);
  return value;
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  check(Array.isArray(value), `${what} as a list`, value);
  return value;
}

export function objectsOf(value: unknown, what: string): readonly Members[] {
  const list = listOf(value, what);
  for (const each of list) check(isObject(each), `${what} as a list of objects`, each);
  return list as Members[];
}

/** The caller's mistake: a status of 4xx, and a body of `{"error": "..."}`. */
export function isRefused(reply: HttpReply): void {
  isCallersMistake(reply);
  const value = parseJson(reply);
  const error = isObject(value) ? value.error : undefined;
  check(typeof error === "string" && error !== "", 'a body of {"error": "<text>"}', textOf(reply));
}

export function isCallersMistake(reply: HttpReply): void {
  check(reply.status >= 400 && reply.status < 500, "a status of 4xx", textOf(reply));
}

/** Taken, or refused as the caller's mistake; but no failure of the server. */
export function isTakenOrRefused(reply: HttpReply): void {
  if (reply.status === 200) objectOf(reply);
  else isRefused(reply);
}

export interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly values: readonly Value[];
  /** As it stands in the JSON. */
  readonly members: Members;
}

export interface InferReply {
  readonly members: Members;
  readonly outputs: readonly Output[];
  /** Bytes behind the JSON; undefined where the reply has no header for them. */
  readonly binary: Buffer | undefined;
  readonly headers: HttpReply["headers"];
}

/** Reads an answer, whether its outputs are JSON or bytes behind it. */
export function readInfer(reply: HttpReply): InferReply {
  isOk(reply);
  const header = reply.headers[lengthHeader];
  const end = header === undefined ? reply.body.length : Number(header);
  check(Number.isInteger(end) && end >= 0 && end <= reply.body.length, `${lengthHeader} within the body`, header);
  const members = parseJson(reply, reply.body.subarray(0, end));
  check(isObject(members), "a JSON object", members);
  let at = end;
  const outputs = objectsOf(members.outputs, "outputs").map((output): Output => {
    const { name, datatype } = output;
    check(typeof name === "string" && typeof datatype === "string", "an output's name and datatype", output);
    const shape = listOf(output.shape, "an output's shape") as number[];
    if (output.data !== undefined) {
      return { name, datatype, shape, values: listOf(output.data, "data").flat(Infinity) as Value[], members: output };
    }
    const size = isObject(output.parameters) ? output.parameters.binary_data_size : undefined;
    check(typeof size === "number", "data or binary_data_size of an output", output);
    const values = valuesOf(datatype, reply.body.subarray(at, at + size));
    check(values !== undefined, `bytes of ${datatype} for ${name}`, size);
    at += size;
    return { name, datatype, shape, values, members: output };
  });
  check(at === reply.body.length, "as many bytes as the outputs say", `${reply.body.length - at} more`);
  return {
    members,
    outputs,
    binary: header === undefined ? undefined : reply.body.subarray(end),
    headers: reply.headers,
  };
}

export function hasItsElements({ name, shape, values }: Output): void {
  check(values.length === elementCount(shape), `${elementCount(shape)} elements of ${name}`, values.length);
}
