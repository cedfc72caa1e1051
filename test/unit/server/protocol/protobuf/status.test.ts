/** Goal: an error over gRPC says in public types what was wrong and when to try again, within what clients take. */

import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { ServeError } from "../../../../../server/errors.js";
import { grpcErrorHeaders } from "../../../../../server/protocol/protobuf/status.js";
import { WireReader } from "../../../../../server/protocol/protobuf/wire.js";

interface Shown {
  readonly code: number;
  readonly message: string;
  readonly details: readonly (readonly [string, Buffer])[];
}

function read(headers: readonly string[]): Shown {
  const bytes = Buffer.from(headers[headers.indexOf("grpc-status-details-bin") + 1]!, "base64");
  const reader = new WireReader(bytes);
  let code = 0;
  let message = "";
  const details: [string, Buffer][] = [];
  while (reader.next()) {
    if (reader.field === 1) code = reader.readInteger();
    else if (reader.field === 2) message = reader.readText();
    else {
      const any = reader.readMessage();
      any.next();
      const type = any.readText();
      details.push([type.replace("type.googleapis.com/", ""), any.next() ? any.readBytes() : Buffer.alloc(0)]);
    }
  }
  return { code, message, details };
}

const issue = (row: number) => ({ row, feature: "price", expected: "a number", got: `"${"x".repeat(60)}"` });

test("the code, the bad fields and the time to wait", () => {
  const issues = [issue(0), { row: 2, feature: "", expected: "an object", got: "a list" }];
  const { code, message, details } = read(
    grpcErrorHeaders(new ServeError("schema_mismatch", "row 0 is bad", { issues }), { retryMs: 2500 }),
  );
  expect([code, message]).toEqual([3, "row 0 is bad"]);
  expect(details.map(([type]) => type)).toEqual([
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.RetryInfo",
  ]);
  const [info, badRequest, retry] = details.map(([, bytes]) => bytes);
  expect(info!.toString()).toMatch(/SCHEMA_MISMATCH.*plumb/s);
  expect(badRequest!.toString()).toMatch(/rows\[0\]\.price.*expected a number, got "x.*rows\[2\].*got a list/s);
  expect([...retry!]).toEqual([0x0a, 8, 0x08, 2, 0x10, ...varint(500_000_000)]);
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

test("many issues and a long text stay below what clients take of headers", () => {
  const issues = Array.from({ length: 100 }, (_, row) => issue(row));
  const headers = grpcErrorHeaders(new ServeError("schema_mismatch", "y".repeat(10_000), { issues }));
  expect(headers.join("").length).toBeLessThan(8192);
  const [, [, badRequest]] = read(headers).details as [unknown, [string, Buffer]];
  expect(badRequest.toString()).toMatch(/rows\[0\]/);
  expect(badRequest.length).toBeLessThan(1100);
});
