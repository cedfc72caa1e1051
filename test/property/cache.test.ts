/**
 * Goal: keeping answers never changes one. Two rows share a key exactly if they have the same values, and any sequence
 * of calls is answered alike with and without a cache.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PredictionCache } from "../../server/path/cache.js";
import { createRowKey } from "../../server/path/row-key.js";
import { createHandPath } from "../support/hand-path.js";
import { makeVersion } from "../support/versions.js";

const schema = {
  type: "object",
  properties: {
    x: { type: ["number", "null"] },
    y: { type: ["number", "null"] },
    flag: { type: ["boolean", "null"] },
    word: { type: ["string", "null"] },
    other: { type: ["string", "null"] },
    list: { type: "array", items: { type: "number" } },
    words: { type: "array", items: { type: "string" } },
  },
  required: [],
  additionalProperties: false,
};

/** Few values, so that rows meet; and those that are easily taken for one another. */
const number = fc.constantFrom(0, -0, 1, -1, 1.5, 5e-324, 1e308, 2 ** 53, 0.1, 0.30000000000000004);
const word = fc.constantFrom(
  "",
  "a",
  "ab",
  "b",
  "1",
  "null",
  "\u0000",
  '"',
  '","',
  "\u00e9",
  "\ud800",
  "日本",
  "toString",
  "-0",
);
const missing = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null, freq: 4 });
const row = fc.record(
  {
    x: missing(number),
    y: missing(number),
    flag: missing(fc.boolean()),
    word: missing(word),
    other: missing(word),
    list: fc.array(number, { maxLength: 2 }),
    words: fc.array(word, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

/** What a preprocessing can tell apart, in words: absent is null, and zero has a sign. */
function meaning(value: Record<string, unknown>): string {
  const names = Object.keys(schema.properties);
  return JSON.stringify(
    names.map((name) => value[name] ?? null),
    (_, item) => (Object.is(item, -0) ? { minus: 0 } : item),
  );
}

test("two rows have the same key exactly if they mean the same", () => {
  const version = makeVersion({ schema, preprocessing: graph });
  const keyOf = createRowKey(version.rowSchema);
  fc.assert(
    fc.property(row, row, (a, b) => {
      expect(keyOf(a) === keyOf(b)).toBe(meaning(a) === meaning(b));
    }),
    {
      numRuns: 5000,
      examples: [
        [
          { word: "a", other: "b" },
          { word: "ab", other: "" },
        ] as never,
      ],
    },
  );
});

test("a feature that is named like a member of every object is missing where it is absent", () => {
  const keyOf = createRowKey({ features: [{ name: "toString" }, { name: "valueOf" }] as never });
  expect(keyOf({})).toBe(keyOf({ toString: null }));
});

const graph = {
  format: "plumb-graph/1",
  inputs: [
    { name: "x", type: "number" },
    { name: "y", type: "number" },
    { name: "word", type: "string" },
  ],
  nodes: [
    { id: "n1", op: "passthrough", inputs: ["x", "y"], params: {} },
    {
      id: "n2",
      op: "one_hot_encoder",
      inputs: ["word"],
      params: { categories: [["a", "ab", "b"]], handle_unknown: "ignore" },
    },
  ],
  outputs: [{ name: "X", dtype: "float64", shape: ["rows", 5], from: ["n1", "n2"] }],
};
const models = [
  {
    id: "main",
    file: "model.onnx",
    bytes: new Uint8Array(0),
    inputs: [{ name: "X", dtype: "float64", shape: ["rows", 5] }],
    outputs: [{ name: "Y", dtype: "float64", shape: ["rows", 1] }],
  },
];
const postprocessing = {
  format: "plumb-graph/1",
  inputs: [{ name: "main.Y", dtype: "float64", shape: ["rows", 1] }],
  nodes: [{ id: "p1", op: "identity", inputs: ["main.Y"], params: {} }],
  outputs: [{ name: "prediction", from: ["p1"] }],
};

/** The same, and what the model gave beside it. */
const several = {
  ...postprocessing,
  nodes: [{ id: "p1", op: "linear", inputs: ["main.Y"], params: { coef: [[2]], intercept: [1] } }],
  outputs: [{ name: "prediction", from: ["p1", "main.Y"], params: { names: ["twice", "once"] } }],
};

/** A model that looks at every bit of its block: it tells -0 from 0, and fails on some rows. */
function answerOf(block: Float64Array): number {
  const bits = new BigUint64Array(block.buffer, block.byteOffset, 5);
  const hash = bits.reduce((sum, value) => (sum * 31n + value) & 0xfffffffffffffn, 7n);
  return hash % 5n === 0n ? Number.NaN : Number(hash) * (hash % 2n === 0n ? 1 : -1);
}

/** Calls over a handful of rows, so that they come again. */
const bodies = fc.array(row, { minLength: 1, maxLength: 5 }).chain((rows) => {
  const known = fc.constantFrom(...rows);
  const body = fc.oneof(
    known.map((one) => one as object),
    fc.record({ rows: fc.array(known, { minLength: 1, maxLength: 3 }) }),
    fc.record({
      partial: fc.constant(true),
      rows: fc.array(fc.oneof({ weight: 5, arbitrary: known }, fc.constant({ x: "bad" })), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  );
  return fc.array(body, { minLength: 1, maxLength: 40 });
});
/** `JSON.stringify` loses the sign of zero. */
const textOf = (value: unknown) =>
  JSON.stringify(value, (_, item) => (Object.is(item, -0) ? "MINUS" : item)).replaceAll('"MINUS"', "-0");

test("whatever is asked in whatever order, the answers are the same bytes with a cache, however small, and without one", () => {
  let hits = 0;
  fc.assert(
    fc.property(
      bodies,
      fc.constantFrom(1, 600, 3000, 1_000_000),
      fc.constantFrom(postprocessing, several),
      (calls, bytesMax, after) => {
        const answers = [0, bytesMax].map((bytes) => {
          const version = makeVersion({ schema, preprocessing: graph, models, postprocessing: after });
          if (bytes > 0) version.cache = new PredictionCache(version.contract, bytes);
          const rig = createHandPath([version]);
          const texts = calls.map((asked) => {
            const { sent } = rig.send({ body: textOf(asked) });
            if (rig.submitted.length > 0) {
              const call = rig.submitted.shift()!;
              const block = call.blocks[0] as Float64Array;
              call.raw = [
                Float64Array.from({ length: call.rowCount }, (_, i) => answerOf(block.subarray(i * 5, i * 5 + 5))),
              ];
              call.onRun(call);
            }
            return `${sent[0]!.status} ${sent[0]!.text}`;
          });
          hits += version.cache?.hits ?? 0;
          if (version.cache) expect(version.cache.bytes).toBeLessThanOrEqual(bytesMax);
          return texts;
        });
        expect(answers[1]).toEqual(answers[0]);
      },
    ),
    { numRuns: 400 },
  );
  expect(hits).toBeGreaterThan(100);
});
