/** Goal: lines that are read by hand are those that the schema takes, with the same values. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { goldenRowSchema, parseGolden } from "../../bundle/golden.js";

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom("NaN", "Infinity", "-Infinity", "-0.0", 0, 1),
);
const wrong = fc.constantFrom<unknown>(null, "nan", "0", true, [], {}, [1], { a: 1 }, 1e308, "INFINITE");
const seldom = (value: fc.Arbitrary<unknown>) => fc.oneof({ weight: 12, arbitrary: value }, wrong);
const list = seldom(fc.array(seldom(number), { maxLength: 4 }));
const lists = seldom(fc.dictionary(fc.constantFrom("X", "main.Y", "toString"), list, { maxKeys: 2 }));
const line = fc.record(
  {
    kind: seldom(fc.constantFrom("sample", "mean", "threshold", "other")),
    row: seldom(fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })),
    features: lists,
    raw: lists,
    prediction: seldom(fc.oneof(number, fc.string({ maxLength: 3 }), fc.boolean(), fc.array(number, { maxLength: 3 }))),
    probabilities: list,
    error: fc.constantFrom("schema_mismatch", "No"),
    more: fc.constant(1),
  },
  { requiredKeys: ["kind", "row", "features", "raw", "prediction"] },
);

/** `1e999` is a number that JSON reads as an infinity. */
const textOf = (document: unknown) => JSON.stringify(document).replaceAll('"INFINITE"', "1e999");

test("a line is taken exactly if the schema takes it, and says the same", () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof({ weight: 3, arbitrary: line.map(({ error: _, more: __, ...good }) => good) }, line),
      (document) => {
        const text = textOf(document);
        if (text.includes("__proto__")) return;
        const isList = Array.isArray(document.prediction);
        const { rows } = parseGolden(text, isList ? "regression" : "classification");
        const judged = goldenRowSchema.safeParse(JSON.parse(text));
        expect(rows.length === 1, text).toBe(judged.success);
        if (!judged.success || rows[0]!.error !== undefined) return;
        taken++;
        const plain = judged.data as {
          kind: string;
          features: Record<string, (number | string)[]>;
          prediction: unknown;
        };
        const values = (numbers: readonly (number | string)[]) =>
          numbers.map((value) => (value === "-0.0" ? -0 : Number(value)));
        const prediction = isList ? values(plain.prediction as (number | string)[]) : plain.prediction;
        expect([rows[0]!.kind, rows[0]!.prediction]).toEqual([plain.kind, prediction]);
        for (const [name, numbers] of Object.entries(plain.features))
          expect([...rows[0]!.features[name]!]).toEqual(values(numbers));
      },
    ),
    { numRuns: 3000 },
  );
  expect(taken).toBeGreaterThan(300);
});
