/**
 * Goal: a version's states change only along the listed transitions, and it carries what a call needs of its bundle.
 */

import { describe, expect, test } from "vitest";
import type { EngineName } from "../../../../server/inference/engines.js";
import { predictJson } from "../../../../server/protocol/predict-json/protocol.js";
import type { VersionState } from "../../../../server/versions/version.js";
import { binaryGraph, makeVersion } from "../../../support/versions.js";

const states: readonly VersionState[] = ["loading", "proving", "ready", "draining", "closed", "failed"];
const allowed: readonly string[] = [
  "loading -> proving",
  "loading -> failed",
  "proving -> ready",
  "proving -> failed",
  "ready -> draining",
  "draining -> closed",
];

describe.each(states)("a version that is %s", (from) => {
  test.each(states)("becomes %s only if that is listed", (to) => {
    const version = makeVersion({ state: from });
    if (allowed.includes(`${from} -> ${to}`)) {
      version.become(to);
      expect(version.state).toBe(to);
    } else {
      expect(() => version.become(to)).toThrow(`version tiny/1 can't go from ${from} to ${to}`);
      expect(version.state).toBe(from);
    }
  });
});

test.each<[string, readonly EngineName[], string | undefined]>([
  ["none that was chosen", [], undefined],
  ["one", ["tree"], "tree"],
  ["one for all its models", ["onnxruntime", "onnxruntime"], "onnxruntime"],
  ["several", ["tree", "onnxruntime", "tree"], "mixed"],
])("a version whose models run on %s says so", (_, engines, told) => {
  const version = makeVersion();
  version.engines = engines.map((engine, i) => ({ model: `m${i}`, engine, reason: undefined, differed: false }));
  expect(version.engine).toBe(told);
});

test("a version that fails says why", () => {
  const version = makeVersion({ state: "proving" });
  version.fail(["golden.jsonl line 3: expected 1, got 2"]);
  expect(version.state).toBe("failed");
  expect(version.problems).toEqual(["golden.jsonl line 3: expected 1, got 2"]);
});

test("one that serves can't fail any more", () => {
  const version = makeVersion();
  expect(() => version.fail(["too late"])).toThrow("can't go from ready to failed");
  expect([version.state, version.problems]).toEqual(["ready", []]);
});

test("a version knows its names, limits and the form of its answers", () => {
  const version = makeVersion({
    name: "spam",
    number: 7,
    rowsMax: 3,
    sloMs: 50,
    postprocessing: binaryGraph(["ham", "spam"]),
  });
  expect(version).toMatchObject({ name: "spam", number: 7, key: "spam/7", sloMs: 50, predictionDtype: "float32" });
  expect(version.bodyLimits).toEqual({
    bodyBytesMax: 1_048_576,
    decode: { rowsMax: 3, containersMax: 5, membersMax: 1001 },
  });
  expect(predictJson.frame(version).labelKeys).toEqual(['"ham":', '"spam":']);
});

test("answers of float64 models are compared in float64", () => {
  const shape = ["rows", 1];
  const version = makeVersion({
    models: [
      {
        id: "main",
        file: "model.onnx",
        bytes: new Uint8Array(0),
        inputs: [{ name: "X", dtype: "float32", shape }],
        outputs: [{ name: "Y", dtype: "float64", shape }],
      },
    ],
    postprocessing: {
      format: "plumb-graph/1",
      inputs: [{ name: "main.Y", dtype: "float64", shape }],
      nodes: [{ id: "p1", op: "identity", inputs: ["main.Y"], params: {} }],
      outputs: [{ name: "prediction", from: ["p1"] }],
    },
  });
  expect(version.predictionDtype).toBe("float64");
});
