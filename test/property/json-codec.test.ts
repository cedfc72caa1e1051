/**
 * Goal: over random rows, texts and bytes, the codec reads what `JSON.parse` reads or refuses it with an error that a
 * caller can be told; it misses no duplicate key and invents none; and what it writes reads back to the same bits.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Scalar } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { decodeJson } from "../../server/protocol/predict-json/decode.js";
import { createJsonFrame, encodeJson } from "../../server/protocol/predict-json/encode.js";
import { makeAnswered } from "../support/calls.js";

const limits = { rowsMax: 1000, containersMax: 10_000, membersMax: 10_000 };
const decode = (body: string | Uint8Array) =>
  decodeJson("application/json", typeof body === "string" ? Buffer.from(body) : Buffer.from(body), limits);

function refusal(body: string | Uint8Array): ServeError | undefined {
  try {
    decode(body);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ServeError);
    return error as ServeError;
  }
}

// Strings made of what could confuse a scan of the text.
const tricky = fc.string({
  unit: fc.constantFrom(
    '"',
    "\\",
    ":",
    "{",
    "}",
    "[",
    "]",
    ",",
    " ",
    "a",
    "n",
    "u",
    "é",
    "🦆",
    "\u2028",
    "\ud800",
    "\0",
    "\n",
  ),
});
const text = fc.oneof(
  tricky,
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("rows", "partial", "", "a:b", '{"a":1}'),
);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const key = text.filter((name) => name !== "__proto__");

const { value: jsonValue } = fc.letrec<{ value: unknown; list: unknown[]; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 5 },
    number,
    text,
    fc.boolean(),
    fc.constant(null),
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
}));
const row = fc.dictionary(key, jsonValue, { maxKeys: 6, noNullPrototype: true });
const bareRow = row.filter((value) => !Object.hasOwn(value, "rows"));

/** The same text without a single letter beyond ASCII. */
const escaped = (json: string) =>
  json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

