/**
 * Goal: a protocol of one's own, on the server's own path and listeners, gets the same bits for the same rows as
 * `/predict`, and its errors are its own, at its address alone.
 */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPath } from "../../server/path/predict.js";
import { ContentCoder } from "../../server/transport/content-coding.js";
import { createFailureAnswer } from "../../server/transport/failure.js";
import type { HttpListener } from "../../server/transport/http/transport.js";
import { createPublicRouter, plainProtocol, publicRoutes } from "../../server/transport/routes.js";
import { createHandPath, noScheduler } from "../support/hand-path.js";
import { members } from "../support/http-members.js";
import { makeVersion } from "../support/versions.js";
import { columnFile } from "./column-file.js";

const routes = [
  ...publicRoutes,
  { verb: "POST", address: "/models/{model}/columns", what: "predictions, by column", protocol: columnFile } as const,
];
const version = makeVersion({ rowsMax: 5000 });
const numbers = Float64Array.from({ length: 4000 }, (_, i) => (i % 7 === 0 ? -0 : Math.sin(i) * 1e3));

describe.each(members)("$build", ({ transport }) => {
  const { parts, registry, observed } = createHandPath([version]);
  let listener: HttpListener;
  let base: string;

  beforeEach(async () => {
    observed.length = 0;
    const path = createPath({
      ...parts,
      slices: {
        add: (work) =>
          void setImmediate(() => {
            while (work.next().done !== true);
          }),
      },
      scheduler: {
        ...noScheduler,
        submit(call) {
          call.raw = [Float32Array.from(call.blocks[0]!)];
          call.onRun(call);
        },
      },
    });
    const health = { isReady: () => true, stuckWorkers: () => 0 };
    const index = { html: () => "", json: () => "" };
    const needs = {
      path,
      now: parts.now,
      registry,
      nextRequestId: () => "made-1",
      coder: new ContentCoder(1_000_000),
      retryAfterS: () => 1,
      statistics: { of: () => undefined },
      health,
      index,
      openApi: { text: () => Promise.reject(new Error("not asked for here")) },
      repositoryControl: false,
      perform: () => Promise.reject(new Error("not asked for here")),
      feedback: async () => [],
      onAnswerError: () => {},
    };
    const router = createPublicRouter(needs, routes);
    const answerFailure = createFailureAnswer(
      { event: () => {} },
      { onRefusal: () => {} },
      needs.nextRequestId,
      (path) => router.protocolAt(path) ?? plainProtocol,
    );
    listener = await transport.listen({
      name: "test",
      host: "127.0.0.1",
      port: 0,
      receivingBytesMax: 2 ** 20,
      headers: router.headers,
      handle: (exchange) => router.handle(exchange),
      onFailure: answerFailure,
      onForeignProtocol: () => {},
    });
    base = `http://127.0.0.1:${listener.port}/models/tiny`;
  });
  afterEach(() => listener.close(0, 1000));

  async function askColumns(text: object, values: Float64Array, headers: Record<string, string> = {}) {
    const head = Buffer.from(JSON.stringify(text));
    const response = await fetch(`${base}/columns`, {
      method: "POST",
      body: Buffer.concat([head, Buffer.from(values.buffer)]),
      headers: { "content-type": "application/x-column-file", "x-text-bytes": String(head.length), ...headers },
    });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  test.each([1, 300, 4000])("%i rows get the bits that /predict gives", async (rowCount) => {
    const x = numbers.slice(0, rowCount);
    const columns = await askColumns({ rows: rowCount, columns: [{ name: "x" }] }, x, { "x-request-id": "mine" });
    const rows = `{"rows":[${Array.from(x, (value) => `{"x":${Object.is(value, -0) ? "-0" : value}}`).join(",")}]}`;
    const init = { method: "POST", body: rows, headers: { "content-type": "application/json" } };
    const { predictions } = (await (await fetch(`${base}/predict`, init)).json()) as { predictions: number[] };

    const { headers, status } = columns.response;
    expect([status, headers.get("content-type"), headers.get("x-request-id")]).toEqual([
      200,
      "application/x-column-file",
      "mine",
    ]);
    const answer = JSON.parse(columns.bytes.subarray(0, Number(headers.get("x-text-bytes"))).toString());
    const bitsOf = (value: number) => Buffer.from(Float64Array.of(value).buffer).toString("hex");
    expect(answer.predictions.map(({ float64 }: { float64: string }) => float64)).toEqual(predictions.map(bitsOf));
    expect(answer).toMatchObject({ model: "tiny", version: 1, requestId: "mine" });
    expect(observed.map(({ protocol, rowCount }) => [protocol.name, rowCount])).toEqual([
      ["column-file", rowCount],
      ["predict-json", rowCount],
    ]);
  });

  test("an error is the protocol's, also one of the listener's at its address", async () => {
    const bad = await askColumns({ rows: 1, columns: [] }, new Float64Array(0));
    expect([bad.response.status, bad.response.headers.get("content-type")]).toEqual([422, "text/plain"]);
    expect(bad.bytes.toString()).toBe('schema_mismatch made-1 row 0, feature "x": expected a number, got nothing');
    const got = await fetch(`${base}/columns`);
    expect([got.status, got.headers.get("allow"), await got.text()]).toEqual([
      405,
      "POST",
      "method_not_allowed made-1 GET isn't served here: expected POST",
    ]);
    expect(((await (await fetch(`${base}/column`)).json()) as { error: object }).error).toMatchObject({
      code: "route_not_found",
    });
  });

  test("the shorter one of the caller's two times counts", async () => {
    const text = { rows: 1, columns: [{ name: "x" }], timeoutMs: 40 };
    for (const header of ["9", "9000"]) await askColumns(text, Float64Array.of(1), { "x-timeout-ms": header });
    expect(observed.map(({ arrivedMs, deadlineMs }) => Math.round(deadlineMs - arrivedMs))).toEqual([9, 40]);
  });
});
