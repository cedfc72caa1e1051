/**
 * Goal: each operator of our own transformers does what a plain model of it says, for any row. The bits are held by
 * test/parity.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textFormats } from "../../bundle/text.js";
import { createPreprocessor, parseGraph, type Row } from "../../preprocessing/index.js";

type Type = "number" | "string" | "numbers";

/** Runs one operator over columns a, b, ... of these types. */
function operator(op: string, types: readonly Type[], params: object, width: number) {
  const inputs = types.map((type, index) => ({ name: "abcdef"[index]!, type }));
  const nodes = [{ id: "n1", op, inputs: inputs.map(({ name }) => name), params }];
  const outputs = [{ name: "X", dtype: "float64", shape: ["rows", width], from: ["n1"] }];
  const preprocessor = createPreprocessor(parseGraph({ format: "plumb-graph/1", inputs, nodes, outputs }));
  return (row: Row): number[] | "refused" => {
    const { features, refused } = preprocessor.features([row]);
    return refused.length > 0 ? "refused" : [...features[0]!];
  };
}

const number = fc.oneof(
  fc.double({ noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, -1, 5e-324, 1.7976931348623157e308),
  fc.integer(),
);
const asRead = (value: number | null): number => value ?? Number.NaN;
const missingUnlessFinite = (value: number): number => (Number.isFinite(value) ? value : Number.NaN);

describe("numbers together", () => {
  const models = {
    ratio: (a: number, b: number, c: number) => [a / b, a / c],
    difference: (a: number, b: number, c: number) => [a - b, a - c],
    product: (a: number, b: number, c: number) => [a * b * c],
  };

  it.each(Object.entries(models))("%s", (op, model) => {
    const run = operator(op, ["number", "number", "number"], {}, op === "product" ? 1 : 2);
    fc.assert(
      fc.property(fc.tuple(fc.option(number), fc.option(number), fc.option(number)), ([a, b, c]) => {
        expect(run({ a, b, c })).toEqual(model(asRead(a), asRead(b), asRead(c)).map(missingUnlessFinite));
      }),
    );
  });

  it.each(["ratio", "difference", "product"])(
    "%s refuses infinities, and takes no column alone where it needs two",
    (op) => {
      const width = op === "product" ? 1 : 2;
      const run = operator(op, ["number", "number", "number"], {}, width);
      for (const name of ["a", "b", "c"]) expect(run({ a: 1, b: 2, c: 3, [name]: Infinity })).toBe("refused");
      if (op === "product") expect(operator(op, ["number"], {}, 1)({ a: 4 })).toEqual([4]);
      else
        expect(() => operator(op, ["number"], {}, 1)).toThrow("nodes[0].inputs: expected two or more columns, got 1");
    },
  );
});

it("clip keeps a value within its limits", () => {
  const limits = fc
    .tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true }))
    .map(([x, y]) => [Math.min(x, y), Math.max(x, y)] as const);
  const form = (limit: number) => (Number.isFinite(limit) ? (Object.is(limit, -0) ? "-0.0" : limit) : String(limit));
  fc.assert(
    fc.property(limits, fc.option(number), ([low, high], a) => {
      const run = operator("clip", ["number"], { lower: [form(low)], upper: [form(high)] }, 1);
      const x = asRead(a);
      expect(run({ a })).toEqual([x < low ? low : x > high ? high : x]);
    }),
  );
});

it("buckets counts the edges below", () => {
  const edges = fc
    .uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 12 })
    .map((list) => list.sort((x, y) => x - y));
  const values = fc.option(fc.oneof(fc.integer({ min: -22, max: 22 }), fc.double({ min: -22, max: 22, noNaN: true })));
  fc.assert(
    fc.property(edges, fc.boolean(), values, (edges, right, a) => {
      const below = edges.filter((edge) => (right ? edge < a! : edge <= a!)).length;
      expect(operator("buckets", ["number"], { edges: [edges], right }, 1)({ a })).toEqual([
        a === null ? Number.NaN : below,
      ]);
    }),
  );
});

it("cyclic is a place on a circle, the same a round later", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: -5000, max: 5000 }), (period, a) => {
      const run = operator("cyclic", ["number"], { period }, 2);
      const [sine, cosine] = run({ a }) as number[];
      const angle = (2 * Math.PI * a) / period;
      expect(sine).toBeCloseTo(Math.sin(angle), 9);
      expect(cosine).toBeCloseTo(Math.cos(angle), 9);
      const later = run({ a: a + period }) as number[];
      expect(later[0]).toBeCloseTo(sine!, 9);
      expect(later[1]).toBeCloseTo(cosine!, 9);
    }),
  );
  expect(operator("cyclic", ["number"], { period: 7 }, 2)({ a: null })).toEqual([Number.NaN, Number.NaN]);
});

