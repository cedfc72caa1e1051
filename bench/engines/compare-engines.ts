/** The comparison of engines, model by model: `npm run bench -- --engine`. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describeMachine } from "../../loadtest/machine.js";
import { projectRoot } from "../../loadtest/project.js";
import { createRandom } from "../../loadtest/random.js";
import { grid, quickGrid, quickRowsPerCall, rowsPerCall } from "./grid.js";
import { grownModel } from "./grown-model.js";
import { measureModel } from "./measure-model.js";
import { type PythonEngines, startPythonEngines } from "./python-engines.js";
import type { EnginesResult, ModelResult } from "./result.js";

export interface EnginesOptions {
  /** Few models, few numbers of rows, no peers: about a minute, and nothing to compile. */
  readonly quick: boolean;
  readonly rounds: number;
  readonly seed: number;
  readonly say: (what: string) => void;
}

export async function compareEngines({ quick, rounds, seed, say }: EnginesOptions): Promise<EnginesResult> {
  const { ensurePython, ensureEnginePeersPython } = await pythonSetup();
  const python = await ensurePython();
  const random = createRandom(seed);
  const settings = { rowCounts: quick ? quickRowsPerCall : rowsPerCall, rounds, leastMs: quick ? 10 : 30 };
  const peers = quick
    ? ({ leftOut: "the quick form compiles nothing" } as const)
    : await startPeers(ensureEnginePeersPython).catch((reason: Error) => ({ leftOut: reason.message }));
  let engines = "leftOut" in peers ? undefined : peers.engines;
  if ("leftOut" in peers) say(`the peers are left out: ${peers.leftOut}`);
  try {
    const models: ModelResult[] = [];
    for (const spec of quick ? quickGrid : grid) {
      const model = await grownModel(spec, python, say);
      // A compiler that fell over a model is there again for the next one.
      if (engines?.talk.ended) ({ engines } = await startPeers(ensureEnginePeersPython));
      models.push(await measureModel({ spec, model, peers: engines?.talk, random, say, ...settings }));
    }
    const made = "leftOut" in peers ? { leftOut: peers.leftOut } : { versions: peers.versions };
    return {
      finished: new Date().toISOString(),
      machine: describeMachine(),
      rounds,
      leastMs: settings.leastMs,
      peers: made,
      models,
    };
  } finally {
    await engines?.stop();
  }
}

async function startPeers(
  ensure: () => Promise<string>,
): Promise<{ engines: PythonEngines; versions: Record<string, string> }> {
  const engines = startPythonEngines(await ensure(), join(projectRoot, "bench", "peers", "compiled_trees.py"));
  try {
    const { versions } = await engines.talk.ask<{ versions: Record<string, string> }>({ do: "versions" });
    return { engines, versions };
  } catch (reason) {
    await engines.stop();
    throw reason;
  }
}

async function pythonSetup() {
  return (await import(pathToFileURL(join(projectRoot, "scripts", "setup", "python.mjs")).href)) as {
    ensurePython(): Promise<string>;
    ensureEnginePeersPython(): Promise<string>;
  };
}
