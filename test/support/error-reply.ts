/** The form of an error's reply. */

import { expect } from "vitest";
import type { RawReply } from "./raw-connection.js";

/** @returns The issues that it lists. */
export function expectError(
  reply: RawReply,
  status: number,
  code: string,
): { row: number; feature: string; expected: string; got: string }[] {
  expect(reply.status).toBe(status);
  expect(reply.headers.get("content-type")).toBe("application/json");
  expect(Object.keys(reply.json)).toEqual(["error"]);
  expect(Object.keys(reply.json.error)).toEqual(["code", "message", "issues", "request_id"]);
  const { error } = reply.json;
  expect(error).toMatchObject({
    code,
    message: expect.stringMatching(/./),
    request_id: reply.headers.get("x-request-id"),
  });
  expect(reply.headers.has("retry-after")).toBe(
    code === "overloaded" || code === "deadline_exceeded" || code === "not_ready",
  );
  for (const issue of error.issues) {
    expect(issue).toEqual({
      row: expect.any(Number),
      feature: expect.any(String),
      expected: expect.any(String),
      got: expect.any(String),
    });
  }
  return error.issues;
}
