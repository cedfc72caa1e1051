/** Goal: the metrics of several processes are those of one that saw every call, whichever of them end meanwhile. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Family, familyText, histogramText, labelText, sampleText } from "../../server/observe/exposition.js";
import { Histogram, latencyBounds } from "../../server/observe/histogram.js";
import {
  addEnded,
  type Families,
  mergeMetrics,
  type ProcessMetrics,
  readMetrics,
  writeMetrics,
} from "../../server/planes/merge-metrics.js";
import { parsePrometheus } from "../support/prometheus-text.js";

const models = ["a", 'b"\\x', "c} d"];

/** A call as counters and a histogram see it. Durations are fractions of powers of two: their sums are exact. */
interface Seen {
  readonly model: string;
  readonly seconds: number;
}

/** What a process writes that saw these calls. */
function written(calls: readonly Seen[]): { text: string; merges: Record<string, Family["merge"]> } {
  const series = new Map<string, { count: number; histogram: Histogram }>();
  for (const { model, seconds } of calls) {
    const labels = labelText({ model, version: "1" });
    const one = series.get(labels) ?? { count: 0, histogram: new Histogram(latencyBounds) };
    series.set(labels, one);
    one.count++;
    one.histogram.observe(seconds);
  }
  const each = (name: string, write: (labels: string, one: { count: number; histogram: Histogram }) => string) => ({
    pieces: () => [...series].map(([labels, one]) => write(labels, one)),
    name,
    help: `About ${name}.`,
  });
  const families: Family[] = [
    {
      ...each("calls_total", (labels, { count }) => sampleText("calls_total", labels, count)),
      type: "counter",
      merge: "sum",
    },
    {
      ...each("call_seconds", (labels, { histogram }) => histogramText("call_seconds", labels, histogram)),
      type: "histogram",
      merge: "sum",
    },
    {
      name: "in_flight",
      help: "Calls.",
      type: "gauge",
      merge: "sum",
      pieces: () => [sampleText("in_flight", "", calls.length)],
    },
  ];
  return {
    text: families.flatMap((family) => [...familyText(family)]).join(""),
    merges: Object.fromEntries(families.map(({ name, merge }) => [name, merge])),
  };
}

const part = (process: number, calls: readonly Seen[], inService = true): ProcessMetrics => ({
  process: String(process),
  inService,
  families: readMetrics(written(calls)),
});

/** As a scraper reads it, in no order. */
function samples(families: Families): Map<string, number> {
  const read = parsePrometheus(writeMetrics(families));
  return new Map(
    [...read.values()].flatMap((family) =>
      family.samples.map(({ name, labels, value }) => [
        `${name} ${JSON.stringify(Object.entries(labels).sort())}`,
        value,
      ]),
    ),
  );
}

const call = fc.record({
  model: fc.constantFrom(...models),
  seconds: fc.integer({ min: 0, max: 4096 }).map((n) => n / 1024),
});
const processes = fc.array(fc.array(call, { maxLength: 20 }), { minLength: 1, maxLength: 5 });

test("merging equals one process that saw all", () => {
  fc.assert(
    fc.property(processes, (seen) => {
      const merged = mergeMetrics(seen.map((calls, i) => part(i + 1, calls)));
      expect(samples(merged)).toEqual(samples(readMetrics(written(seen.flat()))));
    }),
    { numRuns: 40 },
  );
});

test("what those that ended had counted stays counted, but what they had in flight is gone", () => {
  fc.assert(
    fc.property(processes, processes, (living, gone) => {
      let ended: Families = new Map();
      for (const calls of gone) ended = addEnded(ended, readMetrics(written(calls)));
      // Each version is still served by a process.
      const all = [...living, models.map((model) => ({ model, seconds: 1 }))];
      const merged = samples(
        mergeMetrics(
          all.map((calls, i) => part(i + 1, calls)),
          ended,
        ),
      );
      const expected = samples(readMetrics(written([...all, ...gone].flat())));
      const inFlight = [...expected.keys()].find((key) => key.startsWith("in_flight"))!;
      expected.set(inFlight, all.flat().length);
      expect(merged).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test("series of a version that no process has any more end", () => {
  const ended = addEnded(new Map(), readMetrics(written([{ model: "a", seconds: 1 }])));
  const merged = mergeMetrics([part(1, [{ model: models[2]!, seconds: 1 }])], ended);
  const names = [...samples(merged).keys()].filter((key) => key.startsWith("calls_total"));
  expect(names).toHaveLength(1);
  expect(names[0]).toContain(models[2]);
});

const gauge = (merge: Family["merge"], value: number) => {
  const family: Family = { name: "g", help: "", type: "gauge", merge, pieces: () => [sampleText("g", 'a="1"', value)] };
  return readMetrics({ text: [...familyText(family)].join(""), merges: { g: merge } });
};

test.each([
  ["sum", [1, 2, 4], [true, true, false], ['g{a="1"} 7']],
  // Those that aren't in service don't count.
  ["max", [1, 2, 4], [true, true, false], ['g{a="1"} 2']],
  ["min", [1, 2, 0], [true, true, false], ['g{a="1"} 1']],
  // Unless nobody is.
  ["min", [1, 2, 0], [false, false, false], ['g{a="1"} 0']],
  ["each", [1, Number.POSITIVE_INFINITY], [true, false], ['g{a="1",process="1"} 1', 'g{a="1",process="2"} +Inf']],
] as const)("a gauge merges as it says: %s of %j", (merge, values, inService, expected) => {
  const parts = values.map((value, i) => ({
    process: String(i + 1),
    inService: inService[i]!,
    families: gauge(merge, value),
  }));
  expect(
    writeMetrics(mergeMetrics(parts))
      .split("\n")
      .filter((line) => line.startsWith("g")),
  ).toEqual(expected);
});

test("without labels of its own, a gauge of each process has only that one", () => {
  const families = readMetrics({ text: "# HELP g \n# TYPE g gauge\ng 3\n", merges: {} });
  expect(writeMetrics(mergeMetrics([{ process: "primary", inService: false, families }]))).toContain(
    'g{process="primary"} 3\n',
  );
});
