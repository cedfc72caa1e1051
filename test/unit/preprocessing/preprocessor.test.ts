/**
 * Goal: rows become blocks as the graph says, whatever the number of rows, and a bad row costs its neighbours nothing.
 */
import { describe, expect, it } from "vitest";
import { stripRows } from "../../../preprocessing/column.js";
import { createPreprocessor, parseGraph, type Row } from "../../../preprocessing/index.js";
import { demandDocument, passthroughDocument } from "./documents.js";

const demand = () => createPreprocessor(parseGraph(demandDocument()));

describe("a preprocessor", () => {
  it("says what it takes and what it yields", () => {
    expect(demand().inputs).toEqual(demandDocument().inputs);
    expect(demand().outputs).toEqual([{ name: "X", dtype: "float32", shape: ["rows", 3], width: 3 }]);
  });

  it("treats absent and null as missing, and an unknown category as training did", () => {
    const block = new Float32Array(12);
    const rows = [{ price: 99, promo: 1 }, { price: null, promo: 0 }, {}, { price: 0, promo: 2 }];
    expect(demand().run(rows, [block])).toEqual([]);
    expect([...block]).toEqual([0.5, 0, 1, 1, 1, 0, 1, 0, 0, -49, 0, 0]);
  });

  it("casts to the dtype of the output, and not before", () => {
    const rows = [{ price: 98.2, promo: 1 }];
    const exact = (98.2 - 98) / 2;
    const block = new Float32Array(3);
    demand().run(rows, [block]);
    expect(block[0]).toBe(Math.fround(exact));
    expect(demand().features(rows).features[0]![0]).toBe(exact);
  });

  it.each([0, 1, stripRows - 1, stripRows, stripRows + 1, 3 * stripRows + 7])("takes %i rows", (rowCount) => {
    const rows = Array.from({ length: rowCount }, (_, row) => ({ price: row, promo: row % 3 }));
    const expected = rows.flatMap(({ price, promo }) => [(price - 98) / 2, promo === 0 ? 1 : 0, promo === 1 ? 1 : 0]);
    const block = new Float32Array(rowCount * 3 + 1).fill(7);
    expect(demand().run(rows, [block])).toEqual([]);
    expect([...block]).toEqual([...expected, 7]);
  });

  it("fills several outputs, of any shape", () => {
    const document = demandDocument();
    const outputs = [
      { name: "codes", dtype: "float64", shape: ["rows", 2], from: ["n3"] },
      { name: "window", dtype: "float32", shape: ["rows", 2, 2], from: ["n2", "n2", "price", "n1"] },
    ];
    const preprocessor = createPreprocessor(parseGraph({ ...document, outputs }));
    const blocks = [new Float64Array(4), new Float32Array(8)];
    preprocessor.run([{ price: 100, promo: 1 }, { promo: 0 }], blocks);
    expect(blocks.map((block) => [...block])).toEqual([
      [0, 1, 1, 0],
      [1, 1, 100, 100, 1, 1, Number.NaN, 100],
    ]);
  });

  it("writes a one-hot group in part, in another order and twice", () => {
    const document = demandDocument();
    const graph = parseGraph({
      ...document,
      inputs: [document.inputs[1]],
      nodes: [
        {
          id: "hot",
          op: "one_hot_encoder",
          inputs: ["promo"],
          params: { categories: [[5, 6, 7]], handle_unknown: "ignore" },
        },
        { id: "some", op: "select_columns", inputs: ["hot"], params: { columns: [2, 0] } },
      ],
      outputs: [{ name: "X", dtype: "float32", shape: ["rows", 8], from: ["hot", "some", "hot"] }],
    });
    const block = new Float32Array(16);
    createPreprocessor(graph).run([{ promo: 7 }, { promo: 5 }], [block]);
    expect([...block]).toEqual([0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0]);
  });

  it("refuses to write into a block of another dtype or length", () => {
    const rows = [{ price: 1, promo: 1 }];
    expect(() => demand().run(rows, [new Float32Array(2)])).toThrow(
      'block of output "X": expected float32 and 3 values, got Float32Array of 2',
    );
    expect(() => demand().run(rows, [new Float64Array(3)])).toThrow("got Float64Array of 3");
    expect(() => demand().run(rows, [])).toThrow("got undefined of undefined");
  });
});