it("cross gives two rows one category only where they are the same", () => {
  // An encoder with this one category tells whether the cross is it.
  const crossIs = (category: string) => {
    const document = {
      format: "plumb-graph/1",
      inputs: ["a", "b"].map((name) => ({ name, type: "string" })),
      nodes: [
        { id: "n1", op: "cross", inputs: ["a", "b"], params: {} },
        {
          id: "n2",
          op: "one_hot_encoder",
          inputs: ["n1"],
          params: { categories: [[category]], handle_unknown: "ignore" },
        },
      ],
      outputs: [{ name: "X", dtype: "float64", shape: ["rows", 1], from: ["n2"] }],
    };
    const preprocessor = createPreprocessor(parseGraph(document));
    return (row: Row) => preprocessor.features([row]).features[0]![0] === 1;
  };
  const written = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("|", "\\|");
  const text = fc.string({ unit: fc.constantFrom("|", "\\", "a"), maxLength: 4 });
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      const is = crossIs(`${written(a)}|${written(b)}`);
      expect(is({ a, b })).toBe(true);
      expect(is({ a: c, b: d })).toBe(a === c && b === d);
      expect(is({ a, b: null })).toBe(false);
    }),
  );
});

describe("date_parts", () => {
  const parts = ["year", "quarter", "month", "day", "weekday", "day_of_year", "week", "month_end", "epoch_day"];
  const dates = operator("date_parts", ["string"], { parts, format: "date" }, parts.length);
  const dayMs = 86_400_000;

  /** By `Date`, which counts in UTC when it is told to. */
  function model(days: number): number[] {
    const date = new Date(days * dayMs);
    const year = date.getUTCFullYear();
    const weekday = (date.getUTCDay() + 6) % 7;
    const thursday = new Date((days - weekday + 3) * dayMs);
    const firstOf = (year: number) => new Date(0).setUTCFullYear(year, 0, 1) / dayMs;
    const week = Math.floor((days - weekday + 3 - firstOf(thursday.getUTCFullYear())) / 7) + 1;
    const isMonthEnd = new Date((days + 1) * dayMs).getUTCDate() === 1;
    const month = date.getUTCMonth() + 1;
    return [
      year,
      Math.ceil(month / 3),
      month,
      date.getUTCDate(),
      weekday,
      days - firstOf(year) + 1,
      week,
      isMonthEnd ? 1 : 0,
      days,
    ];
  }

  const written = (days: number) => new Date(days * dayMs).toISOString().slice(0, 10);
  const first = new Date(0).setUTCFullYear(0, 0, 1) / dayMs;
  const last = Date.UTC(9999, 11, 31) / dayMs;

  it("is right on every day of 400 years, after which all repeats", () => {
    const from = Date.UTC(1823, 0, 1) / dayMs;
    const wrong: string[] = [];
    for (let days = from; days <= from + 146_097; days++) {
      const found = dates({ a: written(days) }) as number[];
      if (!model(days).every((part, index) => part === found[index])) wrong.push(written(days));
    }
    expect(wrong).toEqual([]);
  });

  it("is right from the year 0 to 9999", () => {
    for (const days of [first, last]) expect(dates({ a: written(days) })).toEqual(model(days));
    fc.assert(
      fc.property(
        fc.integer({ min: first, max: last }),
        (days) => void expect(dates({ a: written(days) })).toEqual(model(days)),
      ),
    );
  });

  it("refuses what Date would guess at, and every text that is no date", () => {
    for (const text of [
      "2026-02-30",
      "2026-13-01",
      "2026-00-10",
      "2026-1-1",
      "+02026-01-01",
      "2026-01-01 ",
      "2026/01/01",
      "２026-01-01",
      "",
      "now",
    ]) {
      expect(dates({ a: text }), text).toBe("refused");
    }
    const isDate = (text: string) =>
      /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
    const near = fc.tuple(fc.nat(9999), fc.nat(14), fc.nat(33)).map(([year, month, day]) => {
      const two = (value: number) => String(value).padStart(2, "0");
      return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
    });
    const isThere = (text: string) => {
      try {
        return isDate(text);
      } catch {
        return false; // an Invalid Date has no ISO form
      }
    };
    fc.assert(
      fc.property(near, (text) => void expect(dates({ a: text }) !== "refused").toBe(isThere(text))),
      { numRuns: 500 },
    );
  });

  it("admits exactly what schema.json's formats admit", () => {
    const character = fc.constantFrom("0", "1", "2", "3", "5", "9", "-", ":", "T", "t", "Z", "z", "+", ".", " ", "\n");
    const changed = (text: string) =>
      fc
        .array(fc.tuple(fc.nat(text.length), fc.nat(2), character), { maxLength: 2 })
        .map((changes) => changes.reduce((old, [at, cut, put]) => old.slice(0, at) + put + old.slice(at + cut), text));
    for (const [format, text] of [
      ["date", "2024-02-29"],
      ["date-time", "2024-02-29T13:05:59.25+01:30"],
      ["date-time", "1999-12-31T23:59:59Z"],
    ] as const) {
      const params = { parts: ["day"], format, ...(format === "date" ? {} : { time_zone: "UTC" }) };
      const run = operator("date_parts", ["string"], params, 1);
      const { pattern } = textFormats[format];
      fc.assert(
        fc.property(
          changed(text),
          (a) => void expect({ a, read: run({ a }) !== "refused" }).toEqual({ a, read: pattern.test(a) }),
        ),
        {
          numRuns: 2000,
        },
      );
    }
  });

  it("tells the time where the clock hangs", () => {
    const offset = fc.tuple(fc.constantFrom("+", "-"), fc.nat(23), fc.nat(59));
    const two = (value: number) => String(value).padStart(2, "0");
    const text = ([sign, hours, minutes]: [string, number, number]) => `${sign}${two(hours)}:${two(minutes)}`;
    const minutesOf = ([sign, hours, minutes]: [string, number, number]) =>
      (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
    const instant = fc.integer({ min: Date.UTC(1000, 0), max: Date.UTC(3000, 0) });
    fc.assert(
      fc.property(instant, offset, offset, fc.constantFrom("", ".5", ".123456789"), (ms, stated, zone, fraction) => {
        const local = new Date(ms + minutesOf(stated) * 60_000).toISOString().slice(0, 19);
        const params = { parts: ["epoch_day", "hour", "minute"], format: "date-time", time_zone: text(zone) };
        const clock = new Date(ms + minutesOf(zone) * 60_000);
        const expected = [Math.floor(clock.getTime() / dayMs), clock.getUTCHours(), clock.getUTCMinutes()];
        expect(operator("date_parts", ["string"], params, 3)({ a: `${local}${fraction}${text(stated)}` })).toEqual(
          expected,
        );
      }),
    );
    const utc = operator("date_parts", ["string"], { parts: ["hour"], format: "date-time", time_zone: "UTC" }, 1);
    expect(utc({ a: "2026-11-22T08:00:00Z" })).toEqual([8]);
    for (const time of [
      "08:00:00",
      "08:00Z",
      "24:00:00Z",
      "08:60:00Z",
      "08:00:60Z",
      "08:00:00.Z",
      "08:00:00+1:00",
      "08:00:00z",
      "08:00:00Z ",
    ]) {
      expect(utc({ a: `2026-11-22T${time}` }), time).toBe("refused");
    }
  });
});

describe("row_window", () => {
  const statistics = ["mean", "std", "min", "max", "sum", "last", "lag_2", "count"];
  const integers = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 300, size: "large" });

  it("looks at the last items, and at nothing else", () => {
    fc.assert(
      fc.property(
        integers,
        fc.option(fc.integer({ min: 1, max: 40 })),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(2),
        (a, window, least, ddof) => {
          const minItems = Math.min(least, window ?? least);
          const params = { statistics, min_items: minItems, ddof, ...(window === null ? {} : { window }) };
          const [mean, std, min, max, sum, last, lag, count] = operator(
            "row_window",
            ["numbers"],
            params,
            8,
          )({ a }) as number[];
          const items = window === null ? a : a.slice(-window);
          expect([last, lag, count]).toEqual([items.at(-1) ?? Number.NaN, items.at(-3) ?? Number.NaN, items.length]);
          if (items.length < minItems) {
            expect([mean, std, min, max, sum]).toEqual(Array(5).fill(Number.NaN));
            return;
          }
          // Sums of integers are exact in any order.
          const total = items.reduce((left, right) => left + right, 0);
          expect([mean, min, max, sum]).toEqual([
            total / items.length,
            Math.min(...items) + 0,
            Math.max(...items) + 0,
            total + 0,
          ]);
          const squares = items.reduce((left, item) => left + (item - total / items.length) ** 2, 0);
          if (items.length <= ddof) expect(std).toBeNaN();
          else expect(std).toBeCloseTo(Math.sqrt(squares / (items.length - ddof)), 7);
        },
      ),
    );
  });

  it("makes of a sum beyond float64 a missing one", () => {
    const run = operator(
      "row_window",
      ["numbers"],
      { statistics: ["sum", "mean", "std", "max"], min_items: 1, ddof: 0 },
      4,
    );
    expect(run({ a: [1e308, 1e308] })).toEqual([Number.NaN, Number.NaN, Number.NaN, 1e308]);
  });
});

