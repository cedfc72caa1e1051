/** Goal: on a listener that anybody reaches, an error repeats no value and names nothing that the server has. */

import { describe, expect, test } from "vitest";
import { type ErrorCode, errorTable, ServeError } from "../../../../server/errors.js";
import { limitErrors } from "../../../../server/protocol/limit-errors.js";
import { predictJson } from "../../../../server/protocol/predict-json/protocol.js";
import { typedProto } from "../../../../server/protocol/typed-proto/protocol.js";
import { makeCall } from "../../../support/calls.js";
import { createHandPath } from "../../../support/hand-path.js";
import { makeVersion } from "../../../support/versions.js";

const issue = { row: 3, feature: "age", expected: "a number", got: 'the string "n/a"' };
const mismatch = new ServeError("schema_mismatch", 'row 3, feature "age": expected a number, got "n/a"', {
  issues: [issue],
});
const refused = (error: ServeError, detail: "full" | "fields" | "codes") => {
  const { status, body } = limitErrors(predictJson, detail).refuse(error, "r1");
  return { status, ...JSON.parse(body.toString()).error };
};

test("full is the protocol itself", () => expect(limitErrors(predictJson, "full")).toBe(predictJson));

test("fields say which feature of which row, and what was expected", () => {
  expect(refused(mismatch, "fields")).toEqual({
    status: 422,
    code: "schema_mismatch",
    message: 'row 3, feature "age": expected a number',
    issues: [{ ...issue, got: "(hidden)" }],
    request_id: "r1",
  });
});

test("a protocol that names the model in its errors goes on to", () => {
  const { body } = limitErrors(typedProto, "fields").refuse(mismatch, "r1", "demand");
  expect(JSON.parse(body.toString()).details[0].type).toBe("plumb.models.demand.ErrorDetails");
});

test("codes say the code and what it means", () => {
  expect(refused(mismatch, "codes")).toMatchObject({ message: "a row breaks the bundle's schema", issues: [] });
});

describe.each(["fields", "codes"] as const)("by %s", (detail) => {
  test.each(Object.keys(errorTable) as ErrorCode[])("%s keeps its status and says nothing of its own", (code) => {
    const error = new ServeError(code, "there is no model: this server has secret", { allow: "POST", retryAfterMs: 5 });
    expect(refused(error, detail)).toMatchObject({
      status: errorTable[code].http,
      code,
      message: errorTable[code].meaning,
    });
  });

  test("rows of a partial answer hide their values too, whatever is logged", () => {
    const rig = createHandPath([makeVersion({ name: "tiny", number: 1 })], { defaultModel: "tiny" });
    const protocol = limitErrors(predictJson, detail);
    const { call, sent } = makeCall({ protocol, body: '{"partial": true, "rows": [{"x": "secret"}, {"x": 1}]}' });
    rig.path.predict(call);
    rig.run();
    expect(sent[0]!.body.errors).toMatchObject([{ row: 0, code: "schema_mismatch" }]);
    expect(sent[0]!.text).not.toContain("secret");
    expect(call.rowErrors![0]!.message).toContain("secret");
  });
});
