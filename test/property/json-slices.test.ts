/**
 * Goal: whatever the bytes and wherever they are cut, the sliced decoder gives the rows that the plain one gives, or
 * the same error in the same words; and the sliced encoder the same text.
 */

import { deepStrictEqual } from "node:assert";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Scalar } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { takeWhole } from "../../server/path/sliced-work.js";
import { decodeJson, decodeJsonInSlices } from "../../server/protocol/predict-json/decode.js";
import { createJsonFrame, encodeJson, encodeJsonInPieces } from "../../server/protocol/predict-json/encode.js";
import { makeAnswered } from "../support/calls.js";

const roomy = { rowsMax: 30, containersMax: 1000, membersMax: 1000 };
const sizes = fc.record({ scanBytes: fc.integer({ min: 1, max: 40 }), parseBytes: fc.integer({ min: 1, max: 40 }) });

function outcome(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    return { code: error.code, message: error.message, issues: error.issues };
  }
}

/** Every size of slice is as good as another: the body is tried with the one that is drawn, and with the smallest. */
function expectSame(body: Uint8Array, drawn: { scanBytes: number; parseBytes: number }, limits = roomy): void {
  const bytes = Buffer.from(body);
  const plain = outcome(() => decodeJson("application/json", bytes, limits));
  for (const slices of [drawn, { scanBytes: 1, parseBytes: 1 }]) {
    const sliced = outcome(() => takeWhole(decodeJsonInSlices("application/json", bytes, limits, slices)));
    // Not vitest's equality, which asks values for their `constructor`; and members have an order too.
    deepStrictEqual(sliced, plain);
    expect(JSON.stringify(sliced)).toBe(JSON.stringify(plain));
  }
}

const name = fc.oneof(
  fc.constantFrom(
    "rows",
    "partial",
    "a",
    "b",
    "",
    "1",
    "2",
    "-1",
    "__proto__",
    "constructor",
    "toString",
    "é",
    "\u0000",
    '"',
    "a]",
    "[",
    ",",
  ),
  fc.string({ unit: "binary", maxLength: 3 }),
);
const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 1, 1e300, "rows", '[{"', "],", '\\"', "\u2028", "🦊", "é,é"),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const { value } = fc.letrec<{ value: unknown; list: unknown[]; object: object }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 5 }),
  object: fc
    .uniqueArray(fc.tuple(name, tie("value")), { maxLength: 4, selector: ([key]) => key })
    .map(Object.fromEntries),
}));
const row = fc.oneof(
  value,
  fc.uniqueArray(fc.tuple(name, scalar), { maxLength: 4, selector: ([key]) => key }).map(Object.fromEntries),
);
const rows = fc.array(row, { maxLength: 12 });
const envelope = fc.oneof(
  rows.map((all) => ({ rows: all })),
  rows,
  fc.tuple(rows, row, row).map(([all, context, fields]) => ({ context, rows: all, fields })),
  fc.tuple(rows, fc.oneof(fc.boolean(), value)).map(([all, partial]) => ({ partial, rows: all })),
  fc.tuple(rows, fc.boolean()).map(([all, partial]) => ({ rows: all, partial })),
  fc.tuple(rows, name, value).map(([all, other, what]) => ({ rows: all, [other]: what })),
  value,
);

const blank = fc.constantFrom("", "", "", " ", "\n", "\r\n", "\t", " \n ");

/** JSON in any spelling: blanks, escapes, and now and then one member of an object twice. */
const spelt = fc
  .tuple(
    envelope,
    fc.array(blank, { minLength: 1, maxLength: 7 }),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    fc.option(fc.nat(20), { nil: -1, freq: 3 }),
  )
  .map(([whole, blanks, escapes, twice]) => {
    let members = 0;
    let gaps = 0;
    let strings = 0;
    const gap = () => blanks[gaps++ % blanks.length];
    const text = (string: string) => (escapes[strings++ % escapes.length] ? escaped(string) : JSON.stringify(string));
    const write = (part: unknown): string => {
      if (Array.isArray(part)) return `[${gap()}${part.map(write).join(`${gap()},${gap()}`)}${gap()}]`;
      if (part === null || typeof part !== "object")
        return typeof part === "string" ? text(part) : Object.is(part, -0) ? "-0" : String(part);
      const written = Object.entries(part).flatMap(([key, item]) => {
        const member = `${text(key)}${gap()}:${gap()}${write(item)}`;
        return members++ === twice ? [member, `${text(key)}:${write(item)}`] : [member];
      });
      return `{${gap()}${written.join(`${gap()},${gap()}`)}${gap()}}`;
    };
    return Buffer.from(`${gap()}${write(whole)}${gap()}`);
  });

const escaped = (string: string) =>
  `"${Array.from({ length: string.length }, (_, i) => `\\u${string.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;

const token = fc.constantFrom(
  ...[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    ",",
    '"',
    "\\",
    '"a"',
    '"b":1',
    '"rows":[',
    '{"a":1}',
    '"partial":true',
    "1",
    "-",
    "1.",
    "1e999",
    "nul",
  ],
  ...["null", "true", " ", "\n", "é", "\ufeff", "\0", "position 7", '"position 7"', "Unexpected end"],
);
const fragment = fc.oneof(
  token.map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      [0x80],
      [0xc3],
      [0xc0, 0xaf],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0xa6],
      [0xf5, 0x80, 0x80, 0x80],
    )
    .map(Buffer.from),
);

