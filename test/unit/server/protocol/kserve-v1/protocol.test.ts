/** Goal: rows in any form that KServe's and TensorFlow Serving's callers send are the rows that `/predict` would get. */

import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../../server/errors.js";
import { kserveV1 } from "../../../../../server/protocol/kserve-v1/protocol.js";
import { describeStatus } from "../../../../../server/protocol/kserve-v1/status.js";
import { makeContract } from "../../../../support/open-inference.js";
import { decodeTable } from "../../../../support/table-requests.js";

const three = makeContract({
  properties: { price: { type: "number" }, count: { type: ["integer", "null"] }, city: { type: "string" } },
  required: ["price", "count"],
  labels: ["no", "yes"],
  hasProbabilities: true,
  rowsMax: 3,
});
const decode = (body: unknown, contract = three) => decodeTable(kserveV1, contract, body);
const rowsOf = (body: unknown, contract = three) => {
  const decoded = decode(body, contract);
  return typeof decoded === "string" ? decoded : decoded.rows;
};

describe("instances", () => {
  test("are objects, or lists of values in the order of the schema, with null for what is missing", () => {
    expect(rowsOf({ instances: [{ price: 1 }, [2, 3, "Graz"], [-0, null, null]] })).toEqual([
      { price: 1 },
      { price: 2, count: 3, city: "Graz" },
      { price: -0, count: null },
    ]);
  });

  test("of a model of one feature may be its values", () => {
    const one = makeContract({ properties: { x: { type: "number" } }, required: ["x"] });
    expect(rowsOf({ instances: [1.5, [2], { x: 3 }, null] }, one)).toEqual([
      { x: 1.5 },
      { x: 2 },
      { x: 3 },
      { x: null },
    ]);
    const list = makeContract({ properties: { x: { type: "array", items: { type: "number" } } }, required: ["x"] });
    expect(rowsOf({ instances: [[1, 2], [[3]], [4], []] }, list)).toEqual([
      { x: [1, 2] },
      { x: [3] },
      { x: [4] },
      { x: [] },
    ]);
  });

  test.each<[unknown, string]>([
    [
      { instances: [[1, 2]] },
      'schema_mismatch: "instances", row 0: expected 3 values, in the order "price", "count" and "city", got 2',
    ],
    [{ instances: [] }, 'schema_mismatch: "instances": expected 1 to 3 rows, got an empty list'],
    [{ instances: [1, 2, 3, 4] }, 'too_many_rows: "instances": expected 1 to 3 rows, got 4'],
    [{ instances: { price: 1 } }, 'malformed_body: "instances": expected a list of rows, got an object'],
    [{}, 'malformed_body: the body: expected either "instances" or "inputs", got neither of them'],
    [{ instances: [1], inputs: [1] }, 'malformed_body: the body: expected either "instances" or "inputs", got both'],
    [[1], 'malformed_body: the body: expected {"instances": [...]}, got a list'],
    [
      { instances: [1], signature_name: "train" },
      'invalid_request: "signature_name": expected "serving_default" or none, got "train"',
    ],
    [{ instances: [1], parameters: 5 }, 'malformed_body: "parameters": expected an object, got a number'],
    [
      { instances: [1], parameters: { confidenceThreshold: 0.5 } },
      'invalid_request: "parameters": expected "fields" or "partial", got "confidenceThreshold"',
    ],
  ])("%j: %s", (body, words) => expect(decode(body)).toBe(words));

  test("what isn't a row is left to the schema", () => {
    expect(rowsOf({ instances: [5, "x", null] })).toEqual([5, "x", null]);
  });

  test("members that nobody here knows are let be, and any content type is taken", () => {
    const body = { id: 7, instances: [{ price: 1 }], signature_name: "serving_default" };
    expect(rowsOf(body)).toEqual([{ price: 1 }]);
    expect(decodeTable(kserveV1, three, body, "application/x-www-form-urlencoded")).toMatchObject({
      rows: [{ price: 1 }],
    });
  });

  test("may ask for fields, and for the good rows", () => {
    expect(decode({ instances: [[1, 2, "x"]], parameters: { partial: true, fields: ["top:1"] } })).toMatchObject({
      request: { partial: true, fields: { prediction: false, classes: undefined, top: 1 }, answersKey: "predictions" },
    });
  });
});

describe("inputs", () => {
  test("are columns, a value or a list of one a row, and stay columns", () => {
    expect(rowsOf({ inputs: { price: [1, [2]], count: [null, 3], city: ["Graz", null] } })).toEqual({
      columns: { price: Float64Array.of(1, 2), count: Float64Array.of(Number.NaN, 3), city: ["Graz", null] },
    });
  });

  test("of other types become rows, so that the schema says what is wrong with them", () => {
    expect(rowsOf({ inputs: { price: [1, "n/a"], count: [null, 3], city: [null, "Linz"] } })).toEqual([
      { price: 1, count: null },
      { price: "n/a", count: 3, city: "Linz" },
    ]);
  });

  test("may be rows", () => {
    expect(rowsOf({ inputs: [[1, 2, "Graz"]] })).toEqual([{ price: 1, count: 2, city: "Graz" }]);
  });

  test("are answered as TensorFlow Serving answers columns", () => {
    expect(decode({ inputs: { price: [1] } })).toMatchObject({ request: { answersKey: "outputs" } });
  });

  test.each<[unknown, string]>([
    [
      { prize: [1] },
      'schema_mismatch: "inputs": expected the names of features, "price", "count" and "city", got "prize"',
    ],
    [{ price: 1 }, 'malformed_body: "inputs", "price": expected a list with a value for each row, got a number'],
    [{ price: [1], count: [1, 2] }, 'malformed_body: "inputs", "count": expected 1 values, as "price" has, got 2'],
    [{}, 'schema_mismatch: "inputs": expected 1 to 3 rows, got an empty list'],
    [{ price: [1, 2, 3, 4] }, 'too_many_rows: "inputs": expected 1 to 3 rows, got 4'],
  ])("%j: %s", (inputs, words) => expect(decode({ inputs })).toBe(words));
});

test("an error has one status for whatever is wrong with a request", () => {
  const statusOf = (code: ConstructorParameters<typeof ServeError>[0]) =>
    kserveV1.refuse(new ServeError(code, "words"), "r1").status;
  expect([statusOf("schema_mismatch"), statusOf("model_not_found"), statusOf("overloaded")]).toEqual([400, 404, 503]);
});

test("a model's state is said as KServe and as TensorFlow Serving say it", () => {
  const status = describeStatus("demand", true, [
    { number: 3, state: "proving" },
    { number: 2, state: "ready" },
    { number: 1, state: "failed", reason: "refused: a hash" },
  ]);
  const ok = { error_code: "OK", error_message: "" };
  expect(status).toEqual({
    name: "demand",
    ready: true,
    model_version_status: [
      { version: "3", state: "LOADING", status: ok },
      { version: "2", state: "AVAILABLE", status: ok },
      { version: "1", state: "END", status: { error_code: "UNAVAILABLE", error_message: "refused: a hash" } },
    ],
  });
});
