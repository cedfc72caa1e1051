/**
 * Goal: whatever fallback a bundle declares is the one that answers: it survives writing and reading, and computes what
 * it says.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeNumber, readBundle } from "../../bundle/index.js";
import type { Row, Scalar } from "../../preprocessing/index.js";
import { createFallback, type Fallback } from "../../server/versions/fallback.js";
import { classify, type Document, predictSeveral, type TinyBundle, writeTinyBundle } from "../support/tiny-bundle.js";

async function readBack(change: (bundle: TinyBundle) => void): Promise<Fallback> {
  const written = await writeTinyBundle(change);
  try {
    return createFallback(await readBundle(written.directory))!;
  } finally {
    await written.remove();
  }
}

/** JSON has no negative zero that every writer keeps. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const modest = fc.double({ noNaN: true, min: -1e6, max: 1e6 });

/** Labels that differ as texts too, and of which no two are equal as Python compares them. */
const labels = fc.uniqueArray(
  fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => text !== "__proto__"),
    fc.integer({ min: 2 }),
    fc.boolean(),
  ),
  { minLength: 2, maxLength: 6, selector: String },
);

const runs = { numRuns: 40 };

test("a constant number", async () => {
  await fc.assert(
    fc.asyncProperty(finite, fc.nat(20), async (prediction, rowCount) => {
      const fallback = await readBack(({ manifest }) => (manifest.fallback = { kind: "constant", prediction }));
      expect(fallback.answer([], 0, rowCount)).toEqual({
        predictions: Array.from({ length: rowCount }, () => prediction),
        probabilities: undefined,
      });
    }),
    runs,
  );
});

test("a constant label with its probabilities", async () => {
  const weighted = labels.chain((all) =>
    fc.record({
      all: fc.constant(all),
      chosen: fc.nat(all.length - 1),
      weights: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: all.length, maxLength: all.length }),
      written: fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(weighted, async ({ all, chosen, weights, written }) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const shares = weights.map((weight) => weight / total);
      const probabilities = Object.fromEntries(written.map((index) => [String(all[index]), shares[index]]));
      const fallback = await readBack((bundle) => {
        classify(bundle, all);
        bundle.manifest.fallback = { kind: "constant", prediction: all[chosen], probabilities };
      });
      expect(fallback.answer([], 0, 2)).toEqual({
        predictions: [all[chosen], all[chosen]],
        probabilities: Float64Array.from([...shares, ...shares]),
      });
    }),
    runs,
  );
});

type Dtype = "float32" | "float64";

interface Sums {
  /** The tensor between the graphs. */
  dtype: Dtype;
  sumDtype: Dtype;
  coef: number[][];
  intercept: number[];
}

/** `width` weighted sums of price and promo. */
const sums = (width: number): fc.Arbitrary<Sums> =>
  fc.record({
    dtype: fc.constantFrom<Dtype>("float32", "float64"),
    sumDtype: fc.constantFrom<Dtype>("float32", "float64"),
    coef: fc.array(fc.tuple(modest, modest), { minLength: width, maxLength: width }),
    intercept: fc.array(modest, { minLength: width, maxLength: width }),
  });

const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    price: fc.oneof(
      { weight: 9, arbitrary: modest as fc.Arbitrary<number | null> },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    promo: fc.integer(),
  }),
  { maxLength: 5 },
);

function ruleOf(
  { dtype, sumDtype, coef, intercept }: Sums,
  outputs: readonly Document[],
  nodes: readonly Document[] = [],
): Document {
  const tensor = { name: "R", dtype, shape: ["rows", 2] };
  const params = {
    coef: coef.map((weights) => weights.map(encodeNumber)),
    intercept: intercept.map(encodeNumber),
    dtype: sumDtype,
  };
  return {
    kind: "rule",
    preprocessing: {
      format: "plumb-graph/1",
      inputs: [
        { name: "price", type: "number" },
        { name: "promo", type: "integer" },
      ],
      nodes: [],
      outputs: [{ ...tensor, from: ["price", "promo"] }],
    },
    postprocessing: {
      format: "plumb-graph/1",
      inputs: [tensor],
      nodes: [{ id: "sum", op: "linear", inputs: ["R"], params }, ...nodes],
      outputs,
    },
  };
}

