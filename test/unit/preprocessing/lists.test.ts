/** Goal: a list goes from the row to the operator that reads lists of its kind, uncopied, and nowhere else. */
import { describe, expect, it } from "vitest";
import { createPreprocessor, parseGraph } from "../../../preprocessing/index.js";

const windowNode = (statistics: readonly string[] = ["mean", "count"]) => ({
  id: "n1",
  op: "row_window",
  inputs: ["sold"],
  params: { statistics, min_items: 1, ddof: 0 },
});

function planned(nodes: readonly object[], from: readonly string[], width: number, type = "numbers") {
  const inputs = [{ name: "sold", type }];
  const outputs = [{ name: "X", dtype: "float64", shape: ["rows", width], from }];
  return createPreprocessor(parseGraph({ format: "plumb-graph/1", inputs, nodes, outputs }));
}

describe("a list of numbers", () => {
  it("is read from the row, missing where it is null or absent", () => {
    const { features, refused } = planned([windowNode()], ["n1"], 2).features([
      { sold: [1, 2, 6] },
      { sold: null },
      {},
      { sold: [] },
    ]);
    expect([...features[0]!]).toEqual([3, 3, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0]);
    expect(refused).toEqual([]);
  });

  it("may be as long as it likes", () => {
    const sold = Array.from({ length: 5000 }, (_, index) => index);
    const preprocessor = planned([windowNode(["sum", "std", "count"])], ["n1"], 3);
    const [sum, std, count] = preprocessor
      .features([{ sold: [1] }, { sold }, { sold: [1] }])
      .features[0]!.subarray(3, 6);
    expect([sum, count]).toEqual([12_497_500, 5000]);
    expect(std).toBeCloseTo(Math.sqrt((5000 ** 2 - 1) / 12), 9);
  });

  it.each([
    ["no list", 3, "a list of numbers", "3"],
    ["a string", "1,2", "a list of numbers", '"1,2"'],
    ["a list of strings", ["1"], "finite numbers in the list", '"1"'],
    ["a list with a hole", [1, null], "finite numbers in the list", "a missing value"],
    ["a list with an infinity", [1, Infinity], "finite numbers in the list", "Infinity"],
  ])("refuses %s, and no other row", (_, sold, expected, got) => {
    const { features, refused } = planned([windowNode()], ["n1"], 2).features([{ sold: [4] }, { sold }, { sold: [6] }]);
    expect(refused).toEqual([{ row: 1, feature: "sold", expected, got }]);
    expect([features[0]![0], features[0]![4]]).toEqual([4, 6]);
  });

  const lists = 'a column of lists of numbers, which "row_window" reads (feature "sold")';
  it.each([
    [
      "another operator",
      [{ id: "n1", op: "passthrough", inputs: ["sold"], params: {} }],
      ["n1"],
      `nodes[0].inputs: expected columns of numbers or strings, got ${lists}`,
    ],
    [
      "an encoder",
      [{ id: "n1", op: "text_length", inputs: ["sold"], params: {} }],
      ["n1"],
      `nodes[0].inputs: expected columns of numbers or strings, got ${lists}`,
    ],
    ["an output", [windowNode()], ["n1", "sold"], `outputs[0].from: expected number columns, got ${lists}`],
  ])("doesn't go into %s", (_, nodes, from, sentence) => {
    expect(() => planned(nodes, from, 1)).toThrow(sentence);
  });

  it("is all that a window reads", () => {
    const sentence =
      'nodes[0].inputs: expected columns of lists of numbers or booleans, got a number column (feature "sold")';
    expect(() => planned([windowNode()], ["n1"], 2, "number")).toThrow(sentence);
  });
});

describe("a list of true and false", () => {
  it("goes into a window as ones and zeros", () => {
    const preprocessor = planned([windowNode(["mean", "last", "count"])], ["n1"], 3, "booleans");
    const { features, refused } = preprocessor.features([{ sold: [true, false, false, true] }, { sold: [false] }, {}]);
    expect([...features[0]!]).toEqual([0.5, 1, 4, 0, 0, 1, Number.NaN, Number.NaN, Number.NaN]);
    expect(refused).toEqual([]);
  });

  it.each([
    ["no list", true, "a list of true and false", "true"],
    ["a list of numbers", [1], "true and false in the list", "1"],
    ["a list with a hole", [true, null], "true and false in the list", "a missing value"],
  ])("is not %s", (_, sold, expected, got) => {
    const { refused } = planned([windowNode()], ["n1"], 2, "booleans").features([{ sold }]);
    expect(refused).toEqual([{ row: 0, feature: "sold", expected, got }]);
  });
});

describe("a list of strings", () => {
  const hashNode = (inputs = ["sold"]) => ({
    id: "n1",
    op: "token_hasher",
    inputs,
    params: { n_features: 3, alternate_sign: false },
  });

  it("is hashed token by token", () => {
    const rows = [{ sold: ["a", "b", "a", "a"] }, { sold: [] }, { sold: [""] }];
    const { features, refused } = planned([hashNode()], ["n1"], 3, "strings").features(rows);
    const sums = [0, 3, 6].map((start) => features[0]!.slice(start, start + 3).reduce((sum, value) => sum + value, 0));
    expect(sums).toEqual([4, 0, 1]);
    expect(refused).toEqual([]);
  });

  it.each([
    ["is not missing", null, "a list of texts", "a missing value"],
    ["is not a string", "a", "a list of strings", '"a"'],
    ["holds no number", ["a", 1], "texts in the list", "1"],
    ["holds no half of a surrogate pair", ["\ud800"], "texts without half of a surrogate pair", '"\\ud800"'],
  ])("%s", (_, sold, expected, got) => {
    const { refused } = planned([hashNode()], ["n1"], 3, "strings").features([{ sold }]);
    expect(refused).toEqual([{ row: 0, feature: "sold", expected, got }]);
  });

  it("goes into a hasher alone, and a hasher reads one column of such", () => {
    expect(() => planned([windowNode()], ["n1"], 2, "strings")).toThrow(
      'expected columns of lists of numbers or booleans, got a column of lists of strings, which "token_hasher" reads (feature "sold")',
    );
    expect(() => planned([hashNode()], ["n1"], 3)).toThrow(
      "expected columns of lists of strings, got a column of lists of numbers",
    );
    expect(() => planned([hashNode(["sold", "sold"])], ["n1"], 3, "strings")).toThrow(
      "expected one column of lists, got 2 columns",
    );
  });
});