describe("reading a row", () => {
  const types = ["number", "integer", "boolean", "string"];

  it.each(types)("refuses a value that is not of type %s, and says so", (type) => {
    const hot = {
      id: "all",
      op: "one_hot_encoder",
      inputs: ["x"],
      params: { categories: [[1, "1", null]], handle_unknown: "ignore" },
    };
    const outputs = [{ name: "X", dtype: "float64", shape: ["rows", 3], from: ["all"] }];
    const preprocessor = createPreprocessor(
      parseGraph({ ...passthroughDocument([{ name: "x", type }]), nodes: [hot], outputs }),
    );
    const values: unknown[] = [1, true, "1", {}, [1], 1n];
    const { refused } = preprocessor.features(values.map((x) => ({ x })));
    const right = { number: 1, integer: 1, boolean: true, string: "1" }[type];
    const wrong = values.flatMap((value, row) => (value === right ? [] : [row]));
    expect(refused.map(({ row }) => row)).toEqual(wrong);
    expect(refused[0]).toMatchObject({
      feature: "x",
      expected: { number: "a number", integer: "a number", boolean: "true or false", string: "a string" }[type],
    });
  });

  it("looks only at what the row itself has", () => {
    const inputs = ["toString", "valueOf", "hasOwnProperty", "isPrototypeOf"].map((name) => ({ name, type: "number" }));
    const preprocessor = createPreprocessor(parseGraph(passthroughDocument(inputs)));
    const own = { toString: 1, valueOf: 2, hasOwnProperty: 3, isPrototypeOf: 4 };
    const { features, refused } = preprocessor.features([{}, own as unknown as Row, Object.create(null)]);
    expect(refused).toEqual([]);
    expect([...features[0]!]).toEqual([NaN, NaN, NaN, NaN, 1, 2, 3, 4, NaN, NaN, NaN, NaN]);
  });

  it("takes features of any name and any number", () => {
    const odd = [
      '"',
      "\\",
      "`",
      "{x}",
      "\n",
      "\u2028",
      "it's",
      "*/",
      "</script>",
      "é",
      "row",
      "value",
      "columns0",
      "constructor_",
      "0",
      "",
    ];
    const names = [
      ...odd.filter((name) => name !== ""),
      ...Array.from({ length: 100 }, (_, index) => `feature ${index}`),
    ];
    const preprocessor = createPreprocessor(
      parseGraph(passthroughDocument(names.map((name) => ({ name, type: "number" })))),
    );
    const row = Object.fromEntries(names.map((name, index) => [name, index]));
    expect([...preprocessor.features([row, {}]).features[0]!]).toEqual([
      ...names.keys(),
      ...names.map(() => Number.NaN),
    ]);
  });
});

describe("refusals", () => {
  it("name row, feature, what was expected and what came, in the order of the rows", () => {
    const rows: Row[] = Array.from({ length: 2 * stripRows + 10 }, () => ({ price: 98, promo: 0 }));
    for (const row of [2 * stripRows + 9, 3, stripRows])
      rows[row] = { price: row === 3 ? -Infinity : Infinity, promo: 0 };
    const block = new Float32Array(rows.length * 3);
    expect(demand().run(rows, [block])).toEqual([
      { row: 3, feature: "price", expected: "a finite number", got: "-Infinity" },
      { row: stripRows, feature: "price", expected: "a finite number", got: "Infinity" },
      { row: 2 * stripRows + 9, feature: "price", expected: "a finite number", got: "Infinity" },
    ]);
    for (const row of [0, 2, 4, stripRows - 1, stripRows + 1, 2 * stripRows + 8])
      expect([...block.subarray(row * 3, row * 3 + 3)]).toEqual([0, 1, 0]);
  });

  it("report every feature of a row, each once", () => {
    const rows = [{ price: Infinity, promo: Infinity }];
    const block = new Float32Array(3);
    expect(
      demand()
        .run(rows, [block])
        .map(({ feature }) => feature),
    ).toEqual(["price", "promo"]);
  });

  it("are those of this call only, in one shared empty list when there are none", () => {
    const preprocessor = demand();
    const block = [new Float32Array(3)];
    const none = preprocessor.run([{ price: 1, promo: 1 }], block);
    const some = preprocessor.run([{ price: Infinity, promo: 1 }], block);
    expect(preprocessor.run([{ price: 1, promo: 1 }], block)).toBe(none);
    expect(some).toHaveLength(1);
    expect(preprocessor.run([{ price: Infinity, promo: 1 }], block)).toEqual(some);
  });

  it.each([
    ["an unknown category", "c", '"a" or "b"', '"c"'],
    ["a missing value", null, '"a" or "b"', "a missing value"],
    ["a long unknown category", "x".repeat(100), '"a" or "b"', `"${"x".repeat(40)}..."`],
  ])("say what is wrong with %s", (_, city, expected, got) => {
    const node = {
      id: "code",
      op: "ordinal_encoder",
      inputs: ["city"],
      params: { categories: [["a", "b"]], handle_unknown: "error" },
    };
    const outputs = [{ name: "X", dtype: "float64", shape: ["rows", 1], from: ["code"] }];
    const preprocessor = createPreprocessor(
      parseGraph({ ...passthroughDocument([{ name: "city", type: "string" }]), nodes: [node], outputs }),
    );
    const { features, refused } = preprocessor.features([{ city: "a" }, { city }, { city: "b" }]);
    expect(refused).toEqual([{ row: 1, feature: "city", expected, got }]);
    expect([features[0]![0], features[0]![2]]).toEqual([0, 1]);
  });

  it("do not list many categories", () => {
    const categories = Array.from({ length: 30 }, (_, index) => index * 1e4);
    const node = {
      id: "code",
      op: "ordinal_encoder",
      inputs: ["x"],
      params: { categories: [categories], handle_unknown: "error" },
    };
    const outputs = [{ name: "X", dtype: "float64", shape: ["rows", 1], from: ["code"] }];
    const preprocessor = createPreprocessor(
      parseGraph({ ...passthroughDocument([{ name: "x", type: "number" }]), nodes: [node], outputs }),
    );
    expect(preprocessor.features([{ x: 1 }]).refused[0]).toMatchObject({
      expected: "one of the 30 known categories",
      got: "1",
    });
  });
});
