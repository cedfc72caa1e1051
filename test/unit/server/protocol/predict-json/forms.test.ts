/** Goal: fields that rows share are sent once, a list of rows needs no envelope, and an answer holds what was asked for. */

import { describe, expect, test } from "vitest";
import type { Answer } from "../../../../../preprocessing/index.js";
import { ServeError } from "../../../../../server/errors.js";
import { takeWhole } from "../../../../../server/path/sliced-work.js";
import { decodeJson, decodeJsonInSlices } from "../../../../../server/protocol/predict-json/decode.js";
import { createJsonFrame, encodeJson, encodeJsonInPieces } from "../../../../../server/protocol/predict-json/encode.js";
import { makeAnswered } from "../../../../support/calls.js";

const limits = { rowsMax: 1000, containersMax: 1002, membersMax: 100 };
const classifier = { labels: ["ham", "spam", "other"], hasProbabilities: true };
const json = "application/json";

/** Decoded in one go and in slices, which have to agree. */
function decode(body: object, outputs = classifier) {
  const bytes = Buffer.from(JSON.stringify(body));
  const outcome = (decoded: () => unknown) => {
    try {
      return decoded();
    } catch (error) {
      if (!(error instanceof ServeError)) throw error;
      return [error.code, error.message];
    }
  };
  const whole = outcome(() => decodeJson(json, bytes, limits, outputs));
  const slices = { scanBytes: 7, parseBytes: 5 };
  expect(outcome(() => takeWhole(decodeJsonInSlices(json, bytes, limits, slices, outputs)))).toEqual(whole);
  return whole;
}

describe("a list of rows", () => {
  test("is taken without an envelope, and answered as one", () => {
    expect(decode([{ x: 1 }, { x: 2 }])).toEqual({ rows: [{ x: 1 }, { x: 2 }], single: false, partial: false });
  });

  test("has rows, and not too many", () => {
    expect(decode([])).toEqual(["schema_mismatch", "the body: expected 1 to 1000 rows, got an empty list"]);
    expect(decode(new Array(1001).fill(1))).toEqual(["too_many_rows", "the body: expected 1 to 1000 rows, got 1001"]);
  });
});

describe("a context", () => {
  test("is part of each row", () => {
    const rows = Array.from({ length: 500 }, (_, item) => ({ item, price: item / 2 }));
    expect(decode({ context: { user: 7, country: "AT" }, rows })).toEqual({
      rows: rows.map((row) => ({ user: 7, country: "AT", ...row })),
      single: false,
      partial: false,
    });
  });

  test("says which of its names a row has too", () => {
    expect(decode({ context: { user: 7, age: 1 }, rows: [{ item: 1 }, { item: 2, age: 3 }] })).toEqual([
      "malformed_body",
      'row 1 has the field "age", and so has "context": expected it in one of them',
    ]);
  });

  test("leaves what is no row to the schema, and names that mean something to JavaScript alone", () => {
    expect(decode({ context: { user: 7 }, rows: [1, null, [2]] })).toMatchObject({ rows: [1, null, [2]] });
    const body = '{"context": {"__proto__": 1, "toString": 2}, "rows": [{"x": 3}]}';
    const { rows } = decodeJson(json, Buffer.from(body), limits);
    expect(JSON.stringify(rows)).toBe('[{"__proto__":1,"toString":2,"x":3}]');
    expect(decode({ context: { user: 7 }, rows: [JSON.parse('{"hasOwnProperty": 1}')] })).toMatchObject({
      rows: [{ user: 7, hasOwnProperty: 1 }],
    });
  });

  test.each([[[]], [null], [5], ["user"]])("is an object, not %j", (context) => {
    expect(decode({ context, rows: [{}] })).toEqual([
      "malformed_body",
      expect.stringMatching(/^"context": expected an object of the fields that all rows share, got /),
    ]);
  });

  test("stands beside rows alone: by itself it is a feature", () => {
    expect(decode({ context: { user: 7 } })).toMatchObject({ rows: [{ context: { user: 7 } }], single: true });
  });
});

