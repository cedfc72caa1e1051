/** A bundle as commands and the prover use it: read, planned and loaded on this thread, without a server. */

import { performance } from "node:perf_hooks";
import { readBundle } from "../../bundle/index.js";
import type { EngineSetting } from "../inference/engines.js";
import type { Runner } from "../inference/runner.js";
import { chooseEngines } from "./choose-engines.js";
import { createContract } from "./contract.js";
import { Servable } from "./servable.js";

export interface OpenVersion {
  readonly version: Servable;
  readonly runner: Runner;
}

/** The value of `--engine`. @throws Error with a sentence. */
export function parseEngine(value: string | undefined): EngineSetting {
  if (value === undefined || value === "auto" || value === "onnxruntime" || value === "tree") return value ?? "auto";
  throw new Error(`--engine: expected auto, onnxruntime or tree, got ${JSON.stringify(value)}`);
}

/** @throws BundleError, GraphError, or Error when a model can't be loaded: each with sentences. */
export async function openVersion(directory: string, engine: EngineSetting): Promise<OpenVersion> {
  const version = new Servable(createContract(await readBundle(directory)));
  return { version, runner: chooseEngines(version, engine, Math.random, () => performance.now()) };
}
