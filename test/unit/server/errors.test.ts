/** Goal: whatever is thrown reaches a caller as an error of the table, and what caused it reaches only the log. */

import { expect, test } from "vitest";
import { type ErrorCode, errorTable, ServeError } from "../../../server/errors.js";

test.each(Object.entries(errorTable))(
  "%s has a status of its kind, and says retry only where that may help",
  (code, { http, retry, meaning }) => {
    const error = new ServeError(code as ErrorCode, "message");
    expect(error).toMatchObject({ status: http, retry, message: "message", name: "ServeError" });
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
    if (retry) expect([503, 504]).toContain(http);
    expect(meaning).not.toBe("");
  },
);

test("an error of the table stays as it is", () => {
  const error = new ServeError("overloaded", "too many");
  expect(ServeError.from(error)).toBe(error);
});

test.each([new TypeError("x is not a function"), "a string", undefined, null, { code: 5 }])(
  "anything else (%s) is internal, with its cause kept",
  (thrown) => {
    const error = ServeError.from(thrown);
    expect(error.code).toBe("internal");
    if (thrown !== undefined) expect(error.cause).toBe(thrown);
    expect(error.message).not.toContain("function");
  },
);
