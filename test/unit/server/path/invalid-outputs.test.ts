/** Goal: what a model gives that is no number, or no label, is never an answer. */

import { describe, expect, test } from "vitest";
import { createHandPath } from "../../../support/hand-path.js";
import { binaryGraph, makeVersion, namedGraph } from "../../../support/versions.js";

const tiny = makeVersion();

const classifier = makeVersion({ name: "spam", postprocessing: binaryGraph(["ham", "spam"]), task: "classification" });

const band = makeVersion({ name: "band", postprocessing: namedGraph(["low", "high"]) });

describe("a model's output that is no answer", () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%s is never a prediction", (output) => {
    const { send, run } = createHandPath([tiny]);
    const { sent } = send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    run([1, output]);
    expect(sent).toMatchObject([{ status: 500, error: { code: "model_output_invalid" } }]);
    expect(sent[0]!.body.error.message).toContain("row 1");
  });

  test("NaN is never a label or a probability", () => {
    const { send, run } = createHandPath([classifier]);
    const { sent } = send({ body: '{"x": 1}' });
    run([Number.NaN]);
    expect(sent).toMatchObject([{ status: 500, error: { code: "model_output_invalid" } }]);
  });

  test("a row that the model failed on is told as such", () => {
    const { send, run } = createHandPath([tiny]);
    const { sent } = send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    run([1, Number.NaN], [1]);
    expect(sent).toMatchObject([
      { status: 500, error: { code: "model_failed", message: "row 1: the model could not be run on it" } },
    ]);
  });
});

describe("of several numbers to a row, one that isn't finite", () => {
  test.each([[[Number.NaN, 1]], [[1, Number.POSITIVE_INFINITY]], [[Number.NEGATIVE_INFINITY, Number.NaN]]])(
    "%s, makes the row no answer",
    (raw) => {
      const { send, run } = createHandPath([band]);
      const { sent } = send({ body: '{"x": 0}' });
      run(raw);
      expect(sent).toMatchObject([{ status: 500, body: { error: { code: "model_output_invalid" } } }]);
    },
  );

  test("leaves the other rows of a partial request answered", () => {
    const { send, run } = createHandPath([band]);
    const { sent } = send({ body: '{"partial": true, "rows": [{"x": 0}, {"x": "a"}, {"x": 2}, {"x": 3}]}' });
    run([1, 2, 3, Number.NaN, 5, -0]);
    expect(sent[0]!.text).toMatch(/^{"predictions":\[\[1,2\],null,null,\[5,-0\]\],/);
    expect(sent[0]!.body.errors).toMatchObject([
      { row: 1, code: "schema_mismatch" },
      { row: 2, code: "model_output_invalid" },
    ]);
  });

  test("is the fallback's, all numbers of the row, where there is one", () => {
    const version = makeVersion({
      postprocessing: namedGraph(["low", "high"]),
      fallback: { kind: "constant", prediction: [-7, 7] },
    });
    const { send, run } = createHandPath([version]);
    const { sent } = send({ body: '{"rows": [{"x": 0}, {"x": 1}]}' });
    run([1, Number.NaN, 3, 4]);
    const predictions = [
      [-7, 7],
      [3, 4],
    ];
    expect(sent[0]!.body).toMatchObject({ predictions, fallback: { reason: "model_output_invalid", rows: [0] } });
  });
});