/** What a bad client sends: something cut out, put in, or put in the place of something, once or several times. */
const damaged = fc
  .tuple(
    spelt,
    fc.array(fc.tuple(fc.nat(), fc.nat(4), fc.option(fragment, { nil: Buffer.alloc(0) })), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([body, changes]) =>
    changes.reduce((bytes, [place, length, put]) => {
      const at = place % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + length)]);
    }, body),
  );
const cut = fc.tuple(spelt, fc.nat()).map(([body, at]) => body.subarray(0, at % (body.length + 1)));
const soup = fc.array(token, { maxLength: 40 }).map((tokens) => Buffer.from(tokens.join("")));

test("JSON is decoded to the same rows", () => {
  fc.assert(
    fc.property(spelt, sizes, (body, slices) => expectSame(body, slices)),
    { numRuns: 3000 },
  );
});

test("what was damaged or cut short is refused in the same words", () => {
  fc.assert(
    fc.property(fc.oneof(damaged, cut), sizes, (body, slices) => expectSame(body, slices)),
    { numRuns: 6000 },
  );
});

test("any other bytes are, too", () => {
  fc.assert(
    fc.property(fc.oneof(soup, fc.uint8Array({ maxLength: 60 })), sizes, (body, slices) => expectSame(body, slices)),
    { numRuns: 3000 },
  );
});

test("limits are the same", () => {
  const limits = fc.record({ rowsMax: fc.integer({ min: 1, max: 8 }), containersMax: fc.integer({ min: 1, max: 12 }) });
  fc.assert(
    fc.property(fc.oneof(spelt, damaged), sizes, limits, (body, slices, low) =>
      expectSame(body, slices, { ...roomy, ...low }),
    ),
    { numRuns: 1000 },
  );
});

test("an object of more members than any row has is refused, wherever it is cut", () => {
  const object = (members: number) => `{${Array.from({ length: members }, (_, i) => `"k${i}":[0,1]`).join(",")}}`;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      sizes,
      (row, members, membersMax, slices) => {
        const limits = { ...roomy, membersMax };
        const rows = Array.from({ length: 4 }, (_, i) => object(i === row ? members : 1));
        const decode = (text: string) => () =>
          takeWhole(decodeJsonInSlices("application/json", Buffer.from(text), limits, slices));
        const inRows = decode(`{"rows":[${rows.join(",")}]}`);
        const alone = decode(object(members));
        if (members <= membersMax) {
          expect(inRows().rows).toHaveLength(4);
          expect(alone().rows).toHaveLength(1);
        } else {
          const refused = (at: number) => ({
            code: "schema_mismatch",
            issues: [{ row: at, feature: "", expected: `at most ${membersMax} fields`, got: "more" }],
          });
          expect(inRows).toThrow(expect.objectContaining(refused(row)));
          expect(alone).toThrow(expect.objectContaining(refused(0)));
        }
      },
    ),
  );
});

describe("answers", () => {
  const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(-0, 0, 1e21, 0.1));
  const label: fc.Arbitrary<Scalar> = fc.oneof(fc.string({ unit: "binary" }), fc.boolean(), fc.integer());
  const fate = fc.constantFrom("answered", "answered", "invalid", "refused");

  test("are encoded to the same text", () => {
    fc.assert(
      fc.property(
        fc.option(fc.uniqueArray(label, { minLength: 2, maxLength: 4, selector: String }), { nil: undefined }),
        fc.array(fc.tuple(fate, number, fc.nat(3)), { minLength: 1, maxLength: 20 }),
        fc.record({
          partial: fc.boolean(),
          single: fc.boolean(),
          several: fc.boolean(),
          sliceRows: fc.integer({ min: 1, max: 8 }),
        }),
        (labels, fates, { partial, single, several, sliceRows }) => {
          const kept = single ? fates.slice(0, 1) : fates;
          const call = makeAnswered(kept, { single, partial });
          const ran = kept.flatMap(([fate], row) => (partial && fate === "refused" ? [] : [row]));
          if (partial) {
            call.rowIndexes = ran;
            call.unanswered = new Set(ran.flatMap((row, i) => (kept[row]![0] === "invalid" ? [i] : [])));
            call.rowErrors = kept.flatMap(([fate, , place], row) =>
              fate === "answered" ? [] : [{ row, code: "row_refused" as const, message: `${place} "é"`, issues: [] }],
            );
          }
          if (single && ran.length === 0) return;
          const numberOf = (value: number) => (several ? [value, -value, 1] : value);
          const predictions = ran.map((row) =>
            labels ? labels[kept[row]![2] % labels.length]! : numberOf(kept[row]![1]),
          );
          const probabilities = labels && Float64Array.from({ length: ran.length * labels.length }, (_, i) => i / 7);
          const frame = createJsonFrame("m", 1, labels);
          const plain = encodeJson(frame, call, { predictions, probabilities });
          const pieces = encodeJsonInPieces(frame, call, { predictions, probabilities }, sliceRows);
          expect(pieces.map((write) => write()).join("")).toBe(plain);
        },
      ),
      { numRuns: 500 },
    );
  });
});
