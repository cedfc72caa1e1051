/** Goal: a version's statistics are those that Triton would have counted. */

import { beforeEach, describe, expect, test } from "vitest";
import { Statistics } from "../../../../server/observe/statistics.js";
import type { PredictionCache } from "../../../../server/path/cache.js";
import { modelStatistics } from "../../../../server/protocol/open-inference/statistics.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { describeStatistics } from "../../../../server/transport/model-statistics.js";
import { Registry } from "../../../../server/versions/registry.js";
import { makeRecord } from "../../../support/records.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion({ name: "demand", number: 3 });
let statistics: Statistics;
let wallMs: number;

beforeEach(() => {
  wallMs = 1000;
  statistics = new Statistics(() => wallMs);
  statistics.addVersion(version);
});

const read = () => modelStatistics(version, statistics.of(version)!);
const none = { count: 0, ns: 0 };
const took = (count: number, ms: number) => ({ count, ns: count * ms * 1e6 });

test("before the first call there is nothing but zero", () => {
  expect(read()).toEqual({
    name: "demand",
    version: "3",
    last_inference: 0,
    inference_count: 0,
    execution_count: 0,
    inference_stats: {
      success: none,
      fail: none,
      queue: none,
      compute_input: none,
      compute_infer: none,
      compute_output: none,
      cache_hit: none,
      cache_miss: none,
    },
    response_stats: {},
    batch_stats: [],
    memory_usage: [],
  });
});

test("calls count with their rows and times, batches by their size", () => {
  for (const rows of [2, 3]) {
    const call = makeRecord({ version, rows });
    call.batchRows = 5;
    statistics.onCall(call);
  }
  statistics.observeBatch(version, 5, 6000);
  wallMs = 2000;
  statistics.observeBatch(version, 1, 500);
  expect(read()).toMatchObject({
    last_inference: 2000,
    inference_count: 5,
    execution_count: 2,
    inference_stats: {
      success: took(2, 36),
      fail: none,
      queue: took(2, 5),
      compute_input: took(2, 9),
      compute_infer: took(2, 6),
      compute_output: took(2, 15),
    },
    batch_stats: [
      { batch_size: 1, compute_input: took(1, 0), compute_infer: took(1, 0.5), compute_output: took(1, 0) },
      { batch_size: 5, compute_input: took(1, 18), compute_infer: took(1, 6), compute_output: took(1, 30) },
    ],
  });
});

describe("a call that the model didn't run for", () => {
  test("is a failure, if it has no answer, with its time alone", () => {
    statistics.onCall(makeRecord({ version, error: "model_failed" }));
    statistics.onCall(makeRecord({ version, abandoned: true }));
    const { inference_count, inference_stats } = read();
    expect(inference_count).toBe(0);
    expect(inference_stats).toMatchObject({ success: none, fail: took(2, 10), queue: none, compute_infer: none });
  });

  test.each<[string, (call: ReturnType<typeof makeRecord>) => void]>([
    ["whose fallback answered", (call) => (call.fellBack = true)],
    ["of a partial request without a good row", (call) => (call.rowCount = 0)],
    ["that the cache knew", (call) => (call.cached = true)],
  ])("is a success %s, and not computed", (_, change) => {
    const call = makeRecord({ version, rows: 2 });
    change(call);
    statistics.onCall(call);
    const { inference_count, inference_stats } = read();
    expect(inference_count).toBe(0);
    expect(inference_stats).toMatchObject({ success: took(1, 36), queue: took(1, 0), compute_infer: none });
    expect(inference_stats.cache_hit.count).toBe(call.cached ? 1 : 0);
  });
});

test("a computed call of a version with a cache is a miss", () => {
  const cached = makeVersion({ name: "cached" });
  cached.cache = {} as PredictionCache;
  statistics.addVersion(cached);
  statistics.onCall(makeRecord({ version: cached }));
  statistics.onCall(makeRecord({ version }));
  expect(modelStatistics(cached, statistics.of(cached)!).inference_stats.cache_miss.count).toBe(1);
  expect(read().inference_stats.cache_miss.count).toBe(0);
});

test("calls with a block count for the version, and its view shows the same", () => {
  const call = makeRecord({ version });
  call.version = version.blockView;
  statistics.onCall(call);
  expect(read().inference_stats.success.count).toBe(1);
  expect(modelStatistics(version.blockView, statistics.of(version.blockView)!)).toEqual({
    ...read(),
    name: "demand.onnx",
  });
});

test("a version that is gone isn't counted", () => {
  statistics.removeVersion(version);
  statistics.onCall(makeRecord({ version }));
  statistics.observeBatch(version, 1, 1);
  expect(statistics.of(version)).toBeUndefined();
});

describe("who is asked for", () => {
  const versions = [
    version,
    makeVersion({ name: "demand", number: 4 }),
    makeVersion({ name: "demand", number: 5, state: "proving" }),
    makeVersion({ name: "spam" }),
  ];
  const registry = new Registry(undefined, newestReady);
  for (const each of versions) registry.add(each);
  const asked = (modelName?: string, versionName?: string) => {
    for (const each of versions) statistics.addVersion(each);
    const { model_stats } = describeStatistics({ registry, statistics }, modelName, versionName);
    return model_stats.map(({ name, version }) => `${name}/${version}`).sort();
  };

  test("is all that serve, those of a model, or one", () => {
    expect(asked()).toEqual(["demand/3", "demand/4", "spam/1"]);
    expect(asked("demand")).toEqual(["demand/3", "demand/4"]);
    expect(asked("demand", "3")).toEqual(["demand/3"]);
    expect(asked("demand.onnx")).toEqual(["demand.onnx/3", "demand.onnx/4"]);
    expect(asked("demand.onnx", "4")).toEqual(["demand.onnx/4"]);
  });

  test("has to be there", () => {
    expect(() => asked("none")).toThrow('there is no model "none"');
    expect(() => asked("demand", "5")).toThrow(/is proving/);
  });
});
