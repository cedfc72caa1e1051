/** Goal: what is written is read back to the last bit, and JSON that two readers could read in two ways is refused. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeNumber,
  encodeNumber,
  formatGoldenRow,
  type GoldenAnswer,
  goldenRowsMin,
  parseGolden,
} from "../../bundle/index.js";
import { JsonFault, parseStrictJson } from "../../bundle/strict-json.js";

const json = fc.jsonValue({ maxDepth: 6 }).filter((value) => !JSON.stringify(value).includes("__proto__"));
const key = fc.string({ unit: "binary", maxLength: 6 }).filter((name) => name !== "__proto__");

test("every double is read back to the same bits", () => {
  const anyDouble = fc.oneof(
    fc.double(),
    fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  );
  fc.assert(
    fc.property(anyDouble, (value) => Object.is(decodeNumber(JSON.parse(JSON.stringify(encodeNumber(value)))), value)),
  );
});

test("strict JSON reads what JSON.parse reads, and finds a member's own text", () => {
  fc.assert(
    fc.property(fc.dictionary(key, json), json, fc.constantFrom("", " ", "\t "), (others, value, space) => {
      const members = [...Object.entries(others).filter(([name]) => name !== "row"), ["row", value] as const];
      const text = `{${members.map(([name, each]) => `${space}${JSON.stringify(name)}${space}:${space}${JSON.stringify(each)}${space}`).join(",")}}`;
      expect(parseStrictJson(text, "row")).toEqual({ value: JSON.parse(text), memberText: JSON.stringify(value) });
    }),
  );
});

test("a key that comes twice is found at any depth, however it is spelt", () => {
  const wraps: ((inner: string) => string)[] = [
    (inner) => `[0,${inner}]`,
    (inner) => `{"x":1,"y":${inner}}`,
    (inner) => `{"x":${inner},"y":"}"}`,
  ];
  const escaped = (name: string) =>
    `"${Array.from({ length: name.length }, (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
  fc.assert(
    fc.property(
      key,
      json,
      fc.array(fc.constantFrom(...wraps), { maxLength: 5 }),
      fc.boolean(),
      (name, value, around, isEscaped) => {
        const second = isEscaped ? escaped(name) : JSON.stringify(name);
        const twice = `{${JSON.stringify(name)}:${JSON.stringify(value)},${second}:0}`;
        expect(() => parseStrictJson(around.reduce((text, wrap) => wrap(text), twice))).toThrow(JsonFault);
      },
    ),
  );
});

test("text that is no JSON is refused in words, never otherwise", () => {
  const noise = fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "1", "a", " ") });
  fc.assert(
    fc.property(noise, (text) => {
      try {
        const { value } = parseStrictJson(text);
        expect(value).toEqual(JSON.parse(text));
      } catch (error) {
        expect(error).toBeInstanceOf(JsonFault);
      }
    }),
  );
});

test("golden rows are written as they are read", () => {
  const line = '{"kind":"sample","row":{},"features":{},"raw":{},"prediction":0}\n';
  const list = fc.float64Array({ maxLength: 5 });
  fc.assert(
    fc.property(fc.dictionary(key, json), list, list, fc.double(), (row, x, y, prediction) => {
      const golden = {
        kind: "extreme",
        row,
        rowJson: JSON.stringify(row),
        line: goldenRowsMin + 1,
        features: { X: x },
        raw: { "main.Y": y },
        prediction,
      };
      const { rows, problems } = parseGolden(
        line.repeat(goldenRowsMin) + formatGoldenRow(golden as GoldenAnswer),
        "regression",
      );
      expect(problems).toEqual([]);
      expect(rows.at(-1)).toEqual({ ...golden, row: JSON.parse(JSON.stringify(row)) });
    }),
    { numRuns: 50 },
  );
});
