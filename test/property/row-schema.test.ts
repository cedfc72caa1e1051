/**
 * Goal: the two forms of a row schema give one answer. `accepts` is compiled by zod, `issues` is plain code of our own;
 * over random schemas and rows, good ones and hostile ones, a row is accepted exactly when it has no issue.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseRowSchema, type RowSchema } from "../../bundle/index.js";
import { type Json, schemaDocument } from "../support/row-schemas.js";

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -0,
    1,
    0.5,
    -1,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    2 ** 53,
    2 ** 53 - 1,
    -(2 ** 53),
    300,
    1e-320,
  ),
  fc.constantFrom(
    "",
    "a",
    "b",
    "é",
    "e\u0301",
    "𝒳",
    "a\0b",
    "\0",
    "\ud800",
    "x\udfff",
    "NaN",
    "1",
    "null",
    "2026-11-22",
    "2026-02-30",
  ),
  fc.constantFrom(
    "2026-11-22T08:00:00Z",
    "2026-11-22T08:00:00",
    "9f86d081-884c-7d65-9a2f-eaa0c55ad015",
    "9f86d081884c7d659a2feaa0c55ad015",
  ),
  fc.double(),
  fc.integer(),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.array(fc.constantFrom(0, 1, 0.5, null, "a", true, Number.NaN, "\0"), { maxLength: 4 }),
  fc.constantFrom({}, { a: 1 }, [[]], undefined),
);

const numbers = [0, 1, 2, 10, 100, -1, 0.5, 2 ** 31, 3];
const texts = [
  "",
  "a",
  "b",
  "ab",
  "aaa",
  "aaaa",
  "aaaaa",
  "é",
  "2026-11-22",
  "2026-11-22T08:00:00Z",
  "9f86d081-884c-7d65-9a2f-eaa0c55ad015",
];
const lists = [1, "a", true].flatMap((item) => [[], [item], [item, item], [item, item, item]]);
const candidates: readonly unknown[] = [...numbers, ...texts, true, false, ...lists, null];

/** A row with a good value in each field for which one of the candidates is good. */
function goodRow(schema: RowSchema): Json {
  const isGood = (name: string, value: unknown) =>
    !schema.issues({ [name]: value }, 0).some((issue) => issue.feature === name);
  const fields = schema.features.map(({ name }) => [name, candidates.find((value) => isGood(name, value))] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

interface Change {
  /** Which of the fields, or a field of another name. */
  field: number | string;
  /** null drops the field. */
  value: { is: unknown } | null;
}

const change: fc.Arbitrary<Change> = fc.record({
  field: fc.oneof(
    { arbitrary: fc.nat(7), weight: 4 },
    { arbitrary: fc.constantFrom("__proto__", "toString", "Price", ""), weight: 1 },
  ),
  value: fc.option(hostileValue.map((is) => ({ is }))),
});

function changed(row: Json, changes: readonly Change[]): Json {
  const fields = Object.keys(row);
  for (const { field, value } of changes) {
    const name = typeof field === "string" ? field : fields[field % fields.length]!;
    if (value === null) delete row[name];
    else Object.defineProperty(row, name, { value: value.is, enumerable: true, configurable: true, writable: true });
  }
  return row;
}

const read = (document: unknown): RowSchema | undefined => {
  const parsed = parseRowSchema(document);
  return "value" in parsed ? parsed.value : undefined;
};

test("a row is accepted exactly when it has no issue", () => {
  const outcomes = { accepted: 0, refused: 0 };
  const changes = fc.array(change, { maxLength: 2 });
  fc.assert(
    fc.property(
      schemaDocument,
      fc.array(changes, { minLength: 10, maxLength: 10 }),
      fc.array(hostileValue),
      (document, edits, others) => {
        const schema = read(document);
        fc.pre(schema !== undefined);
        for (const row of [...edits.map((edit) => changed(goodRow(schema!), edit)), ...others]) {
          const accepted = schema!.accepts(row);
          const issues = schema!.issues(row, 7);
          outcomes[accepted ? "accepted" : "refused"]++;
          if (accepted !== (issues.length === 0)) expect({ row, accepted, issues }).toBe("one answer");
          if (issues.some((issue) => issue.row !== 7 || issue.got.length > 200))
            expect(issues).toBe("bounded words about row 7");
        }
      },
    ),
    { numRuns: 500 },
  );
  // The generators must reach both answers, or the property says nothing.
  expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(500);
});

test("a value of personal data is never repeated", () => {
  const secret = fc.string({ minLength: 6, maxLength: 30 }).map((text) => `secret-${text}`);
  const document = {
    type: "object",
    properties: {
      email: { type: "string", maxLength: 3, "x-pii": true },
      age: { type: "integer", maximum: 1, "x-pii": true },
    },
    additionalProperties: false,
  };
  const schema = read(document)!;
  fc.assert(
    fc.property(secret, fc.integer({ min: 10_000_000 }), (text, number) => {
      const said = JSON.stringify(schema.issues({ email: text, age: number, mail: text }, 0));
      expect(said).not.toContain("secret");
      expect(said).not.toContain(String(number));
      expect(schema.issues({ email: text, age: number, mail: text }, 0)).toHaveLength(3);
    }),
  );
});
