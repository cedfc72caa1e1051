/**
 * Goal: a version whose golden rows don't come out as they were trained never serves, and the sentence says what
 * differs and where.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type GoldenRow, readBundle } from "../../../../bundle/index.js";
import { createRunner, type Runner, runInBatches, runnerSpec } from "../../../../server/inference/runner.js";
import { onnxruntime } from "../../../../server/inference/session.js";
import type { RunBatch } from "../../../../server/path/local-path.js";
import { createContract } from "../../../../server/versions/contract.js";
import { type Proof, prove, proveOutputs } from "../../../../server/versions/prove.js";
import { Servable } from "../../../../server/versions/servable.js";
import { DemandCopy, demandGolden } from "../../../support/demand-bundle.js";
import { createPuppetEngine } from "../../../support/puppet-engine.js";
import { binaryGraph, makeVersion, namedGraph } from "../../../support/versions.js";

const float32 = new Float32Array(1);
const bits32 = new Int32Array(float32.buffer);
/** The next float32 away from zero. */
function nextFloat32(value: number): number {
  float32[0] = value;
  bits32[0]!++;
  return float32[0]!;
}

describe("the demand bundle", () => {
  let runner: Runner;
  const open: DemandCopy[] = [];

  beforeAll(async () => {
    const copy = new DemandCopy();
    runner = createRunner(onnxruntime, runnerSpec(new Servable(createContract(await readBundle(copy.directory)))));
    copy.remove();
  });
  afterAll(() => runner.release());
  afterEach(() => {
    for (const copy of open.splice(0)) copy.remove();
  });

  async function versionOf(change: (copy: DemandCopy) => void): Promise<Servable> {
    const copy = new DemandCopy();
    open.push(copy);
    change(copy);
    copy.rehash();
    return new Servable(createContract(await readBundle(copy.directory)));
  }
  const inline: RunBatch = (blocks, rowCount) => runner.run(blocks, rowCount);
  const proofOf = async (change: (copy: DemandCopy) => void): Promise<Proof> => prove(await versionOf(change), inline);

  test("as it is comes out the same to the last bit, alone, in sevens and in the largest batch", async () => {
    const proof = await proofOf(() => {});
    const answers = demandGolden().filter(({ error }) => error === undefined).length;
    expect(proof).toEqual({
      rows: demandGolden().length,
      batchSizes: [1, 7, Math.min(256, answers)],
      features: { ulp: 0, where: "" },
      raw: { ulp: 0, where: "" },
      prediction: { ulp: 0, where: "" },
      problems: [],
      problemCount: 0,
    });
  });

  test.each([1, 100, 440])("that is stopped at pause %i leaves nothing under way", async (pauses) => {
    let [before, running] = [pauses, 0];
    const stopped = new Error("stopped");
    const pause = async () => {
      if (--before < 0) throw stopped;
    };
    const runBatch: RunBatch = async (blocks, rowCount) => {
      running++;
      await nextTurn();
      running--;
      return inline(blocks, rowCount);
    };
    await expect(prove(await versionOf(() => {}), runBatch, { pause })).rejects.toBe(stopped);
    expect([before < 0, running]).toEqual([true, 0]);
  });

  test("with a scaler's mean off by 2^-40 is refused by its features", async () => {
    const proof = await proofOf((copy) =>
      copy.edit("preprocessing.json", ({ nodes }) => {
        nodes.find(({ op }: { op: string }) => op === "standard_scaler").params.mean[0] *= 1 + 2 ** -40;
      }),
    );
    expect(proof.problemCount).toBeGreaterThan(0);
    expect(proof.problems[0]).toMatch(
      /^golden\.jsonl line \d+ \(\w+\), features\.X\[0\]: expected -?[\d.e-]+, got -?[\d.e-]+, \d+ ulp \(float64\) apart; the manifest's tolerance is 0$/,
    );
    expect(proof.problems.every((problem) => problem.includes("features.X[0]"))).toBe(true);
    expect(proof.features.ulp).toBeGreaterThan(0);
    expect(proof.features.where).toContain("features.X[0]");
  });

  test("with its columns swapped is refused by features, outputs and predictions", async () => {
    const proof = await proofOf((copy) =>
      copy.edit("preprocessing.json", (graph) => {
        graph.outputs[0].from.reverse();
      }),
    );
    expect(proof.problems[0]).toContain("features.X[0]");
    expect(Math.min(proof.features.ulp, proof.raw.ulp, proof.prediction.ulp)).toBeGreaterThan(0);
    expect(proof.problems).toHaveLength(20);
    expect(proof.problemCount).toBeGreaterThan(20);
  });

  test("with two features swapped at the door is refused", async () => {
    const proof = await proofOf((copy) =>
      copy.edit("preprocessing.json", (graph) => {
        graph.nodes[0].inputs.reverse();
      }),
    );
    expect(proof.problemCount).toBeGreaterThan(0);
    expect(proof.problems[0]).toMatch(/features\.X\[[01]\]/);
  });

  test("with a prediction that is off by one ulp is refused by that row, at each batch size", async () => {
    const proof = await proofOf((copy) =>
      copy.editGolden((golden, index) =>
        index === 10 ? { ...golden, prediction: nextFloat32(golden.prediction) } : golden,
      ),
    );
    expect(proof.problemCount).toBe(3);
    for (const problem of proof.problems)
      expect(problem).toMatch(/^golden\.jsonl line 11 \(\w+\), prediction, batch of \d+: .* 1 ulp \(float32\) apart/);
    expect(proof.prediction.ulp).toBe(1);
    expect([proof.features.ulp, proof.raw.ulp]).toEqual([0, 0]);
  });

  test("with a raw output that is off by one ulp is refused by that output", async () => {
    const proof = await proofOf((copy) =>
      copy.editGolden((golden, index) =>
        index === 3 ? { ...golden, raw: { "main.Y": [nextFloat32(golden.raw["main.Y"][0])] } } : golden,
      ),
    );
    // Alone, in a request of several, in a batch of 7 and in the largest.
    expect(proof.problemCount).toBe(4);
    expect(proof.problems[0]).toMatch(/^golden\.jsonl line 4 \(\w+\), raw\["main\.Y"\]\[0\], batch of 1:/);
  });

  test("differs by less than its tolerance: served, and the difference is told", async () => {
    const proof = await proofOf((copy) => {
      copy.edit("manifest.json", (manifest) => {
        manifest.parity.tier = "C";
        manifest.parity.tolerance = { features_ulp: 0, margin_ulp: 0, prediction_ulp: 1 };
      });
      copy.editGolden((golden, index) =>
        index === 10 ? { ...golden, prediction: nextFloat32(golden.prediction) } : golden,
      );
    });
    expect(proof.problemCount).toBe(0);
    expect(proof.prediction).toMatchObject({ ulp: 1, where: expect.stringContaining("line 11") });
  });

  const nearZero = async (by: number, tolerance: object) =>
    proofOf((copy) => {
      copy.edit("manifest.json", (manifest) => {
        manifest.parity.tier = "C";
        manifest.parity.tolerance = { features_ulp: 0, margin_ulp: 0, prediction_ulp: 0, ...tolerance };
      });
      copy.editGolden((golden, index) => (index === 10 ? { ...golden, prediction: golden.prediction + by } : golden));
    });

  test("differs by less than the manifest grants however many units it is: served, and not told as the worst", async () => {
    const proof = await nearZero(1e-4, { prediction_abs: 2e-4 });
    expect(proof.problemCount).toBe(0);
    expect(proof.prediction.ulp).toBe(0);
  });

  test.each([
    ["by more than that", 1e-3, { prediction_abs: 2e-4 }],
    ["and that is granted to raw outputs only", 1e-4, { margin_abs: 2e-4 }],
  ])("differs %s: refused", async (_, by, tolerance) => {
    const proof = await nearZero(by, tolerance);
    expect(proof.problemCount).toBeGreaterThan(0);
    expect(proof.problems[0]).toMatch(/line 11 .*, prediction, batch of 1: .* the manifest's tolerance is 0$/);
  });

  test("refuses the rows that it must refuse, with the code that it says", async () => {
    const lines = demandGolden().length;
    const refusals = [
      {
        kind: "extreme",
        row: { feature_search_interest: -1, feature_price: 100, feature_promo: 0 },
        error: "schema_mismatch",
      },
      { kind: "missing", row: { feature_price: 100, feature_promo: 0 }, error: "schema_mismatch" },
    ];
    const append = (copy: DemandCopy, ...golden: object[]) =>
      copy.write(
        "golden.jsonl",
        `${copy.read("golden.jsonl")}${golden.map((line) => `${JSON.stringify(line)}\n`).join("")}`,
      );
    expect(await proofOf((copy) => append(copy, ...refusals))).toMatchObject({ rows: lines + 2, problemCount: 0 });

    const wrongCode = await proofOf((copy) => append(copy, { ...refusals[0], error: "row_refused" }));
    expect(wrongCode.problems[0]).toMatch(
      new RegExp(
        `^golden\\.jsonl line ${lines + 1} \\(extreme\\): expected the error row_refused, got schema_mismatch: row 0, feature "feature_search_interest"`,
      ),
    );

    const answered = await proofOf((copy) =>
      append(copy, {
        ...demandGolden()[0],
        features: undefined,
        raw: undefined,
        prediction: undefined,
        error: "schema_mismatch",
      }),
    );
    expect(answered.problems[0]).toContain('expected the error schema_mismatch, got the answer {"prediction":');
  });

  test("that can't answer a golden row is refused by the error that a caller would get", async () => {
    const proof = await proofOf((copy) =>
      copy.editGolden((golden, index) =>
        index === 20 ? { ...golden, row: { ...golden.row, feature_price: -5 } } : golden,
      ),
    );
    expect(proof.problems).toContainEqual(
      expect.stringMatching(
        /^golden\.jsonl line 21 \(\w+\): expected an answer, got the error schema_mismatch: row 0, feature "feature_price"/,
      ),
    );
  });

  test("on an executor that differs only in large batches is refused", async () => {
    const version = await versionOf(() => {});
    const proof = await prove(version, (blocks, rowCount) => {
      const result = runner.run(blocks, rowCount);
      if (rowCount > 7) result.raw[0]![5] = nextFloat32(result.raw[0]![5]!);
      return result;
    });
    expect(proof.problems.some((problem) => problem.includes("raw["))).toBe(true);
    expect(proof.problems.every((problem) => !/batch of [17]:/.test(problem))).toBe(true);
  });

  test("on an executor that fails only in large batches is refused, whether it throws or names rows", async () => {
    const version = await versionOf(() => {});
    const thrown = await prove(version, (blocks, rowCount) => {
      if (rowCount > 7) throw new Error("out of memory");
      return runner.run(blocks, rowCount);
    });
    expect(thrown.problems[0]).toMatch(
      /^golden\.jsonl line 1 \(\w+\) to 256, batch of 256: the run failed: out of memory$/,
    );
    const named = await prove(version, (blocks, rowCount) => {
      const result = runner.run(blocks, rowCount);
      return rowCount > 7 ? { ...result, failedRows: [3], failure: "no leaf" } : result;
    });
    expect(named.problems[0]).toMatch(/^golden\.jsonl line 4 \(\w+\), batch of 256: the model failed on it: no leaf$/);
  });

  test("on an executor that answers later is proved the same", async () => {
    const version = await versionOf(() => {});
    expect((await prove(version, async (blocks, rowCount) => runner.run(blocks, rowCount))).problemCount).toBe(0);
  });

  test("on an executor that fails is refused, whether it throws or rejects", async () => {
    const version = await versionOf(() => {});
    const rejected = await prove(version, async () => {
      throw new Error("worker exited with code 134");
    });
    const thrown = await prove(version, () => {
      throw new Error("no session");
    });
    for (const proof of [rejected, thrown]) {
      expect(proof.problemCount).toBeGreaterThan(0);
      expect(proof.problems.at(-1)).toContain("expected an answer, got the error internal");
    }
  });

  test("has the outputs of every worker compared, at each batch size", async () => {
    const version = await versionOf(() => {});
    const sizes: number[] = [];
    const good = await proveOutputs(version, async (makeBlocks, rowCount, batchRows) => {
      sizes.push(batchRows);
      return [
        runInBatches(runner, makeBlocks(), rowCount, batchRows),
        runInBatches(runner, makeBlocks(), rowCount, batchRows),
      ];
    });
    expect(good.problemCount).toBe(0);
    expect(sizes).toEqual([1, 7, 256]);

    const oneIsWrong = await proveOutputs(version, async (makeBlocks, rowCount, batchRows) => {
      const wrong = runInBatches(runner, makeBlocks(), rowCount, batchRows);
      if (batchRows === 7) wrong.raw[0]![30] = nextFloat32(wrong.raw[0]![30]!);
      return [runInBatches(runner, makeBlocks(), rowCount, batchRows), wrong];
    });
    expect(oneIsWrong.problems).toHaveLength(1);
    expect(oneIsWrong.problems[0]).toMatch(
      /^golden\.jsonl line 31 \(\w+\), raw\["main\.Y"\]\[0\], batch of 7: .* 1 ulp/,
    );

    const oneFails = await proveOutputs(version, async (makeBlocks, rowCount, batchRows) => [
      { ...runInBatches(runner, makeBlocks(), rowCount, batchRows), failedRows: [0], failure: "no leaf" },
    ]);
    expect(oneFails.problems[0]).toBe("a worker failed on golden rows in batches of 1: no leaf");
  });
});

describe("a classifier", () => {
  const engine = createPuppetEngine();
  const labels = ["ham", "spam"] as const;
  const margins = Array.from({ length: 300 }, (_, i) => Math.fround(i / 50 - 3));

  /** Golden rows as a trainer would write them, by the same graph. */
  function golden(change: (row: GoldenRow & { error?: undefined }) => void = () => {}): GoldenRow[] {
    const plain = makeVersion({ name: "spam", postprocessing: binaryGraph([...labels]), task: "classification" });
    return margins.map((margin, index) => {
      const raw = Float32Array.of(Math.fround(2 * margin));
      const { predictions, probabilities } = plain.postprocessor.run([raw], 0, 1);
      const row = {
        kind: "sample" as const,
        row: { x: margin },
        rowJson: JSON.stringify({ x: margin }),
        line: index + 1,
        features: { X: Float64Array.of(margin) },
        raw: { "main.Y": Float64Array.from(raw) },
        prediction: predictions[0]!,
        probabilities: probabilities!,
      };
      if (index === 100) change(row);
      return row;
    });
  }
  async function proofOf(rows: GoldenRow[]): Promise<Proof> {
    const version = makeVersion({
      name: "spam",
      postprocessing: binaryGraph([...labels]),
      task: "classification",
      golden: rows,
      state: "proving",
    });
    const runner = createRunner(engine, runnerSpec(version));
    return prove(version, (blocks, rowCount) => runner.run(blocks, rowCount));
  }

  test("is proved by its labels and probabilities", async () => {
    expect(await proofOf(golden())).toMatchObject({ problemCount: 0, prediction: { ulp: 0 } });
  });

  test("with another label is refused", async () => {
    const proof = await proofOf(
      golden((row) => {
        row.prediction = row.prediction === "ham" ? "spam" : "ham";
      }),
    );
    expect(proof.problems[0]).toMatch(
      /^golden\.jsonl line 101 \(sample\), prediction, batch of 1: expected "\w+", got "\w+"$/,
    );
  });

  test("with a probability that is off by one ulp is refused", async () => {
    const proof = await proofOf(
      golden((row) => {
        row.probabilities![1] = nextFloat32(row.probabilities![1]!);
      }),
    );
    expect(proof.problemCount).toBe(3);
    expect(proof.problems[0]).toMatch(
      /^golden\.jsonl line 101 \(sample\), probabilities\["spam"\], batch of 1: .* 1 ulp/,
    );
  });
});

describe("a model of several outputs", () => {
  const engine = createPuppetEngine(([input]) => [[2 * input![0]!, input![0]!]]);
  const postprocessing = namedGraph(["twice", "once"]);
  const models = [
    {
      id: "main",
      file: "model.onnx",
      bytes: new Uint8Array(0),
      inputs: [{ name: "X", dtype: "float32", shape: ["rows", 1] }],
      outputs: [{ name: "Y", dtype: "float32", shape: ["rows", 2] }],
    },
  ];

  async function proofOf(change: (prediction: number[]) => void = () => {}): Promise<Proof> {
    const golden = Array.from({ length: 300 }, (_, index): GoldenRow => {
      const x = Math.fround(index / 50 - 3);
      const prediction = [2 * x, x];
      if (index === 100) change(prediction);
      return {
        kind: "sample",
        row: { x },
        rowJson: JSON.stringify({ x }),
        line: index + 1,
        features: { X: Float64Array.of(x) },
        raw: { "main.Y": Float64Array.of(2 * x, x) },
        prediction,
      };
    });
    const version = makeVersion({ name: "two", postprocessing, models, golden, state: "proving" });
    const runner = createRunner(engine, runnerSpec(version));
    return prove(version, (blocks, rowCount) => runner.run(blocks, rowCount));
  }

  test("is proved by each of its numbers", async () => {
    expect(await proofOf()).toMatchObject({ problemCount: 0, prediction: { ulp: 0 } });
  });

  test("with one that is off by one ulp is refused by its name, at each batch size", async () => {
    const proof = await proofOf((prediction) => {
      prediction[1] = nextFloat32(prediction[1]!);
    });
    expect(proof.problemCount).toBe(3);
    for (const problem of proof.problems)
      expect(problem).toMatch(
        /^golden\.jsonl line 101 \(sample\), prediction\["once"\], batch of \d+: .* 1 ulp \(float32\) apart/,
      );
  });

  test("with two that changed places is refused by both", async () => {
    const proof = await proofOf((prediction) => void prediction.reverse());
    expect(proof.problems.slice(0, 2)).toEqual([
      expect.stringContaining('line 101 (sample), prediction["twice"], batch of 1'),
      expect.stringContaining('line 101 (sample), prediction["once"], batch of 1'),
    ]);
  });
});