describe("rows", () => {
  test("come out as they went in, alone", () => {
    fc.assert(
      fc.property(bareRow, (value) => {
        expect(decode(JSON.stringify(value))).toStrictEqual({ rows: [value], single: true, partial: false });
      }),
    );
  });

  test("come out as they went in, together", () => {
    fc.assert(
      fc.property(fc.array(jsonValue, { minLength: 1, maxLength: 5 }), fc.boolean(), (rows, partial) => {
        expect(decode(JSON.stringify({ rows, partial }))).toStrictEqual({ rows, single: false, partial });
      }),
    );
  });

  test("are the same whether their letters are raw or escaped, close together or far apart", () => {
    fc.assert(
      fc.property(bareRow, (value) => {
        const plain = decode(JSON.stringify(value));
        expect(decode(escaped(JSON.stringify(value)))).toStrictEqual(plain);
        expect(decode(JSON.stringify(value, null, "\t"))).toStrictEqual(plain);
      }),
    );
  });

  test("aren't touched: a body may be read twice", () => {
    fc.assert(
      fc.property(bareRow, (value) => {
        const body = Buffer.from(JSON.stringify(value));
        const before = Buffer.from(body);
        decode(body);
        expect(body.equals(before)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});

/** Writes JSON with one key of one object written twice; `pick` chooses where. Undefined if there is no key at all. */
function withDuplicate(
  value: unknown,
  pick: number,
  again: string,
  spell: (name: string) => string,
): { json: string; name: string } | undefined {
  let place = 0;
  let name: string | undefined;
  const places = countKeys(value);
  if (places === 0) return undefined;
  const wanted = pick % places;
  const write = (part: unknown): string => {
    if (Array.isArray(part)) return `[${part.map(write).join(",")}]`;
    if (part === null || typeof part !== "object") return JSON.stringify(part);
    const members: string[] = [];
    let duplicate: string | undefined;
    for (const [own, item] of Object.entries(part)) {
      if (place++ === wanted) {
        name = own;
        duplicate = `${spell(own)}:${again}`;
      }
      members.push(`${JSON.stringify(own)}:${write(item)}`);
    }
    if (duplicate !== undefined) members.push(duplicate);
    return `{${members.join(",")}}`;
  };
  const json = write(value);
  return { json, name: name! };
}

function countKeys(value: unknown): number {
  if (value === null || typeof value !== "object") return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countKeys(item), 0);
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countKeys(item), 0);
}

const unicodeSpelling = (name: string) =>
  `"${Array.from({ length: name.length }, (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;

describe("a key that stands twice", () => {
  test("is found wherever it is, however it is spelt, and named", () => {
    fc.assert(
      fc.property(row, fc.nat(), jsonValue, fc.boolean(), (value, pick, again, unicode) => {
        const made = withDuplicate(value, pick, JSON.stringify(again), unicode ? unicodeSpelling : JSON.stringify);
        fc.pre(made !== undefined);
        const error = refusal(made!.json);
        expect(error?.code).toBe("malformed_body");
        expect(error?.message).toContain(`the key ${JSON.stringify(made!.name.slice(0, 64))} twice in one object`);
      }),
      { numRuns: 300 },
    );
  });

  test("in two objects is no duplicate", () => {
    fc.assert(
      fc.property(
        key.filter((name) => name !== "rows"),
        jsonValue,
        (name, value) => {
          const nested = { [name]: { [name]: [{ [name]: value }, { [name]: value }] } };
          expect(decode(JSON.stringify(nested)).rows).toStrictEqual([nested]);
        },
      ),
    );
  });
});

describe("bytes that are no UTF-8", () => {
  const invalid = fc.constantFrom(
    [0x80],
    [0xbf, 0xbf],
    [0xc0, 0xaf],
    [0xc1, 0x81],
    [0xc3],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x9f, 0xa6],
    [0xf5, 0x80, 0x80, 0x80],
    [0xff],
    [0xfe],
  );

  test("are refused in any string, key or value", () => {
    fc.assert(
      fc.property(bareRow, fc.boolean(), invalid, (value, inKey, bytes) => {
        const json = JSON.stringify({ ...value, here: "MARK" }).replace(
          inKey ? /here":"MARK"}$/ : /MARK"}$/,
          (end) => `\u0001${end}`,
        );
        const body = Buffer.from(json);
        const at = body.lastIndexOf(1);
        const broken = Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at + 1)]);
        expect(refusal(broken)).toMatchObject({ code: "malformed_body", message: "the body isn't valid UTF-8" });
      }),
    );
  });
});

describe("bounds", () => {
  test("nesting is taken up to a depth, and refused beyond it before it is parsed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.boolean(), (depth, lists) => {
        const inner = depth - 1;
        const body = lists
          ? `{"a":${"[".repeat(inner)}${"]".repeat(inner)}}`
          : `${'{"a":'.repeat(inner)}{}${"}".repeat(inner)}`;
        const json = lists && inner === 0 ? "{}" : body;
        const error = refusal(json);
        if (depth <= 16) expect(error).toBeUndefined();
        else expect(error?.message).toContain("nested deeper than 16 levels");
      }),
    );
  });

  test("brackets inside strings count for nothing", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("[", "{", "}", "]", '"', "\\"), minLength: 20, maxLength: 200 }),
        (brackets) => {
          expect(decode(JSON.stringify({ x: brackets })).rows).toStrictEqual([{ x: brackets }]);
        },
      ),
    );
  });

  test("rows are taken up to the limit and refused beyond it, whatever they are", () => {
    const item = fc.constantFrom("{}", '{"x":1}', "1", "null", '"[{"');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(item, { minLength: 1, maxLength: 30 }),
        (rowsMax, items) => {
          const body = Buffer.from(`{"rows":[${items.join(",")}]}`);
          const decodeWithin = () =>
            decodeJson("application/json", body, { ...limits, rowsMax, containersMax: rowsMax + 2 });
          if (items.length <= rowsMax) expect(decodeWithin().rows).toHaveLength(items.length);
          else expect(decodeWithin).toThrow(expect.objectContaining({ code: "too_many_rows" }));
        },
      ),
    );
  });
});

describe("hostile bytes", () => {
  const token = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "\\",
    '"a"',
    '"rows"',
    '"partial"',
    "1",
    "-",
    "1e999",
    "null",
    "true",
    " ",
    "\n",
    "é",
    "\ufeff",
    "\0",
  );
  const soup = fc.array(token, { maxLength: 40 }).map((tokens) => Buffer.from(tokens.join("")));
  const noise = fc.uint8Array({ maxLength: 60 });
  const damaged = fc.tuple(row, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const body = Buffer.from(JSON.stringify(value));
    body[at % body.length] = byte;
    return body;
  });
  const cut = fc.tuple(row, fc.nat()).map(([value, at]) => {
    const body = Buffer.from(JSON.stringify(value));
    return body.subarray(0, at % (body.length + 1));
  });

  test("are read as JSON.parse reads them, or refused with an error that a caller may hear", () => {
    fc.assert(
      fc.property(fc.oneof(soup, noise, damaged, cut), (body) => {
        const error = refusal(body);
        if (error !== undefined) {
          expect(["malformed_body", "schema_mismatch", "too_many_rows"]).toContain(error.code);
          return;
        }
        const whole: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
        const { rows, single } = decode(body);
        if (single) expect(rows).toEqual([whole]);
        else expect(rows).toEqual(Array.isArray(whole) ? whole : (whole as { rows: unknown }).rows);
      }),
      { numRuns: 2000 },
    );
  });

  test("by the megabyte, of each kind, end in an error", () => {
    const size = 1_048_576;
    const bodies = ["[", "{", '"', "\\", '{"a":', "[{},", '{"a":1,"a":', "]", " ", "é"].map((part) =>
      part.repeat(size / part.length),
    );
    bodies.push(
      `{"a":"${"x".repeat(size)}","a":1}`,
      `{"${'\\"'.repeat(size / 2)}":1,"b":1,"b":2}`,
      `{"rows":[${"{},".repeat(size / 3)}{}]}`,
    );
    for (const body of bodies) expect(refusal(body)).toBeInstanceOf(ServeError);
  });
});