describe("texts", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("a", "A", "1", " ", "@", ".", "-") }),
  );

  it("text_length counts code points", () => {
    const run = operator("text_length", ["string"], {}, 1);
    fc.assert(fc.property(text, (a) => void expect(run({ a })).toEqual([[...a].length])));
    expect(run({ a: null })).toEqual([Number.NaN]);
  });

  const oneOfThese = (low: number, high: number) => (code: number) => code >= low && code <= high;
  const characters: Record<string, (code: number) => boolean> = {
    digit: oneOfThese(48, 57),
    uppercase: oneOfThese(65, 90),
    lowercase: oneOfThese(97, 122),
    space: (code) => [9, 10, 13, 32].includes(code),
    punctuation: (code) =>
      [oneOfThese(33, 47), oneOfThese(58, 64), oneOfThese(91, 96), oneOfThese(123, 126)].some((is) => is(code)),
    non_ascii: (code) => code > 127,
  };

  it("text_pattern finds characters by name", () => {
    const run = operator("text_pattern", ["string"], { patterns: Object.keys(characters) }, 6);
    fc.assert(
      fc.property(text, (a) => {
        const codes = [...a].map((character) => character.codePointAt(0)!);
        expect(run({ a })).toEqual(Object.values(characters).map((is) => (codes.some(is) ? 1 : 0)));
      }),
    );
  });

  it("text_pattern finds texts where they must stand", () => {
    const unit = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 8 });
    fc.assert(
      fc.property(
        unit,
        unit.filter((part) => part !== ""),
        (a, part) => {
          const patterns = [{ contains: part }, { starts_with: part }, { ends_with: part }];
          const places = Array.from({ length: a.length }, (_, at) => at).filter(
            (at) => a.slice(at, at + part.length) === part,
          );
          const expected = [places.length > 0, places.includes(0), places.includes(a.length - part.length)];
          expect(operator("text_pattern", ["string"], { patterns }, 3)({ a })).toEqual(expected.map(Number));
        },
      ),
    );
  });

  it.each([
    ["ada@example.com", [1, 0]],
    ["@example.com", [0, 0]],
    ["ada@example", [0, 0]],
    ["see http://example.com", [0, 1]],
    ["https:// nothing", [0, 0]],
    ["HTTPS://EXAMPLE.COM", [0, 0]],
  ])("text_pattern of %j", (a, expected) => {
    expect(operator("text_pattern", ["string"], { patterns: ["email", "url"] }, 2)({ a })).toEqual(expected);
  });

  it("text_pattern takes a long text without end in a moment's steps", () => {
    const run = operator("text_pattern", ["string"], { patterns: ["email", "url"] }, 2);
    for (const part of ["a", "a@", "a@a", "http", "https:/", "@-"])
      expect(run({ a: part.repeat(200_000) })).toEqual([0, 0]);
  });
});

