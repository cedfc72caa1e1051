/** Rows as the tensors that a client of the Open Inference Protocol makes of them: a column for each feature. */

import { Buffer } from "node:buffer";
import type { Feature } from "../../bundle/index.js";
import { bytesOf, type SentInput, textBytes } from "./open-inference.js";

type Row = Readonly<Record<string, unknown>>;

/**
 * A tensor for each feature that any of the rows has, or has to have. A float that is missing is NaN, or null in JSON; of
 * the others a mask says so.
 */
export function tensorsOfRows(
  features: readonly Feature[],
  rows: readonly Row[],
  form: "json" | "binary",
): SentInput[] {
  return features.flatMap((feature): SentInput[] => {
    const { name, type } = feature;
    const column = rows.map((row) => row[name] ?? null);
    const isMissing = column.map((value) => value === null);
    if (!feature.required && isMissing.every(Boolean)) return [];
    const isWhole = column.every((value) => value === null || Number.isSafeInteger(value));
    // What isn't an integer is sent all the same: it is the server that refuses it.
    const item = type === "array" ? feature.itemType! : type === "integer" && !isWhole ? "number" : type;
    const lists = type === "array" ? (column as (readonly unknown[] | null)[]) : undefined;
    const isMasked = (item !== "number" || lists !== undefined) && isMissing.includes(true);
    const width = Math.max(0, ...(lists ?? []).map((list) => list?.length ?? 0));
    // In a list, JSON's null is no number.
    const filler = { number: lists ? 0 : Number.NaN, integer: 0, boolean: false, string: "" }[item];
    const filled = lists
      ? lists.flatMap((list) => list ?? new Array<unknown>(width).fill(filler))
      : column.map((value) => value ?? filler);
    const { datatype, bytes } = encoded(item, filled);
    const head = { name, datatype, shape: lists ? [rows.length, width] : [rows.length] };
    // JSON.stringify makes null of NaN.
    const own = form === "binary" ? { ...head, bytes } : { ...head, data: filled };
    if (!isMasked) return [own];
    return [own, { name: `${name}:missing`, datatype: "BOOL", shape: [rows.length], data: isMissing }];
  });
}

/** The same with each mask in bytes: beside raw contents of gRPC stand no others. */
export const allInBytes = (inputs: readonly SentInput[]): SentInput[] =>
  inputs.map(({ data, ...input }) => ({
    ...input,
    bytes: input.bytes ?? Buffer.from((data as boolean[]).map(Number)),
  }));

/**
 * The calls that these rows can be sent in: in a tensor all lists have one length. A row that lacks a list goes with
 * those that have three items.
 */
export function callsOf<One extends { readonly row: Row }>(
  features: readonly Feature[],
  rows: readonly One[],
): One[][] {
  const lists = features.filter(({ type }) => type === "array");
  const lengths = ({ row }: One) => lists.map(({ name }) => (row[name] as unknown[] | null | undefined)?.length ?? 3);
  const calls = new Map<string, One[]>();
  for (const one of rows) {
    const key = lengths(one).join();
    calls.set(key, [...(calls.get(key) ?? []), one]);
  }
  return [...calls.values()];
}

function encoded(item: Feature["itemType"] & string, values: readonly unknown[]): { datatype: string; bytes: Buffer } {
  switch (item) {
    case "number":
      return { datatype: "FP64", bytes: bytesOf(Float64Array.from(values as number[])) };
    case "integer":
      return { datatype: "INT64", bytes: bytesOf(BigInt64Array.from(values as number[], BigInt)) };
    case "boolean":
      return { datatype: "BOOL", bytes: Buffer.from((values as boolean[]).map(Number)) };
    default:
      return { datatype: "BYTES", bytes: textBytes(...(values as string[])) };
  }
}
