/**
 * Goal: what callers make up costs a reply, and leaves nothing behind; what they may ask for is found by its address
 * and query.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { ContentCoder } from "../../../../server/transport/content-coding.js";
import type { BodyReceiver } from "../../../../server/transport/http/body-receiver.js";
import type { Exchange } from "../../../../server/transport/http/transport.js";
import { createPublicRouter, publicRoutesOf } from "../../../../server/transport/routes.js";
import { IndexAnswers } from "../../../../server/transport/server-index.js";
import { createHandPath } from "../../../support/hand-path.js";
import { makeVersion } from "../../../support/versions.js";

interface Asked {
  readonly path: string;
  readonly query?: string;
  readonly method?: string;
  readonly headers?: Partial<
    Record<"contentType" | "contentEncoding" | "tracestateHeader" | "traceparentHeader" | "accept", string>
  >;
}

interface Answered {
  readonly status: number;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the answer as a caller reads it.
  readonly json: any;
  readonly text: string;
  readonly headers: readonly string[];
}

function createRig() {
  const one = makeVersion({ name: "tiny", number: 1 });
  const two = makeVersion({ name: "tiny", number: 2 });
  const rig = createHandPath([one, two], { defaultModel: "tiny" });
  const isReady = () => true;
  const router = createPublicRouter({
    path: rig.path,
    now: rig.parts.now,
    registry: rig.registry,
    nextRequestId: () => "made-1",
    coder: new ContentCoder(1_000_000),
    retryAfterS: () => 1,
    statistics: { of: () => undefined },
    health: { isReady, stuckWorkers: () => 0 },
    index: new IndexAnswers(rig.registry, isReady, "0.0.0", () => "http://127.0.0.1:1"),
    openApi: { text: () => Promise.reject(new Error("not asked for here")) },
    repositoryControl: false,
    perform: () => Promise.reject(new Error("not asked for here")),
    feedback: async () => [],
    onAnswerError: () => {},
  });

  /** @returns What was answered, also by a throw, which the listener answers. */
  function ask({ path, query = "", method = "POST", headers = {} }: Asked): Answered {
    let answered: Answered | undefined;
    const exchange = {
      path,
      query,
      method,
      accept: "",
      contentType: "application/json",
      contentLength: 8,
      contentEncoding: "",
      requestIdHeader: "",
      traceparentHeader: "",
      tracestateHeader: "",
      timeoutHeader: "",
      ...headers,
      readBody: (_bytesMax: number, receiver: BodyReceiver) => receiver.onBody(Buffer.from('{"x": 7}'), true),
      send: (status: number, type: string, body: string, sent: readonly string[] = []) => {
        answered = {
          status,
          type,
          text: body,
          json: type === "application/json" ? JSON.parse(body) : undefined,
          headers: sent,
        };
      },
    };
    try {
      router.handle(exchange as unknown as Exchange);
      if (rig.submitted.length > 0) rig.run();
    } catch (error) {
      const { status, code, message } = error as ServeError;
      if (!(error instanceof ServeError)) throw error;
      return { status, type: "", text: message, json: { error: { code, message } }, headers: [] };
    }
    return answered!;
  }

  return { ...rig, ask };
}

describe("a version", () => {
  test.each([
    ["/predict", "", 2],
    ["/predict", "version=1", 1],
    ["/models/tiny/predict", "version=1", 1],
    ["/models/tiny/predict", "from=proxy&version=2&x", 2],
    ["/models/tiny/predict", "from=proxy&v=1", 2],
    ["/models/tiny/versions/1/predict", "", 1],
    ["/models/tiny/versions/1/predict", "version=1", 1],
  ])("%s?%s: %i", (path, query, version) => {
    expect(createRig().ask({ path, query }).json).toMatchObject({ prediction: 7, model: "tiny", version });
  });

  test.each([
    ["/predict", "version=9", 404, "model_not_found"],
    ["/predict", "version=", 404, "model_not_found"],
    ["/predict", "version=1&version=2", 400, "invalid_request"],
    ["/models/tiny/versions/1/predict", "version=2", 400, "invalid_request"],
  ])("%s?%s: %i %s", (path, query, status, code) => {
    expect(createRig().ask({ path, query })).toMatchObject({ status, json: { error: { code } } });
  });

  test("asked for by one caller isn't another's", () => {
    const { ask } = createRig();
    expect(ask({ path: "/predict", query: "version=1" }).json.version).toBe(1);
    expect(ask({ path: "/predict" }).json.version).toBe(2);
  });
});

