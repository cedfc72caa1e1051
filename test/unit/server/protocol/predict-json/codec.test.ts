/**
 * Goal: what a caller sends is read exactly as it stands or refused with its place; what is answered reads back to the
 * same bits.
 */

import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../../server/errors.js";
import { decodeJson } from "../../../../../server/protocol/predict-json/decode.js";
import { createJsonFrame, encodeError, encodeJson } from "../../../../../server/protocol/predict-json/encode.js";
import { makeAnswered } from "../../../../support/calls.js";

const limits = { rowsMax: 3, containersMax: 5, membersMax: 100 };
const decode = (body: string | Uint8Array, contentType = "application/json") =>
  decodeJson(contentType, typeof body === "string" ? Buffer.from(body) : Buffer.from(body), limits);

function refusal(body: string | Uint8Array, contentType?: string): ServeError {
  try {
    decode(body, contentType);
  } catch (error) {
    expect(error).toBeInstanceOf(ServeError);
    return error as ServeError;
  }
  throw new Error("it was accepted");
}

describe("a body", () => {
  test("of one bare row", () => {
    expect(decode('{"x": 1.5, "s": "a"}')).toEqual({ rows: [{ x: 1.5, s: "a" }], single: true, partial: false });
  });

  test("of a list of rows", () => {
    expect(decode('{"rows": [{"x": 1}, {"x": 2}]}')).toEqual({
      rows: [{ x: 1 }, { x: 2 }],
      single: false,
      partial: false,
    });
  });

  test("of a list of one row is still a list", () => {
    expect(decode('{"rows": [{"x": 1}]}')).toEqual({ rows: [{ x: 1 }], single: false, partial: false });
  });

  test("that asks for part of an answer", () => {
    expect(decode('{"partial": true, "rows": [{"x": 1}]}').partial).toBe(true);
    expect(decode('{"partial": false, "rows": [{"x": 1}]}').partial).toBe(false);
  });

  test("with rows that are no objects is the schema's business", () => {
    expect(decode('{"rows": [1, null, "a"]}').rows).toEqual([1, null, "a"]);
  });

  test("with white space all round", () => {
    expect(decode(' \r\n\t{"x" :\n1 } \n').rows).toEqual([{ x: 1 }]);
  });

  test("with letters of all the world, raw or escaped", () => {
    expect(decode('{"größe": "naïve 🦆 \\u00e9\\ud83e\\udd86"}').rows).toEqual([{ größe: "naïve 🦆 é🦆" }]);
  });

  test("with a key that Object.assign would act on, as a plain key", () => {
    const [row] = decode('{"__proto__": {"admin": true}, "x": 1}').rows as [object];
    expect(Object.keys(row)).toEqual(["__proto__", "x"]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  test("behind a byte order mark", () => {
    expect(decode('\ufeff{"x": "a"}')).toEqual({ rows: [{ x: "a" }], single: true, partial: false });
  });

  test("that holds exactly as many rows as are allowed", () => {
    expect(decode('{"rows": [{}, {}, {}]}').rows).toHaveLength(3);
  });
});

describe("a content type", () => {
  test.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json; charset=utf8",
    "application/json; profile=x",
    " application/json ; charset=utf-8",
  ])("%j is JSON", (contentType) => {
    expect(decode('{"x": 1}', contentType).rows).toEqual([{ x: 1 }]);
  });

  test.each([
    ["", "got none"],
    ["text/plain", 'got "text/plain"'],
    ["application/x-www-form-urlencoded", "got"],
    ["application/json-seq", "got"],
    ["application/jsonp", "got"],
    ["application/json; charset=latin1", "got"],
    ["application/json, text/plain", "got"],
    [`text/${"x".repeat(10_000)}`, `got "text/${"x".repeat(59)}"`],
  ])("%j isn't", (contentType, message) => {
    const error = refusal('{"x": 1}', contentType);
    expect(error.code).toBe("unsupported_media_type");
    expect(error.message).toContain(`expected application/json, ${message}`);
  });
});

const wrong: { name: string; body: string; code?: string; message: string | RegExp }[] = [
  { name: "nothing", body: "", message: "the body is empty" },
  { name: "white space", body: "  \n", message: /^the body isn't JSON/ },
  { name: "no JSON", body: "hello", message: /^the body isn't JSON/ },
  { name: "text behind it", body: '{"x": 1} x', message: /^the body isn't JSON/ },
  { name: "two bodies", body: '{"x": 1}{"x": 2}', message: "the body isn't JSON: line 1, column 9" },
  { name: "a fault in a later line", body: '{"x": 1,\n "y" 2}', message: "the body isn't JSON: line 2, column 6" },
  { name: "an end that comes too early", body: '{"x": [1, 2', message: /^the body isn't JSON/ },
  { name: "a string that doesn't end", body: '{"x": "abc', message: /^the body isn't JSON/ },
  { name: "NaN", body: '{"x": NaN}', message: "the body isn't JSON: line 1, column 7: NaN is null in JSON" },
  {
    name: "None",
    body: '{"s": "é",\n "x": None}',
    message: "the body isn't JSON: line 2, column 7: None is null in JSON",
  },
  { name: "True", body: '{"x": True}', message: "the body isn't JSON: line 1, column 7: True is true in JSON" },
  { name: "a comma too many", body: '{"x": 1,}', message: /^the body isn't JSON/ },
  { name: "a comment", body: '{"x": 1} // one', message: /^the body isn't JSON/ },
  { name: "a raw line break in a string", body: '{"x": "a\nb"}', message: /^the body isn't JSON/ },
  { name: "a raw NUL", body: '{"x": "a\0b"}', message: /^the body isn't JSON/ },
  { name: "two byte order marks", body: '\ufeff\ufeff{"x": 1}', message: "the body isn't JSON: line 1, column 1" },
  { name: "a byte order mark and nothing else", body: "\ufeff", message: "the body isn't JSON: it ends too early" },
  { name: "null", body: "null", message: 'expected one row as an object, or {"rows": [...]}, got null' },
  { name: "a number", body: "5", message: "got a number" },
  { name: "a string", body: '"x"', message: "got a string" },
  { name: "a key twice", body: '{"x": 1, "y": 2, "x": 3}', message: 'the key "x" twice in one object' },
  { name: "a key twice, once escaped", body: '{"x": 1, "\\u0078": 3}', message: 'the key "x" twice' },
  {
    name: "a key twice in a row of many",
    body: '{"rows": [{"x": 1}, {"y": 1, "y": 1}]}',
    message: 'the key "y" twice',
  },
  { name: "rows twice", body: '{"rows": [{"x": 1}], "rows": []}', message: 'the key "rows" twice' },
  {
    name: "rows that are no list",
    body: '{"rows": {"x": 1}}',
    message: '"rows": expected a list of rows, got an object',
  },
  { name: "rows that are null", body: '{"rows": null}', message: '"rows": expected a list of rows, got null' },
  {
    name: "another field beside rows",
    body: '{"rows": [{}], "model": "x"}',
    message: 'only "partial", "context" and "fields" are known, got "model"',
  },
  {
    name: "partial that is no yes or no",
    body: '{"rows": [{}], "partial": "yes"}',
    message: '"partial": expected true or false, got a string',
  },
  {
    name: "no rows at all",
    body: '{"rows": []}',
    code: "schema_mismatch",
    message: '"rows": expected 1 to 3 rows, got an empty list',
  },
  {
    name: "too many rows",
    body: '{"rows": [1, 2, 3, 4]}',
    code: "too_many_rows",
    message: '"rows": expected 1 to 3 rows, got 4',
  },
  {
    name: "too many objects",
    body: '{"rows": [{}, {}, {}, {}]}',
    code: "too_many_rows",
    message: "6 objects and lists: expected at most 3 rows",
  },
  { name: "brackets without end", body: "[".repeat(100_000), message: "nested deeper than 16 levels at byte 16" },
  { name: "objects without end", body: '{"a":'.repeat(100_000), message: "nested deeper than 16 levels" },
  { name: "closing brackets first", body: "]]]]][[[[[", message: /^the body isn't JSON/ },
];

test.each(wrong)("a body of $name is refused", ({ body, code = "malformed_body", message }) => {
  const error = refusal(body);
  expect(error.code).toBe(code);
  if (typeof message === "string") expect(error.message).toContain(message);
  else expect(error.message).toMatch(message);
});

test("an empty list of rows is told as an issue", () => {
  expect(refusal('{"rows": []}').issues).toEqual([
    { row: 0, feature: "rows", expected: "1 to 3 rows", got: "an empty list" },
  ]);
});

test.each([
  ["a lone continuation", [0x80]],
  ["a start without its continuation", [0xc3]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["half a surrogate pair", [0xed, 0xa0, 0x80]],
  ["beyond the last code point", [0xf4, 0x90, 0x80, 0x80]],
  ["no UTF-8 at all", [0xff]],
])("%s in a string isn't UTF-8", (_name, bytes) => {
  const body = Buffer.concat([Buffer.from('{"x": "'), Buffer.from(bytes), Buffer.from('"}')]);
  expect(refusal(body)).toMatchObject({ code: "malformed_body", message: "the body isn't valid UTF-8" });
});

test("what is wrong with a body is told without its content", () => {
  for (const body of [
    '{"iban": DE89370400440532013000}',
    '{"name": "Ada Lovelace',
    '{"x": "Ada Lovelace" "y"}',
    '"Ada Lovelace"',
  ]) {
    expect(refusal(body).message).not.toMatch(/Ada|DE89/);
  }
});

describe("an answer", () => {
  const frame = createJsonFrame("demand", 3, undefined);

  test("to one row", () => {
    const call = makeAnswered([{}], { single: true });
    expect(encodeJson(frame, call, { predictions: [1.5], probabilities: undefined })).toBe(
      '{"prediction":1.5,"model":"demand","version":3,"request_id":"abc"}',
    );
  });

  test("to several rows", () => {
    const call = makeAnswered([{}, {}]);
    expect(encodeJson(frame, call, { predictions: [1, -0], probabilities: undefined })).toBe(
      '{"predictions":[1,-0],"model":"demand","version":3,"request_id":"abc"}',
    );
  });

  test("of a classifier", () => {
    const call = makeAnswered([{}], { single: true });
    const classes = createJsonFrame("m", 1, ['say "no"', "yes"]);
    expect(
      JSON.parse(encodeJson(classes, call, { predictions: ["yes"], probabilities: Float64Array.of(0.25, 0.75) })),
    ).toEqual({
      prediction: "yes",
      probabilities: { 'say "no"': 0.25, yes: 0.75 },
      model: "m",
      version: 1,
      request_id: "abc",
    });
  });

  test("of a classifier whose labels are numbers, or true and false", () => {
    const call = makeAnswered([{}], { single: true });
    const numbers = JSON.parse(
      encodeJson(createJsonFrame("m", 1, [0, 1]), call, { predictions: [1], probabilities: Float64Array.of(0, 1) }),
    );
    expect(numbers).toMatchObject({ prediction: 1, probabilities: { 0: 0, 1: 1 } });
    const bools = createJsonFrame("m", 1, [false, true]);
    const text = encodeJson(bools, call, { predictions: [false], probabilities: Float64Array.of(1, 0) });
    expect(JSON.parse(text)).toMatchObject({ prediction: false, probabilities: { false: 1, true: 0 } });
  });

  test("in part: good rows in their places, null for the others, and why", () => {
    const call = makeAnswered([{}, "bad", {}, {}], { partial: true });
    call.rowIndexes = [0, 2, 3];
    call.unanswered = new Set([1]);
    call.rowErrors = [
      {
        row: 1,
        code: "schema_mismatch",
        message: "row 1 ...",
        issues: [{ row: 1, feature: "", expected: "an object", got: "a string" }],
      },
      { row: 2, code: "model_output_invalid", message: "row 2 ...", issues: [] },
    ];
    const classes = createJsonFrame("m", 1, ["a", "b"]);
    const answer = {
      predictions: ["a", Number.NaN, "b"],
      probabilities: Float64Array.of(0.9, 0.1, Number.NaN, Number.NaN, 0.2, 0.8),
    };
    expect(JSON.parse(encodeJson(classes, call, answer))).toEqual({
      predictions: ["a", null, null, "b"],
      probabilities: [{ a: 0.9, b: 0.1 }, null, null, { a: 0.2, b: 0.8 }],
      errors: call.rowErrors,
      model: "m",
      version: 1,
      request_id: "abc",
    });
  });

  test("in part, with nothing wrong, says so", () => {
    const call = makeAnswered([{}], { partial: true });
    expect(JSON.parse(encodeJson(frame, call, { predictions: [1], probabilities: undefined }))).toMatchObject({
      predictions: [1],
      errors: [],
    });
  });
});

test("an error says its code, what is wrong and where", () => {
  const issues = [{ row: 3, feature: 'a "quoted" one', expected: "a number", got: '"n/a"' }];
  const error = new ServeError("schema_mismatch", 'row 3, feature "a": expected a number', {
    issues,
    cause: new Error("secret"),
  });
  expect(JSON.parse(encodeError(error, "abc"))).toEqual({
    error: { code: "schema_mismatch", message: 'row 3, feature "a": expected a number', issues, request_id: "abc" },
  });
  expect(JSON.parse(encodeError(new ServeError("internal", "no"), "abc")).error.issues).toEqual([]);
  // The same error, for somebody else.
  expect(
    [encodeError(error, "abc"), encodeError(error, "def")].map((text) => JSON.parse(text).error.request_id),
  ).toEqual(["abc", "def"]);
});