/** What the sums are, in plain code; NaN where the price is missing. */
function plainSums({ dtype, sumDtype, coef, intercept }: Sums, { price, promo }: Row): number[] {
  const cast = dtype === "float32" ? Math.fround : (value: number) => value;
  const round = sumDtype === "float32" ? Math.fround : (value: number) => value;
  const [a, b] = [round(cast((price as number | null) ?? Number.NaN)), round(cast(promo as number))];
  return coef.map(([first, second], output) => {
    const products = [round(round(first!) * a), round(round(second!) * b)];
    return round(round(products[0]! + products[1]!) + round(intercept[output]!));
  });
}

/** All rows together: one without an answer leaves the call without one. */
function expectAnswer(
  fallback: Fallback,
  given: readonly Row[],
  answers: readonly { prediction: Scalar; probabilities?: number[] }[],
): void {
  const found = fallback.answer(given, 0, given.length);
  if (answers.some(({ prediction }) => Number.isNaN(prediction))) expect(found).toBeUndefined();
  else {
    expect(found!.predictions).toEqual(answers.map(({ prediction }) => prediction));
    if (found!.probabilities)
      expect([...found!.probabilities]).toEqual(answers.flatMap(({ probabilities }) => probabilities!));
  }
}

test("a rule that predicts a number", async () => {
  await fc.assert(
    fc.asyncProperty(sums(1), rows, async (made, given) => {
      const fallback = await readBack(
        ({ manifest }) => (manifest.fallback = ruleOf(made, [{ name: "prediction", from: ["sum"] }])),
      );
      expectAnswer(
        fallback,
        given,
        given.map((row) => ({ prediction: plainSums(made, row)[0]! })),
      );
    }),
    runs,
  );
});

test("a constant list of numbers, and a rule that gives as many", async () => {
  const several = fc
    .integer({ min: 2, max: 4 })
    .chain((width) => fc.tuple(fc.array(finite, { minLength: width, maxLength: width }), sums(width)));
  await fc.assert(
    fc.asyncProperty(several, rows, async ([prediction, made], given) => {
      const names = prediction.map((_, index) => `output ${index}`);
      const declared = async (fallback: Document) =>
        readBack((bundle) => {
          predictSeveral(bundle, names);
          bundle.manifest.fallback = fallback;
        });
      const constant = await declared({ kind: "constant", prediction });
      expect(constant.answer(given, 0, given.length)!.predictions).toEqual(given.map(() => prediction));
      const found = (await declared(ruleOf(made, [{ name: "prediction", from: ["sum"], params: { names } }]))).answer(
        given,
        0,
        given.length,
      );
      const answers = given.map((row) => plainSums(made, row));
      if (answers.flat().every(Number.isFinite)) expect(found!.predictions).toEqual(answers);
      else expect(found).toBeUndefined();
    }),
    runs,
  );
});

test("a rule that predicts the label of the largest score", async () => {
  const scored = labels
    .filter((all) => all.length > 2)
    .chain((all) => fc.record({ all: fc.constant(all), made: sums(all.length) }));
  await fc.assert(
    fc.asyncProperty(scored, rows, async ({ all, made }, given) => {
      const rule = ruleOf(
        made,
        [
          { name: "prediction", from: ["which"] },
          { name: "probabilities", from: ["sum"], params: { labels: all } },
        ],
        [{ id: "which", op: "label", inputs: ["sum"], params: { labels: all } }],
      );
      const fallback = await readBack((bundle) => {
        classify(bundle, all);
        bundle.manifest.fallback = rule;
      });
      const answers = given.map((row) => {
        const scores = plainSums(made, row);
        const best = scores.indexOf(Math.max(...scores));
        return { prediction: all[best] ?? Number.NaN, probabilities: scores };
      });
      expectAnswer(fallback, given, answers);
    }),
    runs,
  );
});
