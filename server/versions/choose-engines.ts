/** Loads a version's models on this thread, each on the engine that is chosen for it. */

import { EngineChooser, type EngineSetting } from "../inference/engines.js";
import { createRunner, type Runner, runnerSpec } from "../inference/runner.js";
import { goldenBlocks } from "./golden-blocks.js";
import type { Servable } from "./servable.js";

/**
 * @param random - From 0 to below 1: which rows, beside the golden ones, engines are compared on.
 * @param now - Monotonic clock, milliseconds.
 * @returns The runner; the choices are the version's from now on.
 * @throws Error with a sentence when a model can't be loaded.
 */
export function chooseEngines(
  servable: Servable,
  setting: EngineSetting,
  random: () => number,
  now: () => number,
): Runner {
  const chooser = new EngineChooser({ setting, samples: goldenBlocks(servable.contract), random, now });
  const runner = createRunner(chooser, runnerSpec(servable));
  servable.engines = chooser.choices;
  return runner;
}

/** For a version whose models don't run on this thread: ONNX Runtime, which loads them elsewhere. */
export function chooseOnnxRuntime(servable: Servable, reason: string): void {
  servable.engines = servable.contract.bundle.models.map(({ id }) => ({
    model: id,
    engine: "onnxruntime",
    reason,
    differed: false,
  }));
}
