/** A bundle as the commands use it: read, planned and loaded on this thread, without a server. */

import { readBundle } from "../bundle/index.js";
import { createRunner, type Runner, runnerSpec } from "../server/inference/runner.js";
import { onnxruntime } from "../server/inference/session.js";
import { Version } from "../server/versions/version.js";

export interface OpenVersion {
  readonly version: Version;
  readonly runner: Runner;
}

/** @throws BundleError, GraphError, or Error when a model can't be loaded: each with sentences. */
export async function openVersion(directory: string): Promise<OpenVersion> {
  const version = new Version(await readBundle(directory));
  version.engineName = onnxruntime.name;
  return { version, runner: createRunner(onnxruntime, runnerSpec(version)) };
}
