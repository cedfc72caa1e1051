/**
 * Goal: ONNX Runtime gives a row of a real model the same bits in every batch, and keeps to itself what it would print
 * about one.
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../../../bundle/index.js";
import type { EngineSession } from "../../../../server/inference/engine.js";
import { onnxruntime } from "../../../../server/inference/session.js";
import { demandDirectory } from "../../../support/demand-bundle.js";
import { encodeOnnx } from "../../../support/onnx-file.js";

describe("the demand model", () => {
  let bundle: Bundle;
  let session: EngineSession;
  let rows: Float32Array[];
  let alone: number[];

  beforeAll(async () => {
    bundle = await readBundle(demandDirectory);
    session = onnxruntime.load(bundle.models[0]!);
    const answers = bundle.golden.filter((golden) => golden.error === undefined);
    rows = answers.map(({ features }) => Float32Array.from(features.X!));
    alone = rows.map((row) => session.run([row], 1)[0]![0]!);
  });
  afterAll(() => session.release());

  test("answers golden rows as it did when the bundle was made", () => {
    const answers = bundle.golden.filter((golden) => golden.error === undefined);
    expect(alone).toEqual(answers.map(({ raw }) => raw["main.Y"]![0]));
  });

  test.each([2, 7, 64, 129, 256])("gives each row in a batch of %i the bits that it has alone", (batchSize) => {
    const together: number[] = [];
    for (let first = 0; first < rows.length; first += batchSize) {
      const batch = rows.slice(first, first + batchSize);
      const block = new Float32Array(batch.flatMap((row) => [...row]));
      together.push(...session.run([block], batch.length)[0]!);
    }
    expect(together).toEqual(alone);
  });
});

test("a row that the model fails on leaves no line on standard error", async () => {
  const file = encodeOnnx({
    nodes: [
      { op: "Cast", inputs: ["X"], outputs: ["index"], attributes: { to: 7 } },
      { op: "Gather", inputs: ["list", "index"], outputs: ["Y"] },
    ],
    inputs: [{ name: "X", type: "float32", shape: ["rows", 1] }],
    outputs: [{ name: "Y", type: "float32", shape: ["rows", 1] }],
    constants: { list: { shape: [1], values: [10] } },
  });
  const folder = await mkdtemp(join(tmpdir(), "plumb-session-"));
  try {
    await writeFile(join(folder, "model.onnx"), file);
    const session = new URL("../../../../dist/server/inference/session.js", import.meta.url);
    const tensors = (name: string) => `[{ name: "${name}", dtype: "float32", shape: ["rows", 1] }]`;
    const script = `
      import { readFileSync } from "node:fs";
      import { onnxruntime } from "${session.href}";
      const session = onnxruntime.load({ id: "main", bytes: readFileSync("model.onnx"), inputs: ${tensors("X")}, outputs: ${tensors("Y")} });
      try { session.run([Float32Array.of(123456)], 1) } catch { console.log("it threw") }`;
    const run = promisify(execFile);
    const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
    expect(stdout).toBe("it threw\n");
    expect(stderr).toBe("");
  } finally {
    await rm(folder, { recursive: true });
  }
});
