/** Loads a version's models on this thread, each on the engine that is chosen for it. */

import type { Block } from "../../preprocessing/index.js";
import { EngineChooser, type EngineSetting, shareChoices } from "../inference/engines.js";
import { createRunner, type Runner, runnerSpec } from "../inference/runner.js";
import type { Version } from "./version.js";

/**
 * @param random - From 0 to below 1: which rows, beside the golden ones, engines are compared on.
 * @param now - Monotonic clock, milliseconds.
 * @returns The runner; the choices are the version's from now on, and workers that wait for them go on.
 * @throws Error with a sentence when a model can't be loaded.
 */
export function chooseEngines(version: Version, setting: EngineSetting, random: () => number, now: () => number): Runner {
  const chooser = new EngineChooser({ setting, samples: goldenBlocks(version), random, now });
  try {
    const runner = createRunner(chooser, runnerSpec(version));
    version.engines = chooser.choices;
    return runner;
  } finally {
    shareChoices(version.chosen, version.engines);
  }
}

/** For a version whose models don't run on this thread: ONNX Runtime, which loads them elsewhere. */
export function chooseOnnxRuntime(version: Version, reason: string): void {
  version.engines = version.bundle.models.map(({ id }) => ({ model: id, engine: "onnxruntime", reason, differed: false }));
  shareChoices(version.chosen, version.engines);
}

/** What the golden rows gave to the models when the bundle was made, by the blocks' names. */
function goldenBlocks({ bundle, preprocessor }: Version): ReadonlyMap<string, Block> {
  const answers = bundle.golden.filter((row) => row.error === undefined);
  return new Map(
    preprocessor.outputs.map(({ name, dtype, width }) => {
      const block = dtype === "float32" ? new Float32Array(answers.length * width) : new Float64Array(answers.length * width);
      for (const [row, { features }] of answers.entries()) block.set(features[name]!, row * width);
      return [name, block];
    }),
  );
}