describe("fields", () => {
  const answer: Answer = {
    predictions: ["spam", "ham"],
    probabilities: Float64Array.of(0.25, 0.5, 0.25, 0.75, -0, 0.25),
  };
  const frame = createJsonFrame("mail", 3, classifier.labels);

  function ask(fields: unknown, given = answer, partial = false) {
    const request = decode({ rows: [{}, {}], fields, partial }) as ReturnType<typeof decodeJson>;
    const call = { ...makeAnswered([{}, {}]), request };
    const text = encodeJson(frame, call, given);
    expect(
      encodeJsonInPieces(frame, call, given, 1)
        .map((write) => write())
        .join(""),
    ).toBe(text);
    const { model, version, request_id: _, ...rest } = JSON.parse(text);
    expect([model, version]).toEqual(["mail", 3]);
    return rest;
  }

  test("choose what an answer holds", () => {
    expect(ask(["prediction"])).toEqual({ predictions: ["spam", "ham"] });
    expect(ask(["probabilities.spam"])).toEqual({ probabilities: [{ spam: 0.5 }, { spam: -0 }] });
    expect(ask(["probabilities.other", "prediction", "probabilities.ham"])).toEqual({
      predictions: ["spam", "ham"],
      probabilities: [
        { ham: 0.25, other: 0.25 },
        { ham: 0.75, other: 0.25 },
      ],
    });
    expect(ask(["probabilities", "probabilities.ham"]).probabilities[1]).toEqual({ ham: 0.75, spam: -0, other: 0.25 });
  });

  test("ask for the most probable labels, the first of equal ones first", () => {
    expect(ask(["top:2"])).toEqual({
      top: [
        [
          { label: "spam", probability: 0.5 },
          { label: "ham", probability: 0.25 },
        ],
        [
          { label: "ham", probability: 0.75 },
          { label: "other", probability: 0.25 },
        ],
      ],
    });
    expect(ask(["top:99"]).top[0]).toHaveLength(3);
  });

  test("of a fallback that has no probabilities are null", () => {
    expect(ask(["probabilities", "top:1"], { predictions: ["ham", "ham"], probabilities: undefined })).toEqual({
      probabilities: [null, null],
      top: [null, null],
    });
  });

  test("and errors of a partial answer stay", () => {
    expect(ask(["prediction"], answer, true)).toEqual({ predictions: ["spam", "ham"], errors: [] });
  });

  test("keep the type of a label", () => {
    const call = {
      ...makeAnswered([{}]),
      request: { rows: [{}], single: false, partial: false, fields: { prediction: false, classes: undefined, top: 1 } },
    };
    const given: Answer = { predictions: [2], probabilities: Float64Array.of(0.25, 0.75) };
    expect(encodeJson(createJsonFrame("m", 1, [1, 2]), call, given)).toContain(
      '"top":[[{"label":2,"probability":0.75}]]',
    );
  });

  test.each<[unknown, string]>([
    [[], '"fields": expected at least one field, got an empty list'],
    ["prediction", '"fields": expected a list of strings, got a string'],
    [
      ["prediction", "probabilities.SPAM"],
      '"fields", item 1: expected "prediction", "probabilities", "probabilities.<label>" with the label "ham", "spam" or "other", or "top:<count>", got the string "probabilities.SPAM"',
    ],
    [["top:0"], '"fields", item 0: expected "prediction"'],
    [["top:1e3"], '"fields", item 0: expected "prediction"'],
    [[5], '"fields", item 0: expected "prediction"'],
  ])("%j are refused", (fields, words) => {
    expect(decode({ rows: [{}], fields })).toEqual([
      expect.stringMatching(/^(?:malformed_body|invalid_request)$/),
      expect.stringContaining(words),
    ]);
  });

  test("of a model without probabilities is the prediction alone", () => {
    const regressor = { labels: undefined as never, hasProbabilities: false };
    expect(decode({ rows: [{}], fields: ["prediction"] }, regressor)).toMatchObject({ single: false });
    for (const field of ["probabilities", "top:1", "probabilities.ham"])
      expect(decode({ rows: [{}], fields: [field] }, regressor)).toEqual([
        "invalid_request",
        expect.stringContaining('expected "prediction", because the model gives no probabilities'),
      ]);
  });
});
