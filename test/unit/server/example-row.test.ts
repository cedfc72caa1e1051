/** Goal: what is shown to try a version with works, and holds nobody's personal data. */

import { describe, expect, test } from "vitest";
import type { GoldenRow } from "../../../bundle/index.js";
import type { Row } from "../../../preprocessing/index.js";
import { curlCommand, exampleRow } from "../../../server/example-row.js";
import { makeVersion } from "../../support/versions.js";

function golden(row: Row, change: Partial<GoldenRow> = {}): GoldenRow {
  const made = { kind: "sample", row, rowJson: JSON.stringify(row), line: 1, features: {}, raw: {}, prediction: 1 };
  return { ...made, ...change } as GoldenRow;
}

const rowOf = (rows: readonly GoldenRow[], schema?: object) =>
  exampleRow(makeVersion({ golden: rows, ...(schema ? { schema } : {}) }).contract);

describe("the row", () => {
  test("is the first of the training rows that is answered, as it stands in the file", () => {
    const rows = [
      golden({ x: 1 }, { kind: "bound" }),
      golden({ x: "a" } as Row, { error: "schema_mismatch" }),
      golden({ x: 2 }, { rowJson: '{"x": 2.0}' }),
      golden({ x: 3 }),
    ];
    expect(rowOf(rows)).toBe('{"x": 2.0}');
  });

  test("is another one where there is no such row, or none", () => {
    expect(rowOf([golden({ x: 1 }, { kind: "bound" })])).toBe('{"x":1}');
    expect(rowOf([])).toBeUndefined();
    expect(rowOf([golden({ x: 1 }, { rowJson: `{"x":1${" ".repeat(20_000)}}` })])).toBeUndefined();
  });

  const withName = (name: object, required = ["x", "name"]) => ({
    type: "object",
    properties: { x: { type: "number" }, name: { "x-pii": true, ...name } },
    required,
    additionalProperties: false,
  });

  test.each<[string, object, unknown, unknown]>([
    ["that may be missing is left out", withName({ type: "string" }, ["x"]), "Ada", { x: 1 }],
    ["that may be null is null", withName({ type: ["string", "null"] }), "Ada", { x: 1, name: null }],
    ["is made up: a string", withName({ type: "string", minLength: 3 }), "Ada", { x: 1, name: "xxx" }],
    ["is made up: a number", withName({ type: "integer", minimum: 18 }), 36, { x: 1, name: 18 }],
    ["is made up: a number without bounds", withName({ type: "number" }), 36, { x: 1, name: 0 }],
    ["is made up: yes or no", withName({ type: "boolean" }), true, { x: 1, name: false }],
  ])("a value that is personal %s", (_, schema, name, row) => {
    expect(JSON.parse(rowOf([golden({ x: 1, name } as Row)], schema)!)).toEqual(row);
  });

  test("isn't shown where a personal value can't be made up", () => {
    expect(
      rowOf([golden({ x: 1, name: "A-1" })], withName({ type: "string", pattern: "^[A-Z]-[0-9]$" })),
    ).toBeUndefined();
  });
});

test("a command survives quotes in a row, and has a place for one that isn't there", () => {
  expect(curlCommand("http://h/p", '{"x":"it\'s"}')).toBe(
    `curl -s http://h/p -H 'content-type: application/json' -d '{"x":"it'\\''s"}'`,
  );
  expect(curlCommand("http://h/p", undefined)).toBe(
    "curl -s http://h/p -H 'content-type: application/json' -d '{...}'",
  );
});