describe("answers", () => {
  const finite = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(-0, 0, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 1e21, 1e-7, 2 ** 53 + 2, 0.1),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  );
  const label: fc.Arbitrary<Scalar> = fc.oneof(fc.string(), tricky, fc.boolean(), fc.integer());
  const sameBits = (a: unknown, b: unknown) => expect(Object.is(a, b), `${String(a)} and ${String(b)}`).toBe(true);

  test("to one row read back to the same bits", () => {
    fc.assert(
      fc.property(fc.oneof(finite, label), (prediction) => {
        const call = makeAnswered([{}], { single: true });
        const body = JSON.parse(
          encodeJson(createJsonFrame("m", 1, undefined), call, {
            predictions: [prediction],
            probabilities: undefined,
          }),
        );
        sameBits(body.prediction, prediction);
      }),
    );
  });

  test("of several numbers to any rows read back to the same bits, each list in its row's place", () => {
    const list = fc.array(finite, { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(fc.option(list, { freq: 4 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (lists, single) => {
          const answered = lists.flatMap((each, place) => (each === null ? [] : [place]));
          if (answered.length === 0) return;
          const call = makeAnswered(single ? [{}] : lists, { single, partial: !single });
          if (!single && answered.length < lists.length) call.rowIndexes = answered;
          const predictions = lists.flatMap((each) => (each === null ? [] : [each]));
          const body = JSON.parse(
            encodeJson(createJsonFrame("m", 1, undefined), call, { predictions, probabilities: undefined }),
          );
          const got: (number[] | null)[] = single ? [body.prediction] : body.predictions;
          const expected = single ? [predictions[0]!] : lists;
          expect(got.map((each) => each?.length)).toEqual(expected.map((each) => each?.length));
          for (const [place, each] of expected.entries())
            for (const [k, value] of (each ?? []).entries()) sameBits(got[place]![k], value);
        },
      ),
    );
  });

  test("to any rows, whole or in part, read back to the same bits in their places", () => {
    const labels = fc.uniqueArray(label, { minLength: 2, maxLength: 4, selector: String });
    const fate = fc.constantFrom("answered", "answered", "invalid", "refused");
    fc.assert(
      fc.property(
        fc.option(labels, { nil: undefined }),
        fc.array(fate, { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(finite),
        (names, fates, numbers) => {
          const next = () => numbers.next().value as number;
          const ran = fates.flatMap((each, place) => (each === "refused" ? [] : [place]));
          const call = makeAnswered(
            fates.map(() => ({})),
            { partial: true },
          );
          if (ran.length < fates.length) call.rowIndexes = ran;
          call.unanswered = new Set(ran.flatMap((place, i) => (fates[place] === "invalid" ? [i] : [])));
          const predictions: Scalar[] = ran.map(() =>
            names ? names[Math.abs(Math.trunc(next())) % names.length]! : next(),
          );
          const probabilities = names && Float64Array.from({ length: ran.length * names.length }, next);
          const body = JSON.parse(encodeJson(createJsonFrame("m", 1, names), call, { predictions, probabilities }));
          expect(body.predictions).toHaveLength(fates.length);
          for (const [place, each] of fates.entries()) {
            if (each !== "answered") {
              expect(body.predictions[place]).toBeNull();
              if (names) expect(body.probabilities[place]).toBeNull();
              continue;
            }
            const i = ran.indexOf(place);
            sameBits(body.predictions[place], predictions[i]);
            for (const [k, name] of (names ?? []).entries())
              sameBits(body.probabilities[place][String(name)], probabilities![i * names!.length + k]);
          }
        },
      ),
    );
  });
});
