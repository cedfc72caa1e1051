/** Goal: a tensor is taken exactly if its data type and its shape can be the feature's; what it can't say, its mask says. */

import { describe, expect, it } from "vitest";
import {
  columnsOf,
  makeContract,
  makeMessage,
  price,
  refusalOf,
  type SentInput,
} from "../../../../support/open-inference.js";

const refused = (...inputs: readonly SentInput[]) => refusalOf(makeMessage(inputs));

describe("data types", () => {
  it.each(["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64"])(
    "takes %s for a number and for an integer",
    (datatype) => {
      const tensor = { datatype, shape: [2], data: [1, 2] };
      expect(
        columnsOf([
          { name: "price", ...tensor },
          { name: "count", ...tensor },
        ]),
      ).toEqual({
        price: [1, 2],
        count: [1, 2],
      });
    },
  );

  it.each([
    ["price", "BOOL", "UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, FP32 or FP64"],
    ["count", "BYTES", "UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, FP32 or FP64"],
    ["promo", "UINT8", "BOOL"],
    ["city", "FP64", "BYTES"],
    ["tags", "BOOL", "BYTES"],
    ["city:missing", "BYTES", "BOOL"],
  ])("refuses for %s %s", (name, datatype, expected) => {
    expect(refused({ name, datatype, shape: [1], data: [1] })).toBe(
      `400 input "${name}": expected the datatype ${expected}, got the string "${datatype}"`,
    );
  });

  it.each([["fp64"], ["STRING"], ["toString"], [64], [null], [undefined]])("refuses the unknown one %s", (datatype) => {
    expect(refused({ name: "price", datatype, shape: [1], data: [1] })).toMatch(
      /^400 input "price": expected the datatype UINT8, .*, got /,
    );
  });
});

