/** Goal: a contract has the facts of its bundle, and keeps no golden row but one to show. */

import { expect, test } from "vitest";
import type { GoldenRow } from "../../../../bundle/index.js";
import { predictJson } from "../../../../server/protocol/predict-json/protocol.js";
import { afterProof } from "../../../../server/versions/contract.js";
import { binaryGraph, makeVersion } from "../../../support/versions.js";

test("it knows names, limits, and the form of answers", () => {
  const version = makeVersion({
    name: "spam",
    number: 7,
    rowsMax: 3,
    sloMs: 50,
    postprocessing: binaryGraph(["ham", "spam"]),
  });
  const { contract } = version;
  expect(contract).toMatchObject({ name: "spam", number: 7, key: "spam/7", sloMs: 50, predictionDtype: "float32" });
  expect(contract.bodyLimits).toEqual({
    bodyBytesMax: 1_048_576,
    decode: { rowsMax: 3, containersMax: 7, membersMax: 1001 },
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
  expect(version.contract.predictionDtype).toBe("float64");
});

test("after the proof the models' bytes and the golden rows are let go, but for one row: a training row that has an answer, where there is one", () => {
  const row = (line: number, kind: string, error?: string) => ({ line, kind, error }) as unknown as GoldenRow;
  const shown = (...golden: GoldenRow[]) => {
    const { contract } = makeVersion({ golden });
    const { bundle, ...facts } = afterProof(contract);
    expect(contract.bundle.golden).toHaveLength(golden.length);
    expect(facts).toEqual({ ...contract, bundle: undefined });
    expect(bundle.models.map(({ bytes }) => bytes.length)).toEqual(contract.bundle.models.map(() => 0));
    expect(bundle).not.toHaveProperty("baseline");
    return bundle.golden.map(({ line }) => line);
  };
  expect(shown(row(1, "bound"), row(2, "sample", "row_refused"), row(3, "sample"), row(4, "sample"))).toEqual([3]);
  expect(shown(row(1, "bound"), row(2, "sample", "row_refused"))).toEqual([1]);
  expect(shown()).toEqual([]);
});