test.each(["identity", "Identity", "IDENTITY", ""])("the content encoding %j is none", (contentEncoding) => {
  expect(createRig().ask({ path: "/predict", headers: { contentEncoding } }).status).toBe(200);
});

describe("what a caller names", () => {
  const long = (length: number) => "n".repeat(length);

  test.each<[string, Asked, number]>([
    ["a model", { path: `/models/${long(400)}/predict` }, 404],
    ["a model, far too long", { path: `/models/${long(120_000)}/predict` }, 404],
    ["a version", { path: `/models/tiny/versions/${"9".repeat(400)}/predict` }, 404],
    ["a version in the query", { path: "/predict", query: `version=${"9".repeat(16_000)}` }, 404],
    ["a model to describe", { path: `/models/${long(400)}`, method: "GET" }, 404],
    ["an address", { path: `/${long(400)}`, method: "GET" }, 404],
    ["a verb", { path: "/nowhere", method: long(10_000) }, 404],
    ["a verb where another belongs", { path: "/predict", method: long(10_000) }, 405],
    ["bytes that are no UTF-8", { path: `/models/%ff${long(400)}/predict` }, 400],
    ["characters that are escaped", { path: `/models/${"%01".repeat(150)}/predict` }, 404],
    ["a content type", { path: "/predict", headers: { contentType: long(16_000) } }, 415],
    ["a content encoding", { path: "/predict", headers: { contentEncoding: long(16_000) } }, 415],
  ])("%s, is repeated in part", (_, asked, status) => {
    const answered = createRig().ask(asked);
    expect(answered.status).toBe(status);
    expect(answered.json.error.message.length).toBeLessThan(600);
  });

  test("stands in part in the record that is logged", () => {
    const { ask, observed } = createRig();
    ask({ path: `/models/${long(300)}/versions/${"9".repeat(100)}/predict` });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    ask({ path: "/predict", headers: { traceparentHeader: traceparent, tracestateHeader: `a=1,${long(16_000)}` } });
    const [unknown, traced] = observed;
    expect([unknown!.modelName, unknown!.versionName]).toEqual([`${long(69)}…`, `${"9".repeat(69)}…`]);
    expect(traced!.tracestate).toBe("a=1");
  });

  test("leaves the heap as it was, however many addresses are made up", () => {
    setFlagsFromString("--expose_gc");
    const collect = runInNewContext("gc") as () => void;
    const { ask, observed } = createRig();
    const flood = (from: number, count: number, size: number) => {
      for (let i = from; i < from + count; i++) {
        // Read anew from bytes, as from a socket.
        const name = Buffer.from(`m${i}${"a".repeat(size)}`).toString("latin1");
        ask({ path: `/models/${name}/predict` });
        ask({ path: `/models/${name}`, method: "GET" });
      }
      // The rig's own, which no server keeps.
      observed.length = 0;
    };
    flood(0, 1_500, 400);
    collect();
    const before = process.memoryUsage().heapUsed;
    flood(1_500, 1_500, 400);
    flood(3_000, 3_000, 14_000);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 * 1_048_576);
  });
});

describe("addresses that are set", () => {
  const named = (settings: Partial<Parameters<typeof publicRoutesOf>[0]>) =>
    publicRoutesOf({ errors: "full", ...settings }).map(({ verb, address }) => `${verb} ${address}`);

  test("stand before the others", () => {
    expect(named({ predictRoute: "/p", healthRoute: "/h" }).slice(0, 2)).toEqual(["POST /p", "GET /h"]);
  });

  test("take the place of one that is there", () => {
    const routes = publicRoutesOf({ errors: "full", predictRoute: "/predict", healthRoute: "/predict" });
    const found = routes.filter(({ address }) => address === "/predict");
    expect(found.map(({ verb, protocol }) => [verb, protocol?.name])).toEqual([
      ["POST", "kserve-v1"],
      ["GET", undefined],
    ]);
    expect(routes).toHaveLength(named({}).length + 1);
  });
});