describe("shapes", () => {
  it("takes one value a row with and without a second dimension", () => {
    const flat = { name: "price", datatype: "FP64", shape: [2], data: [1, 2] };
    expect(columnsOf([flat])).toEqual({ price: [1, 2] });
    expect(columnsOf([{ ...flat, shape: [2, 1] }])).toEqual({ price: [1, 2] });
    expect(columnsOf([{ ...flat, shape: [2, 1], data: [[1], [2]] }])).toEqual({ price: [1, 2] });
  });

  it("takes lists, one a row, empty ones too", () => {
    const window = { name: "window", datatype: "FP64", shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
    const flags = {
      name: "flags",
      datatype: "BOOL",
      shape: [2, 2],
      data: [
        [true, false],
        [false, false],
      ],
    };
    const tags = { name: "tags", datatype: "BYTES", shape: [2, 0], data: [] };
    expect(columnsOf([price(1, 2), window, flags, tags])).toEqual({
      price: [1, 2],
      window: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      flags: [
        [true, false],
        [false, false],
      ],
      tags: [[], []],
    });
  });

  it.each([
    ["price", [], "[rows] or [rows, 1]"],
    ["price", [1, 2], "[rows] or [rows, 1]"],
    ["price", [1, 1, 1], "[rows] or [rows, 1]"],
    ["price", [-1], "[rows] or [rows, 1]"],
    ["price", [1.5], "[rows] or [rows, 1]"],
    ["price", ["1"], "[rows] or [rows, 1]"],
    ["price", [2 ** 53], "[rows] or [rows, 1]"],
    ["price", [4294967297, 4294967297], "[rows] or [rows, 1]"],
    ["window", [1], "[rows, 3]"],
    ["window", [1, 2], "[rows, 3]"],
    ["flags", [1], "[rows, n]"],
    ["tags", [1, 5], "[rows, n] with n of at most 4"],
  ])("refuses for %s %j", (name, shape, expected) => {
    const datatype = { price: "FP64", window: "FP64", flags: "BOOL", tags: "BYTES" }[name];
    expect(refused({ name, datatype, shape, data: [1] })).toBe(
      `400 input "${name}": expected the shape ${expected}, got ${JSON.stringify(shape)}`,
    );
  });

  it("bounds the rows", () => {
    expect(refused({ ...price(), data: [] })).toBe('400 input "price": expected 1 to 100 rows, got none');
    expect(refused({ ...price(), shape: [101], data: [] })).toBe('400 input "price": expected 1 to 100 rows, got 101');
    expect(refused({ ...price(), shape: [2 ** 53 - 1], data: [] })).toMatch(/^400 .* got 9007199254740991$/);
  });

  it("refuses tensors of different lengths", () => {
    const count = { name: "count", datatype: "INT64", shape: [1], data: [1] };
    expect(refused(price(1, 2), count)).toBe('400 input "count": expected as many rows as "price" has, 2, got 1');
  });
});

describe("missing values", () => {
  const count = { name: "count", datatype: "INT64", shape: [3], data: [1, 2, 3] };
  const city = { name: "city", datatype: "BYTES", shape: [3], data: ["a", "b", "c"] };
  const mask = (name: string, data: unknown = [false, true, false]) => ({
    name,
    datatype: "BOOL",
    shape: [3, 1],
    data,
  });

  it("are marked by a tensor beside the feature's own, before or behind it", () => {
    const window = { name: "window", datatype: "FP64", shape: [3, 3], data: [1, 2, 3, 4, 5, 6, 7, 8, 9] };
    const masks = ["count", "city", "window"].map((name) => mask(`${name}:missing`));
    expect(columnsOf([mask("price:missing"), price(1, 2, 3), count, city, window, ...masks])).toEqual({
      price: [1, Number.NaN, 3],
      count: [1, Number.NaN, 3],
      city: ["a", null, "c"],
      window: [[1, 2, 3], null, [7, 8, 9]],
    });
  });

  it("are null in JSON", () => {
    const nulls = { datatype: "INT64", shape: [2], data: [null, 1] };
    expect(
      columnsOf([
        price(null, 1),
        { ...nulls, name: "count" },
        { ...nulls, name: "promo", datatype: "BOOL", data: [null, true] },
        { ...nulls, name: "city", datatype: "BYTES", data: [null, "x"] },
      ]),
    ).toEqual({ price: [Number.NaN, 1], count: [Number.NaN, 1], promo: [Number.NaN, 1], city: [null, "x"] });
  });

  it("aren't null inside of a mask or a list", () => {
    expect(refused(price(1, 2, 3), count, mask("count:missing", [false, null, true]))).toBe(
      '400 input "count:missing": expected true or false, in element 1, got null',
    );
    expect(refused(price(1), { name: "window", datatype: "FP64", shape: [1, 3], data: [1, null, 3] })).toBe(
      '400 input "window": expected a number, in element 1, got null',
    );
  });

  it("need the tensor that they are missing in", () => {
    expect(refused(price(1, 2, 3), mask("count:missing"))).toBe(
      '400 input "count:missing": expected a tensor "count" beside it, got none',
    );
  });

  it("are no mask where a feature has that name", () => {
    const properties = { a: { type: "string" }, "a:missing": { type: "number" } };
    const contract = makeContract({ properties, required: [] });
    const tensor = { name: "a:missing", datatype: "FP64", shape: [1], data: [2.5] };
    expect(columnsOf([tensor], contract)).toEqual({ "a:missing": [2.5] });
  });
});

describe("features", () => {
  it("may be left away unless they are required", () => {
    expect(columnsOf([price(1)])).toEqual({ price: [1] });
    expect(refused({ name: "count", datatype: "INT64", shape: [1], data: [1] })).toBe(
      '400 inputs: expected a tensor "price", which is required, got none',
    );
    expect(refusalOf(makeMessage([]), makeContract({ required: [] }))).toMatch(/^400 inputs: expected at least one/);
  });

  it("are named where an unknown one comes", () => {
    expect(refused({ ...price(1), name: "prize" })).toBe(
      '400 inputs[0]: expected the name of a tensor, "price", "count", "promo", "city", "window", "flags", "tags", "price:missing", "count:missing", "promo:missing", "city:missing", "window:missing" and 2 more, got "prize"',
    );
    expect(refused({ ...price(1), name: "x".repeat(500_000) }).length).toBeLessThan(400);
  });

  it("are sent once", () => {
    expect(refused(price(1), price(1))).toBe('400 input "price": expected one tensor of this name, got two');
  });
});