describe("portable maps", () => {
  const values = fc.double({ min: -1e6, max: 1e6, noNaN: true });

  it.each(["log", "log1p"] as const)("%s is a logarithm, missing where there is none", (name) => {
    const run = operator("portable_log", ["number"], { function: name }, 1);
    fc.assert(
      fc.property(values, (a) => {
        const expected = missingUnlessFinite(Math[name](a));
        const [found] = run({ a }) as number[];
        if (Number.isNaN(expected)) expect(found).toBeNaN();
        else expect(Math.abs(found! - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-15);
      }),
    );
  });

  it("portable_yeo_johnson can be undone", () => {
    const undone = (y: number, power: number): number => {
      if (y >= 0) return power === 0 ? Math.expm1(y) : Math.expm1(Math.log1p(power * y) / power);
      return power === 2 ? -Math.expm1(-y) : -Math.expm1(Math.log1p(-(2 - power) * y) / (2 - power));
    };
    const powers = fc.constantFrom(0, 0.5, 1, 1.5, 2);
    fc.assert(
      fc.property(powers, fc.double({ min: -50, max: 50, noNaN: true }), (power, a) => {
        const [y] = operator(
          "portable_yeo_johnson",
          ["number"],
          { lambdas: [power], mean: [3], scale: [2] },
          1,
        )({ a }) as number[];
        expect(undone(y! * 2 + 3, power)).toBeCloseTo(a, 7);
      }),
    );
  });
});
