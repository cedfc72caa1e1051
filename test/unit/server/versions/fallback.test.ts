/**
 * Goal: the declared fallback answers any range of rows as the bundle says, and gives nothing where it has no sound
 * answer.
 */
import { describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../../../bundle/index.js";
import { stripRows } from "../../../../preprocessing/column.js";
import type { Row } from "../../../../preprocessing/index.js";
import { createFallback, type Fallback } from "../../../../server/versions/fallback.js";
import {
  classify,
  type Document,
  linearRule,
  predictSeveral,
  type TinyBundle,
  tinyLabels,
  writeTinyBundle,
} from "../../../support/tiny-bundle.js";

async function bundleWith(fallback: Document, change: (bundle: TinyBundle) => void = () => {}): Promise<Bundle> {
  const written = await writeTinyBundle((bundle) => {
    change(bundle);
    bundle.manifest.fallback = fallback;
  });
  try {
    return await readBundle(written.directory);
  } finally {
    await written.remove();
  }
}

async function fallbackOf(fallback: Document, change?: (bundle: TinyBundle) => void): Promise<Fallback> {
  return createFallback(await bundleWith(fallback, change))!;
}

const prices = (...values: unknown[]): Row[] => values.map((price) => ({ price, promo: 0 }));

test("a bundle that declares none has none", async () => {
  expect(createFallback(await bundleWith({ kind: "none" }))).toBeUndefined();
});

describe("a constant", () => {
  test("answers the same number for each row, whatever the rows are", async () => {
    const fallback = await fallbackOf({ kind: "constant", prediction: 7.25 });
    expect(fallback.needsRows).toBe(false);
    expect(fallback.answer([], 2, 5)).toEqual({ predictions: [7.25, 7.25, 7.25], probabilities: undefined });
    expect(fallback.answer([], 4, 4)).toEqual({ predictions: [], probabilities: undefined });
  });

  test("answers a list of numbers for each row", async () => {
    const fallback = await fallbackOf({ kind: "constant", prediction: [7.25, 8] }, predictSeveral);
    expect(fallback.answer([], 0, 2)).toEqual({
      predictions: [
        [7.25, 8],
        [7.25, 8],
      ],
      probabilities: undefined,
    });
  });

  test("answers a label, with the probabilities in the order of the labels", async () => {
    const labels = ["b", 3, true];
    const declared = { kind: "constant", prediction: 3, probabilities: { true: 0.125, "3": 0.625, b: 0.25 } };
    const fallback = await fallbackOf(declared, (bundle) => classify(bundle, labels));
    expect(fallback.answer([], 0, 2)).toEqual({
      predictions: [3, 3],
      probabilities: Float64Array.of(0.25, 0.625, 0.125, 0.25, 0.625, 0.125),
    });
  });

  test("gives answers that belong to the caller", async () => {
    const fallback = await fallbackOf(
      { kind: "constant", prediction: "no", probabilities: { no: 0.5, yes: 0.5 } },
      classify,
    );
    const answer = fallback.answer([], 0, 1)!;
    answer.predictions[0] = "changed";
    answer.probabilities!.fill(0);
    expect(fallback.answer([], 0, 1)).toEqual({ predictions: ["no"], probabilities: Float64Array.of(0.5, 0.5) });
  });
});

describe("a rule", () => {
  const half = () => linearRule({ feature: "price", coef: 0.5, intercept: 1 });

  test("answers each row by its features", async () => {
    const fallback = await fallbackOf(half());
    expect(fallback.needsRows).toBe(true);
    expect(fallback.answer(prices(1, 2, 3, 4), 1, 3)).toEqual({ predictions: [2, 2.5], probabilities: undefined });
    expect(fallback.answer(prices(1), 1, 1)).toEqual({ predictions: [], probabilities: undefined });
  });

  test("answers more rows than a strip has", async () => {
    const fallback = await fallbackOf(half());
    const rows = prices(...Array.from({ length: 3 * stripRows }, (_, row) => row));
    const { predictions } = fallback.answer(rows, 5, 2 * stripRows + 9)!;
    expect(predictions).toEqual(rows.slice(5, 2 * stripRows + 9).map(({ price }) => 1 + (price as number) / 2));
  });

  test("answers labels and probabilities", async () => {
    const fallback = await fallbackOf(
      linearRule({ feature: "price", coef: 1, intercept: -10, labels: tinyLabels }),
      classify,
    );
    expect(fallback.answer(prices(10, 1000, 0), 0, 2)).toEqual({
      predictions: ["no", "yes"],
      probabilities: Float64Array.of(0.5, 0.5, 0, 1),
    });
  });

  test("hands over tensors by their names, each in its own dtype", async () => {
    const rule = half();
    rule.preprocessing.outputs.push({ ...rule.preprocessing.outputs[0], name: "S", dtype: "float32" });
    rule.postprocessing.inputs.unshift({ name: "S", dtype: "float32", shape: ["rows", 1] });
    Object.assign(rule.postprocessing.nodes[0], { inputs: ["R", "S"], params: { coef: [[1, -1]], intercept: [0] } });
    const fallback = await fallbackOf(rule);
    expect(fallback.answer(prices(0.1), 0, 1)!.predictions).toEqual([0.1 - Math.fround(0.1)]);
  });

  test("has no answer for a row without a number to compute from", async () => {
    const fallback = await fallbackOf(half());
    expect(fallback.answer(prices(1, null, 3), 0, 3)).toBeUndefined();
    expect(fallback.answer(prices(1, null, 3), 2, 3)).toEqual({ predictions: [2.5], probabilities: undefined });
  });

  test("has no answer where it gives NaN instead of a label", async () => {
    const fallback = await fallbackOf(
      linearRule({ feature: "price", coef: 1, intercept: 0, labels: tinyLabels }),
      classify,
    );
    expect(fallback.answer(prices(null), 0, 1)).toBeUndefined();
  });

  test("has no answer where only a probability isn't finite", async () => {
    const rule = linearRule({ feature: "price", coef: 1, intercept: 0, labels: tinyLabels });
    rule.postprocessing.outputs[1].from = ["sum"];
    const fallback = await fallbackOf(rule, classify);
    expect(fallback.answer(prices(2), 0, 1)).toEqual({ predictions: ["yes"], probabilities: Float64Array.of(-1, 2) });
    expect(fallback.answer(prices(Number.POSITIVE_INFINITY), 0, 1)).toBeUndefined();
  });

  test("has no answer for a row that its steps refuse, and goes on answering the others", async () => {
    const rule = linearRule({ feature: "promo", type: "integer", coef: 0, intercept: 1 });
    const params = { categories: [[3, 5]], handle_unknown: "error" };
    rule.preprocessing.nodes[0] = { id: "kept", op: "one_hot_encoder", inputs: ["promo"], params };
    rule.preprocessing.outputs[0].shape = ["rows", 2];
    rule.postprocessing.inputs[0].shape = ["rows", 2];
    rule.postprocessing.nodes[0].params.coef = [[10, 20]];
    const fallback = await fallbackOf(rule);
    const rows = [{ promo: 3 }, { promo: 4 }, { promo: 5 }];
    expect(fallback.answer(rows, 0, 3)).toBeUndefined();
    expect(fallback.answer(rows, 0, 1)!.predictions).toEqual([11]);
    expect(fallback.answer(rows, 2, 3)!.predictions).toEqual([21]);
  });

  test("has no answer for what isn't a row at all, and forgets what it refused before it failed", async () => {
    const fallback = await fallbackOf(half());
    const broken = [{ price: "dear" }, null] as unknown as Row[];
    expect(fallback.answer(broken, 0, 2)).toBeUndefined();
    expect(fallback.answer(prices(4), 0, 1)!.predictions).toEqual([3]);
  });
});
