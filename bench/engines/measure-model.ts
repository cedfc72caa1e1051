/** One model on every engine that can run it: first the same answers, then times. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../loadtest/random.js";
import type { Block } from "../../preprocessing/index.js";
import type { EngineSession } from "../../server/inference/engine.js";
import { EngineChooser } from "../../server/inference/engines.js";
import { onnxruntime } from "../../server/inference/session.js";
import { NotCovered } from "../../server/inference/tree/not-covered.js";
import { type TreeSession, treeEngine } from "../../server/inference/tree/tree-engine.js";
import type { ModelSpec } from "./grid.js";
import type { GrownModel } from "./grown-model.js";
import type { LineTalk } from "./python-engines.js";
import type { ModelResult } from "./result.js";
import { type ContenderName, type RoundsSettings, type Timer, timeInRounds } from "./rounds.js";
import { firstDifferent, furthestApart } from "./same-rows.js";
import { cutIntoCalls, processorMs, usPerRow } from "./timing.js";

export interface ModelRun extends RoundsSettings {
  readonly spec: ModelSpec;
  readonly model: GrownModel;
  /** Undefined: without peers. */
  readonly peers: LineTalk | undefined;
  readonly random: Random;
  readonly say: (what: string) => void;
}

/** Rows that stand for the golden ones, as the choice at load gets them. */
const sampleRows = 256;
/** A peer may add in another order, or in float32; further off, it computes something else. */
const peerTolerance = 1e-4;

/** @throws Error where the kernel's bits differ from ONNX Runtime's. */
export async function measureModel({ spec, model, peers, random, say, ...settings }: ModelRun): Promise<ModelResult> {
  const { engineModel, rows, width, leaves, levels } = model;
  const auto = chooseAsServed(model, random);
  const sessions: EngineSession[] = [];
  try {
    const reference = onnxruntime.load(engineModel);
    sessions.push(reference);
    const expected = reference.run([rows], rows.length / width)[0]!;
    const timers = new Map<ContenderName, Timer>();
    const leftOut: Partial<Record<ContenderName, string>> = {};
    const tree = loadTree(model);
    if ("leftOut" in tree) leftOut.tree = tree.leftOut;
    else {
      sessions.push(tree);
      const different = firstDifferent(tree.run([rows], rows.length / width)[0]!, expected);
      if (different !== undefined)
        throw new Error(`${spec.id}: the tree kernel's answer differs from ONNX Runtime's: ${different}`);
      timers.set("tree", timerOf(tree, model));
    }
    timers.set("onnxruntime", timerOf(reference, model));
    for (const peer of peers === undefined ? [] : peersOf(spec)) {
      say(`${spec.id}: ${peer}`);
      await loadPeer(peers!, peer, model, expected).then(
        (timer) => timers.set(peer, timer),
        (reason: Error) => {
          leftOut[peer] = reason.message;
        },
      );
    }
    if (peers?.ended)
      for (const peer of peersOf(spec))
        if (timers.delete(peer)) leftOut[peer] = "the peers' process ended over another";
    say(`${spec.id}: ${[...timers.keys()].join(", ")}`);
    const byRows = await timeInRounds(timers, settings);
    const kernelBytes = "leftOut" in tree ? undefined : tree.modelBytes;
    return { spec, leaves, levels, onnxBytes: engineModel.bytes.length, kernelBytes, auto, leftOut, byRows };
  } finally {
    for (const session of sessions) session.release();
    if (!peers?.ended) await peers?.ask({ do: "drop" });
  }
}

/** LLVM takes minutes and gigabytes for more than some thousand leaves. */
const lleavesLeavesMax = 10_000;

function peersOf({ library, compiled, trees, leaves = 0 }: ModelSpec): ContenderName[] {
  if (!compiled) return [];
  return library === "lightgbm" && trees * leaves <= lleavesLeavesMax ? ["tl2cgen", "lleaves"] : ["tl2cgen"];
}

/** The choice of a server with `engine: auto` when it loads the model. */
function chooseAsServed({ engineModel, rows, width }: GrownModel, random: Random): ModelResult["auto"] {
  const samples = new Map([[engineModel.inputs[0]!.name, rows.slice(0, sampleRows * width)]]);
  const chooser = new EngineChooser({ setting: "auto", samples, random: random.uniform, now: () => performance.now() });
  chooser.load(engineModel).release();
  const [
    { engine, reason, differed } = { engine: "onnxruntime", reason: "nothing was chosen", differed: true } as const,
  ] = chooser.choices;
  if (differed) throw new Error(`${engineModel.id}: ${reason}`);
  return { engine, reason };
}

function loadTree({ engineModel }: GrownModel): TreeSession | { readonly leftOut: string } {
  try {
    return treeEngine.load(engineModel);
  } catch (error) {
    if (error instanceof NotCovered) return { leftOut: error.message };
    throw error;
  }
}

/** Calls are cut once for each number of rows, and not in the time that is measured. */
function timerOf(session: EngineSession, { rows, width }: GrownModel): Timer {
  const cut = new Map<number, Block[]>();
  return ({ rowCount, first, leastMs }) => {
    const calls = cut.get(rowCount) ?? cutIntoCalls(rows, width, rowCount);
    cut.set(rowCount, calls);
    return usPerRow({ session, calls, rowCount, first, leastMs, now: processorMs });
  };
}

async function loadPeer(talk: LineTalk, engine: ContenderName, model: GrownModel, expected: Block): Promise<Timer> {
  const { folder, nativeFile, engineModel, width } = model;
  const { dtype } = engineModel.inputs[0]!;
  const load = { do: "load", engine, folder, model: nativeFile, rows: join(folder, "rows.bin"), dtype, width };
  const { answers } = await talk.ask<{ answers: string }>(load);
  const apart = furthestApart(new Float64Array(new Uint8Array(readFileSync(answers)).buffer), expected);
  if (!(apart <= peerTolerance))
    throw new Error(`its answers are up to ${apart.toPrecision(2)} of the largest answer away from ONNX Runtime's`);
  return async (ask) => (await talk.ask<{ usPerRow: number }>({ do: "time", engine, ...ask })).usPerRow;
}
