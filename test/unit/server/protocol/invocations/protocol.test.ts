/** Goal: what SageMaker and MLflow's callers send, in JSON or CSV, is the rows that `/predict` would get. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../../server/errors.js";
import { invocations } from "../../../../../server/protocol/invocations/protocol.js";
import { makeContract } from "../../../../support/open-inference.js";
import { decodeTable } from "../../../../support/table-requests.js";

const contract = makeContract({
  properties: {
    price: { type: "number" },
    count: { type: ["integer", "null"] },
    promo: { type: "boolean" },
    city: { type: "string" },
    sold: { type: "array", items: { type: "number" } },
  },
  required: ["price", "count"],
  rowsMax: 3,
});
const rowsOf = (body: unknown, contentType?: string, of = contract) => {
  const decoded = decodeTable(invocations, of, body, contentType);
  return typeof decoded === "string" ? decoded : decoded.rows;
};
const csv = (text: string, contentType = "text/csv") => rowsOf(text, contentType);

describe("JSON", () => {
  const row = { price: 1, count: 2, city: "Graz" };
  const list = [1, 2, null, "Graz", null];

  test.each<[string, unknown]>([
    ["a list of rows", [row]],
    ["a list of lists", [list]],
    ["one row", row],
    ["instances", { instances: [list] }],
    ["inputs of rows", { inputs: [row] }],
    ["dataframe_records", { dataframe_records: [row] }],
    [
      "dataframe_split",
      { dataframe_split: { columns: ["city", "price", "count"], data: [["Graz", 1, 2]], index: [0] } },
    ],
    ["dataframe_split without names", { dataframe_split: { data: [list] } }],
  ])("%s", (_, body) => expect(rowsOf(body)).toEqual([row]));

  test("inputs of columns stay columns", () => {
    expect(rowsOf({ inputs: { price: [1, 2], count: [null, 3], promo: [true, false] } })).toEqual({
      columns: {
        price: Float64Array.of(1, 2),
        count: Float64Array.of(Number.NaN, 3),
        promo: Float64Array.of(1, 0),
      },
    });
  });

  test("params choose fields", () => {
    expect(
      decodeTable(invocations, contract, { instances: [row], params: { fields: ["prediction"], partial: true } }),
    ).toMatchObject({ request: { partial: true, fields: { prediction: true }, answersKey: "predictions" } });
  });

  test("a model may have a feature with the name of a form", () => {
    const of = makeContract({ properties: { inputs: { type: "array", items: { type: "number" } } }, required: [] });
    expect(rowsOf({ inputs: [1, 2] }, undefined, of)).toEqual([{ inputs: [1, 2] }]);
  });

  test.each<[unknown, string]>([
    [
      { instances: [row], inputs: [row] },
      'the body has "instances", so beside it only "params" is known, got "inputs"',
    ],
    [{ dataframe_split: [1] }, '"dataframe_split": expected an object of "columns" and "data", got a list'],
    [
      { dataframe_split: { columns: ["prize"], data: [[1]] } },
      '"dataframe_split", "columns": expected the names of features',
    ],
    [
      { dataframe_split: { columns: ["price", "price"], data: [[1, 1]] } },
      'expected each name once, got "price" again',
    ],
    [{ dataframe_split: { columns: [1], data: [[1]] } }, "expected a list of names, got a number in it"],
    [
      { dataframe_split: { columns: ["price"], data: [[1], 2] } },
      '"data", row 1: expected a list of values, got a number',
    ],
    [{ dataframe_split: { columns: ["price"], data: [] } }, "expected 1 to 3 rows, got an empty list"],
    [{ dataframe_records: {} }, '"dataframe_records": expected a list of rows, got an object'],
    [5, "the body: expected rows, as a list or in one of MLflow's forms, got a number"],
  ])("%j is refused", (body, words) => expect(rowsOf(body)).toContain(words));
});

describe("CSV", () => {
  const row = { price: 1.5, count: 2, promo: true, city: "Graz", sold: [1, 2] };

  test("is lines in the order of the schema, or with names in the first one", () => {
    expect(csv('1.5,2,true,Graz,"[1,2]"\n')).toEqual([row]);
    expect(csv('city,price,count,sold,promo\r\n"Graz",1.5,2,"[1, 2]",1\r\n')).toEqual([row]);
    expect(csv("\ufeffcity,price,count\nGraz,1,2")).toEqual([{ city: "Graz", price: 1, count: 2 }]);
  });

  test("says in the content type whether it has names", () => {
    expect(csv("price,count,,price,", "text/csv; header=absent")).toEqual([
      { price: "price", count: "count", city: "price" },
    ]);
    expect(csv("1,2,,x,", "text/csv; header=present; charset=utf-8")).toContain(
      "line 1: expected the names of features",
    );
    expect(csv("1,2,,x,", "text/csv; charset=latin1")).toContain(
      "content-type: expected application/json or text/csv in UTF-8",
    );
  });

  test("has quotes, breaks and commas in cells", () => {
    expect(csv('1,2,,"a ""b"",\r\nc",\n\n3,4,,"",')).toEqual([
      { price: 1, count: 2, city: 'a "b",\r\nc' },
      { price: 3, count: 4, city: "" },
    ]);
  });

  test("an empty cell is a missing value, and so is what pandas writes; what isn't of its type is the schema's business", () => {
    expect(csv("price,count,promo,city,sold\nNaN,,,,\n,n/a,maybe,1,[[1]]")).toEqual([
      { price: null, count: null },
      { price: null, count: "n/a", promo: "maybe", city: "1", sold: "[[1]]" },
    ]);
    expect(csv("price,count\n-0,1e3\n .5 ,+7\nInfinity,0x10")).toEqual([
      { price: -0, count: 1000 },
      { price: 0.5, count: 7 },
      { price: "Infinity", count: "0x10" },
    ]);
  });

  test.each<[string, string]>([
    [
      "1,2",
      'schema_mismatch: line 1: expected 5 cells, in the order "price", "count", "promo", "city" and "sold", got 2',
    ],
    ["price,prize\n1,2", 'line 1: expected the names of features, "price"'],
    ["price,count\n1,2,3", 'line 2: expected 2 cells, in the order "price" and "count", got 3'],
    ["price,count\n", "schema_mismatch: the body: expected 1 to 3 rows, got an empty list"],
    ["", "the body: expected 1 to 3 rows, got an empty list"],
    ["price,count\n1,2\n1,2\n1,2\n1,2", "too_many_rows: the body: expected 1 to 3 rows, got more"],
    ['price,count\n1,"2', "malformed_body: line 2: expected a quote at the end of the cell that begins with one"],
    ['price,count\n1,2"', "line 2: expected quotes round a whole cell"],
    ['price,count\n1,"2"3', "line 2: expected quotes round a whole cell"],
    [",".repeat(1005), "line 1: expected at most 1005 cells, got more"],
    [`"${"x".repeat(70_000)}""",`, "expected at most 65536 characters in a cell, got more"],
  ])("%j is refused", (text, words) => expect(csv(text)).toContain(words));

  test("of any bytes is rows or a refusal", () => {
    const piece = fc.constantFrom(
      "1",
      "-0.5",
      ",",
      ",",
      "\n",
      "\r\n",
      '"',
      '""',
      "price",
      "count",
      "Graz",
      "[1]",
      " ",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const rows = csv(pieces.join(""));
        if (typeof rows !== "string") expect((rows as unknown[]).length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test("reads back what is written by the rules", () => {
    const rows = fc.array(
      fc.record({ price: fc.double({ noNaN: true, noDefaultInfinity: true }), city: fc.string({ unit: "binary" }) }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(rows, fc.constantFrom("\n", "\r\n"), (all, end) => {
        const lines = all.map(({ price, city }) => [
          Object.is(price, -0) ? "-0" : price,
          `"${city.replaceAll('"', '""')}"`,
        ]);
        expect(csv(["city,price", ...lines.map(([price, city]) => `${city},${price}`)].join(end))).toEqual(all);
      }),
    );
  });
});

test.each(["", "text/plain", "application/x-npy"])("the content type %j isn't taken", (contentType) => {
  expect(rowsOf("[]", contentType)).toContain(
    "unsupported_media_type: content-type: expected application/json or text/csv in UTF-8, got ",
  );
});

test.each([
  ["schema_mismatch", 400, "BAD_REQUEST"],
  ["body_too_large", 413, "BAD_REQUEST"],
  ["unsupported_media_type", 415, "BAD_REQUEST"],
  ["model_not_found", 404, "RESOURCE_DOES_NOT_EXIST"],
  ["overloaded", 503, "TEMPORARILY_UNAVAILABLE"],
  ["deadline_exceeded", 504, "DEADLINE_EXCEEDED"],
  ["internal", 500, "INTERNAL_ERROR"],
] as const)("%s is %i, %s of MLflow", (code, status, errorCode) => {
  const reply = invocations.refuse(new ServeError(code, "words"), "r1");
  expect([reply.status, JSON.parse(reply.body.toString())]).toEqual([
    status,
    { error_code: errorCode, message: "words" },
  ]);
});
