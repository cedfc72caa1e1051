/** Goal: sparse columns give what dense ones would, wherever they stand in a block and whoever reads them. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NumberColumn, stripRows } from "../../../preprocessing/column.js";
import { createPreprocessor, parseGraph } from "../../../preprocessing/index.js";
import { SparseGroup } from "../../../preprocessing/sparse-group.js";
import { planWriter } from "../../../preprocessing/write-block.js";

const width = 6;
/** Rows of cells by position. */
const strips = fc.array(fc.dictionary(fc.integer({ min: 0, max: width - 1 }).map(String), fc.double({ noNaN: true })), {
  maxLength: stripRows,
});
const picks = fc.array(fc.integer({ min: -1, max: width - 1 }), { minLength: 1, maxLength: 12 });

function filledGroup(background: number, rows: readonly Record<string, number>[]): SparseGroup {
  const group = new SparseGroup(new Array(width).fill("text"));
  group.cells.clear();
  for (const [row, cells] of rows.entries()) {
    for (const position of Object.keys(cells)
      .map(Number)
      .sort((a, b) => a - b))
      group.cells.add(position, cells[position]!);
    group.cells.endRow(row);
  }
  return background === 0 ? group : group.over(background);
}

describe("a sparse group", () => {
  it.each([0, Number.NaN])("is written and filled in before %d", (background) => {
    fc.assert(
      fc.property(strips, picks, (rows, picked) => {
        const group = filledGroup(background, rows);
        const other = new NumberColumn("other");
        other.values.fill(7);
        const columns = picked.map((position) => (position < 0 ? other : group.columns[position]!));
        const expected = rows.flatMap((cells) =>
          picked.map((position) => (position < 0 ? 7 : (cells[position] ?? background))),
        );

        const write = planWriter(columns);
        group.fill(rows.length);
        const block = new Float64Array(rows.length * picked.length + 1).fill(-1);
        write(block, 0, rows.length);
        expect([...block]).toEqual([...expected, -1]);

        const values = columns.map((column) => column.values);
        group.fill(rows.length);
        expect(rows.flatMap((_, row) => values.map((column) => column[row]))).toEqual(expected);
      }),
    );
  });

  it("is projected as dense columns are", () => {
    const components = [
      [0.1, -0.7, 3e-320, 2, -1],
      [-1, -2, "-0.0", -1e-300, -5],
      [-1, 1, -1, 1, -1e300],
      [0, 0, 0, 0, 0],
    ];
    const params = {
      unicode: "14.0.0",
      analyzer: "char",
      ngram_range: [1, 1],
      lowercase: false,
      n_features: 5,
      alternate_sign: true,
      norm: "l2",
    };
    const inputs = [{ name: "text", type: "string" }];
    const hash = { id: "hashes", op: "hashing_vectorizer", inputs: ["text"], params };
    const scaled = { id: "scaled", op: "max_abs_scaler", inputs: ["hashes"], params: { scale: [1, 1, 1, 1, 1] } };
    const run = (nodes: unknown[], from: string, rows: { text: string }[]) => {
      const project = { id: "sums", op: "truncated_svd", inputs: [from], params: { components } };
      const outputs = [{ name: "X", dtype: "float64", shape: ["rows", 4], from: ["sums"] }];
      const document = { format: "plumb-graph/1", inputs, nodes: [...nodes, project], outputs };
      return createPreprocessor(parseGraph(document)).features(rows);
    };
    const rowsOf = fc.array(fc.record({ text: fc.string({ maxLength: 8 }) }), { maxLength: 20 });
    fc.assert(
      fc.property(rowsOf, (rows) => {
        expect(run([hash], "hashes", rows)).toEqual(run([hash, scaled], "scaled", rows));
      }),
      { examples: [[[{ text: "" }, { text: "a" }, { text: "ab" }, { text: "abcdefg" }]]] },
    );
  });

  it("comes out the same on both ways, over more rows than a strip", () => {
    const params = {
      unicode: "14.0.0",
      analyzer: "char",
      ngram_range: [1, 2],
      lowercase: true,
      vocabulary: ["a", "ab", "b", "👍", "👍a"],
    };
    const inputs = [{ name: "text", type: "string" }];
    const count = { id: "counts", op: "count_vectorizer", inputs: ["text"], params };
    const scaled = {
      id: "scaled",
      op: "standard_scaler",
      inputs: ["counts"],
      params: { mean: null, scale: [1, 1, 1, 1, 1] },
    };
    const run = (nodes: unknown[], from: string) => {
      const outputs = [{ name: "X", dtype: "float64", shape: ["rows", 5], from: [from] }];
      const rows = Array.from({ length: 2 * stripRows + 3 }, (_, row) => ({
        text: "ab👍".repeat(row % 5) + "a".repeat(row % 3),
      }));
      return createPreprocessor(parseGraph({ format: "plumb-graph/1", inputs, nodes, outputs })).features(rows);
    };
    const sparse = run([count], "counts");
    expect(sparse).toEqual(run([count, scaled], "scaled"));
    expect([...sparse.features[0]!.subarray(5 * 4, 5 * 5)]).toEqual([5, 4, 4, 4, 4]);
  });
});
