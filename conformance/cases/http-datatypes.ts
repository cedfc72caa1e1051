/** Each data type and its range over HTTP in JSON. */

import type { Case } from "../case.js";
import { isTakenOrRefused, readInfer } from "../reply.js";
import { rest } from "../sources.js";
import { datatypes, jsonInput, type Tensor } from "../tensors.js";
import { sameAnswer } from "./http-infer.js";
import { all, changeOf, input, noHalf } from "./needs.js";

const tensorData = rest("tensor-data");

const numbers = Object.keys(datatypes).filter((datatype) => datatype !== "BYTES" && datatype !== "BOOL");

/** Texts of JSON beyond each data type. */
const beyond: Readonly<Record<string, string>> = Object.fromEntries(
  numbers
    .filter((datatype) => datatype !== "FP64" && datatype !== "FP16")
    .map((datatype) => [datatype, datatype === "FP32" ? "1e39" : String(BigInt(datatypes[datatype]!.most) * 2n)]),
);

export const datatypeCases: readonly Case[] = [
  ...Object.keys(datatypes)
    .filter((datatype) => datatype !== "FP16")
    .map(
      (datatype): Case => ({
        id: `http.datatype.${datatype}`,
        rule: `Elements of ${datatype} are taken as JSON ${jsonKind(datatype)}, and the same ones have the same answer again.`,
        source: rest("tensor-data-types"),
        needs: all(noHalf, input(datatype)),
        check: async (probe) => {
          const first = readInfer(await probe.infer());
          sameAnswer(readInfer(await probe.infer()).outputs, first.outputs);
        },
      }),
    ),
  ...Object.entries(beyond).map(
    ([datatype, text]): Case => ({
      id: `http.range.${datatype}`,
      rule: `A number beyond ${datatype} is coerced or refused: 200, or 4xx with an error. It is no failure of the server.`,
      source: tensorData,
      needs: all(noHalf, input(datatype)),
      check: async (probe) => {
        const marked = changeOf(probe.model.row, datatype, (tensor) => ({
          ...tensor,
          values: tensor.values.map(() => "@"),
        }));
        const body = JSON.stringify({ inputs: marked.map(jsonInput) }).replaceAll('"@"', text);
        isTakenOrRefused(await probe.inferText(body));
      },
    }),
  ),
  ...(
    [
      ["FP32", "a string", "one"],
      ["FP64", "a string", "one"],
      ["INT32", "a fraction", 1.5],
      ["INT64", "a fraction", 1.5],
      ["INT64", "a boolean", true],
      ["BOOL", "a string", "yes"],
      ["BOOL", "a number", 7],
      ["BYTES", "a number", 7],
    ] as const
  ).map(
    ([datatype, kind, value]): Case => ({
      id: `http.datatype.${kind.replace(/^a /, "")}-as-${datatype}`,
      rule: `An element of ${datatype} that is ${kind} is coerced or refused: 200, or 4xx with an error.`,
      source: tensorData,
      needs: all(noHalf, input(datatype)),
      check: async (probe) => {
        const change = (tensor: Tensor) => ({ ...tensor, values: tensor.values.map(() => value) });
        isTakenOrRefused(await probe.infer({}, changeOf(probe.model.row, datatype, change)));
      },
    }),
  ),
];

function jsonKind(datatype: string): string {
  return datatype === "BOOL" ? "booleans" : datatype === "BYTES" ? "strings" : "numbers";
}
