/** Goal: figures of several processes added up are those of one that had all calls; a route's rules hold. */

import fc from "fast-check";
import { expect, it } from "vitest";
import type { Answer } from "../../../../preprocessing/index.js";
import type { CallRecord } from "../../../../server/path/call.js";
import { Comparison } from "../../../../server/release/comparison.js";
import {
  addModelComparisons,
  type ComparisonFigures,
  describeModelComparison,
} from "../../../../server/release/comparison-figures.js";
import type { CompareRules } from "../../../../server/routing/route-table.js";

const noRules: CompareRules = { tolerance: 0, ignored: new Set(), worstRowFeatures: [] };
const regression = (...predictions: (number | number[])[]): Answer => ({ predictions, probabilities: undefined });
const since = new Date("2026-12-01T08:00:00Z");

function recordOf(answer: Answer, change: object = {}): CallRecord {
  const rowCount = answer.predictions.length;
  const goodRows = answer.predictions.map((_, row) => ({ x: row, secret: "Ada" }));
  const version = { postprocessor: {}, hiddenFeatures: new Set(["secret"]) };
  return { requestId: "r", rowCount, goodRows, answer, version, ...change } as unknown as CallRecord;
}

const ofOne = (shadows: ComparisonFigures[]) =>
  // biome-ignore lint/suspicious/noExplicitAny: as the listener answers it
  (describeModelComparison({ model: "m", champion: 1, shadows }) as any).shadows[0];

it("figures of two processes add up to those of one", () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const calls = fc.array(fc.record({ one: number, other: number, isFirst: fc.boolean(), ms: fc.nat(50) }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(calls, (made) => {
      const [whole, first, second] = [1, 2, 3].map(() => new Comparison(since, noRules));
      for (const { one, other, isFirst, ms } of made)
        for (const each of [whole!, isFirst ? first! : second!])
          each.compare(recordOf(regression(one)), regression(other), { championMs: ms, shadowMs: 2 * ms });
      const model = (one: Comparison) => ({ model: "m", champion: 1, shadows: [one.figures(2, "2")] });
      const merged = ofOne([...addModelComparisons([model(first!), model(second!)]).shadows]);
      const expected = ofOne([whole!.figures(2, "2")]);
      for (const name of ["mean", "mean_absolute"]) {
        const [got, want] = [merged.difference[name], expected.difference[name]];
        expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(want)));
        expected.difference[name] = got;
      }
      expect(Math.abs(merged.score_psi - expected.score_psi)).toBeLessThan(1e-12);
      expected.score_psi = merged.score_psi;
      // Of rows that differ alike, which are kept is a matter of order.
      const sizes = ({ worst_rows }: { worst_rows: { difference: number }[] }) =>
        worst_rows.map(({ difference }) => Math.abs(difference));
      expect(sizes(merged)).toEqual(sizes(expected));
      expect({ ...merged, worst_rows: [] }).toEqual({ ...expected, worst_rows: [] });
    }),
  );
});

it("processes of another champion, and comparisons of another key, aren't added", () => {
  const shadows = (key: string) => [new Comparison(since, noRules).figures(2, key)];
  const merged = addModelComparisons([
    { model: "m", champion: 1, shadows: shadows("a") },
    { model: "m", champion: 1, shadows: shadows("b") },
    { model: "m", champion: 3, shadows: shadows("c") },
  ]);
  expect(merged.shadows.map(({ key }) => key)).toEqual(["a", "b"]);
});

it("rows within the tolerance are equal, and not among the worst; features are shown by the list, never personal ones", () => {
  const comparison = new Comparison(since, { tolerance: 0.5, ignored: new Set(), worstRowFeatures: ["x", "secret"] });
  comparison.compare(recordOf(regression(1, 1, 1)), regression(1, 1.5, 3), undefined);
  const { difference, worst_rows } = ofOne([comparison.figures(2, "2")]);
  expect(difference).toMatchObject({ same_rows: 1, equal_rows: 2, tolerance: 0.5 });
  expect(worst_rows).toEqual([{ request_id: "r", row: 2, champion: 1, shadow: 3, difference: 2, features: { x: 2 } }]);
});

it("outputs that are ignored count for nothing", () => {
  const version = { postprocessor: { names: ["low", "high"] }, hiddenFeatures: new Set() };
  const comparison = new Comparison(since, { ...noRules, ignored: new Set(["high"]) });
  comparison.compare(recordOf(regression([1, 5]), { version }), regression([1, 9]), undefined);
  expect(ofOne([comparison.figures(2, "2")])).toMatchObject({ difference: { same_rows: 1 }, score_psi: 0 });
});

it("without its probabilities a classifier is compared by its labels", () => {
  const answer = (label: string, ...probabilities: number[]): Answer => ({
    predictions: [label],
    probabilities: Float64Array.from(probabilities),
  });
  const version = { postprocessor: { labels: ["ham", "spam"] }, hiddenFeatures: new Set() };
  const comparison = new Comparison(since, { ...noRules, ignored: new Set(["probabilities"]) });
  comparison.compare(recordOf(answer("ham", 0.9, 0.1), { version }), answer("ham", 0.6, 0.4), undefined);
  comparison.compare(recordOf(answer("ham", 0.9, 0.1), { version }), answer("spam", 0.4, 0.6), undefined);
  const { difference, flips } = ofOne([comparison.figures(2, "2")]);
  expect([difference.same_rows, difference.largest_absolute, flips]).toEqual([1, 1, 1]);
});
