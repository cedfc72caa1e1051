/**
 * Goal: a row that comes again is answered without a run, within the bytes that were given; and only what the model
 * answered is kept.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { PredictionCache } from "../../../../server/path/cache.js";
import type { Servable } from "../../../../server/versions/servable.js";
import { createHandPath } from "../../../support/hand-path.js";
import { binaryGraph, makeVersion, namedGraph, type VersionOptions } from "../../../support/versions.js";

function makeCached(options: VersionOptions = {}, bytesMax = 1_000_000): Servable & { cache: PredictionCache } {
  const version = makeVersion(options);
  version.cache = new PredictionCache(version.contract, bytesMax);
  return version as Servable & { cache: PredictionCache };
}

describe("a row that comes again", () => {
  test("is answered at once, with the same bytes, in whatever order its features stand", () => {
    const version = makeCached({
      schema: {
        type: "object",
        properties: { x: { type: "number" }, note: { type: ["string", "null"] } },
        required: ["x"],
        additionalProperties: false,
      },
    });
    const rig = createHandPath([version]);
    const first = rig.send({ body: '{"x": 1.5, "note": null}' });
    rig.run([42]);
    for (const body of ['{"x": 1.5, "note": null}', '{"note": null, "x": 15e-1}', '{"x":1.5}']) {
      const again = rig.send({ body });
      expect(again.sent).toMatchObject([{ status: 200, text: first.sent[0]!.text }]);
      expect(again.call).toMatchObject({ cached: true, finished: true });
    }
    expect([version.cache.hits, version.cache.misses, version.cache.entries]).toEqual([3, 1, 1]);
    expect([rig.submitted.length, rig.admission.calls, rig.observed.length]).toEqual([0, 0, 4]);
  });

  test("is one of several: all of them must be known", () => {
    const version = makeCached({ postprocessing: binaryGraph(["ham", "spam"]), task: "classification" });
    const rig = createHandPath([version]);
    const first = rig.send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    rig.run([-1, 1]);
    expect(rig.send({ body: '{"rows": [{"x": 2}, {"x": 3}]}' }).sent).toEqual([]);
    rig.run([1, 3]);
    expect(rig.send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' }).sent).toMatchObject([{ text: first.sent[0]!.text }]);
    const [reversed] = rig.send({ body: '{"rows": [{"x": 3}, {"x": 1}]}' }).sent;
    expect(reversed!.body.predictions).toEqual(["spam", "ham"]);
    expect(reversed!.body.probabilities[1]).toEqual(first.sent[0]!.body.probabilities[0]);
    expect([version.cache.hits, version.cache.misses]).toEqual([2, 2]);
  });

  test("has each of its numbers again, and room for them is counted", () => {
    const version = makeCached({ postprocessing: namedGraph(["low", "middle", "high"]) });
    const rig = createHandPath([version]);
    rig.send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    rig.run([1, 2, 3, 4, -0, 6]);
    expect(rig.send({ body: '{"rows": [{"x": 2}, {"x": 1}]}' }).sent).toMatchObject([
      { text: '{"predictions":[[4,-0,6],[1,2,3]],"model":"tiny","version":1,"request_id":"r1"}' },
    ]);
    const plain = makeCached();
    const single = createHandPath([plain]);
    single.send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    single.run();
    expect(version.cache.bytes - plain.cache.bytes).toBe(2 * (48 + 3 * 8));
  });

  test("among bad ones of a partial request is known too", () => {
    const version = makeCached();
    const rig = createHandPath([version]);
    rig.send({ body: '{"x": 4}' });
    rig.run([40]);
    const { sent } = rig.send({ body: '{"partial": true, "rows": [{"x": "a"}, {"x": 4}]}' });
    expect(sent[0]!.body).toMatchObject({ predictions: [null, 40], errors: [{ row: 0 }] });
  });
});

describe("nothing is kept of", () => {
  test.each<[string, VersionOptions, (rig: ReturnType<typeof createHandPath>) => void]>([
    ["a fallback's answer", { fallback: { kind: "constant", prediction: 1 } }, (rig) => rig.run([Number.NaN])],
    ["an answer that isn't one", {}, (rig) => rig.run([Number.NaN])],
    ["a row that the model failed on", {}, (rig) => rig.run([1], [0])],
  ])("%s", (_, options, run) => {
    const version = makeCached(options);
    const rig = createHandPath([version]);
    rig.send({ body: '{"x": 1}' });
    run(rig);
    expect(version.cache.entries).toBe(0);
    rig.send({ body: '{"x": 1}' });
    expect(rig.submitted).toHaveLength(1);
  });

  test("a partial request that wasn't answered in full", () => {
    const version = makeCached();
    const rig = createHandPath([version]);
    rig.send({ body: '{"partial": true, "rows": [{"x": 1}, {"x": 2}]}' });
    rig.run([1, Number.NaN]);
    expect(version.cache.entries).toBe(0);
  });

  test("a call that takes its steps in slices", () => {
    const version = makeCached();
    const rig = createHandPath([version]);
    const body = JSON.stringify({ rows: Array.from({ length: 5000 }, () => ({ x: 1 })) });
    rig.send({ body });
    while (rig.submitted.length === 0) rig.turns.turn();
    rig.run();
    rig.turns.untilQuiet();
    expect([version.cache.entries, version.cache.hits, version.cache.misses]).toEqual([0, 0, 0]);
  });
});

describe("the bytes that were given", () => {
  test("are kept to: what wasn't asked for longest goes first", () => {
    const version = makeCached({}, 2500);
    const rig = createHandPath([version]);
    const ask = (x: number) => {
      const { sent } = rig.send({ body: `{"x": ${x}}` });
      if (sent.length === 0) rig.run([x]);
    };
    for (let x = 0; x < 11; x++) ask(x);
    expect(version.cache.entries).toBe(11);
    ask(0);
    ask(11);
    expect(version.cache.bytes).toBeLessThanOrEqual(2500);
    const hitsBefore = version.cache.hits;
    ask(0);
    expect(version.cache.hits).toBe(hitsBefore + 1);
    ask(1);
    expect(version.cache.hits).toBe(hitsBefore + 1);
  });

  test("are what the entries take, within a half", () => {
    const count = 20_000;
    const schema = {
      type: "object",
      properties: {} as Record<string, object>,
      required: [] as string[],
      additionalProperties: false,
    };
    for (let i = 0; i < 30; i++) schema.properties[`x${i}`] = { type: "number" };
    const version = makeCached(
      { schema, postprocessing: binaryGraph(["a", "b"]), task: "classification", preprocessing: thirtyNumbers },
      1e12,
    );
    const { cache } = version;
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    const before = process.memoryUsage();
    for (let i = 0; i < count; i++) {
      const call = {
        goodRows: [Object.fromEntries(Array.from({ length: 30 }, (_, k) => [`x${k}`, Math.random()]))],
      } as never;
      cache.find(call);
      cache.keep(call, { predictions: ["a"], probabilities: Float64Array.of(Math.random(), 0.5) });
    }
    expect(cache.entries).toBe(count);
    expect(cache.bytes / count).toBeGreaterThan(30 * 8);
    collect();
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.external - before.heapUsed - before.external;
    expect(cache.bytes / grown).toBeGreaterThan(2 / 3);
    expect(cache.bytes / grown).toBeLessThan(3 / 2);
  });
});

const thirtyNumbers = {
  format: "plumb-graph/1",
  inputs: Array.from({ length: 30 }, (_, i) => ({ name: `x${i}`, type: "number" })),
  nodes: [{ id: "n1", op: "passthrough", inputs: Array.from({ length: 30 }, (_, i) => `x${i}`), params: {} }],
  outputs: [{ name: "X", dtype: "float32", shape: ["rows", 30], from: ["n1"] }],
};
