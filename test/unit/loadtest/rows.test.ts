/** Goal: rows as the demand example has them, another one each time, the same ones for the same seed. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../loadtest/random.js";
import { demandRows, manyRowsBody, rowsFromFile } from "../../../loadtest/rows.js";

type DemandRow = Record<"feature_search_interest" | "feature_price" | "feature_promo", number>;

const draw = (seed: number, count: number) => Array.from({ length: count }, demandRows(createRandom(seed)));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("rows of the demand example", () => {
  const rows = draw(1, 20_000).map((text) => JSON.parse(text) as DemandRow);

  test("hold the three features in their ranges", () => {
    const names = new Set(rows.map((row) => Object.keys(row).join()));
    expect([...names]).toEqual(["feature_search_interest,feature_price,feature_promo"]);
    expect(rows.every((row) => row.feature_search_interest >= 0 && row.feature_price > 0)).toBe(true);
    expect(new Set(rows.map((row) => row.feature_promo))).toEqual(new Set([0, 1]));
  });

  test("are distributed as the training data", () => {
    const prices = rows.map((row) => row.feature_price);
    expect(mean(prices)).toBeCloseTo(100, 0);
    expect(Math.sqrt(mean(prices.map((price) => (price - 100) ** 2)))).toBeCloseTo(3, 0);
    expect(mean(rows.map((row) => row.feature_promo))).toBeCloseTo(0.1, 1);
    expect(Math.max(...rows.map((row) => row.feature_search_interest))).toBeGreaterThan(100);
    expect(rows.some((row) => row.feature_search_interest === 0)).toBe(true);
  });

  test("differ from each other and repeat with the seed", () => {
    const texts = draw(5, 1000);
    expect(new Set(texts).size).toBe(1000);
    expect(draw(5, 1000)).toEqual(texts);
    expect(draw(6, 1000)).not.toEqual(texts);
  });
});

test("a large body holds so many rows", () => {
  const { rows } = JSON.parse(manyRowsBody(demandRows(createRandom(1)), 17)) as { rows: DemandRow[] };
  expect(rows).toHaveLength(17);
});

describe("a file of rows", () => {
  const directory = mkdtempSync(join(tmpdir(), "plumb-rows-"));
  const file = join(directory, "rows.jsonl");
  afterAll(() => rmSync(directory, { recursive: true }));

  test("is sent in order and again from the start", () => {
    writeFileSync(file, '{"a":1}\n\n{"a":2}\r\n');
    const next = rowsFromFile(file);
    expect([next(), next(), next()]).toEqual(['{"a":1}', '{"a":2}', '{"a":1}']);
  });

  test.each([
    ["a line that isn't an object", '{"a":1}\n[2]\n', /--rows: .*line 2: expected one JSON object, got \[2\]/],
    ["a line that isn't JSON", "oops\n", /--rows: .*line 1: expected one JSON object, got oops/],
    ["no row", "\n", /--rows: .* holds no row/],
  ])("with %s is refused", (_, text, message) => {
    writeFileSync(file, text);
    expect(() => rowsFromFile(file)).toThrow(message);
  });

  test("that isn't there is refused", () => {
    expect(() => rowsFromFile(join(directory, "none"))).toThrow(/--rows: cannot read .*none \(ENOENT\)/);
  });
});
