/** Goal: what is chosen for a version on this thread is the version's from then on, and what its workers get. */

import { beforeAll, describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../../../bundle/index.js";
import { asChosen } from "../../../../server/inference/engines.js";
import { createRunner, runnerSpec } from "../../../../server/inference/runner.js";
import { chooseEngines } from "../../../../server/versions/choose-engines.js";
import { createContract } from "../../../../server/versions/contract.js";
import { Servable } from "../../../../server/versions/servable.js";
import { demandDirectory } from "../../../support/demand-bundle.js";
import { randomOf } from "../../../support/random-forest.js";

let bundle: Bundle;
beforeAll(async () => {
  bundle = await readBundle(demandDirectory);
});

/** A clock that doesn't move: neither engine is the faster. */
const stopped = () => 0;

describe.each([
  ["tree", "tree", undefined],
  ["onnxruntime", "onnxruntime", undefined],
  ["auto", "onnxruntime", /^the tree kernel is slower for it here: /],
] as const)("under %s", (setting, engine, reason) => {
  test("the demand model is proved by its golden rows, answers them, and its engine is known", () => {
    const version = new Servable(createContract(bundle));
    expect(version.engine).toBe(undefined);
    const runner = chooseEngines(version, setting, randomOf(1), stopped);
    expect(version.engine).toBe(engine);
    expect(version.engines).toEqual([
      {
        model: "main",
        engine,
        reason: reason === undefined ? undefined : expect.stringMatching(reason),
        differed: false,
      },
    ]);
    const golden = bundle.golden.filter((row) => row.error === undefined);
    const block = Float32Array.from(golden.flatMap(({ features }) => [...features.X!]));
    const { raw, failedRows } = runner.run([block], golden.length);
    runner.release();
    expect(failedRows).toEqual([]);
    expect([...raw[0]!]).toEqual(golden.map((row) => row.raw["main.Y"]![0]));
  });

  test("what workers get can be sent to them, and names the same engine", () => {
    const version = new Servable(createContract(bundle));
    chooseEngines(version, setting, randomOf(1), stopped).release();
    const spec = structuredClone(runnerSpec(version));
    expect(createRunner(asChosen(spec), spec).run([new Float32Array(spec.blocks[0]!.width)], 1).raw).toHaveLength(1);
    expect(spec.chosen).toEqual([engine]);
  });
});
