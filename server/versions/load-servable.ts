/**
 * From a bundle in the store to a version that serves: read, choose the engines, prove; and then, while the workers
 * have nothing else to do, warm.
 *
 * The event loop is never held. What takes longer than a step of a turn is done elsewhere: engines are chosen and
 * sessions created in a worker, and the loop gets a session of its own only where that is quick to open: a copy of a
 * tree ensemble's memory, or a session of ONNX Runtime that was measured. A version that is slow to open, or to run, is
 * served by the pool alone.
 */

import { BundleError, type BundleFault, readBundle, type StoredBundle } from "../../bundle/index.js";
import { createPostprocessor, createPreprocessor, GraphError } from "../../preprocessing/index.js";
import type { Execution } from "../inference/choose-executor.js";
import type { Engine, EngineSession } from "../inference/engine.js";
import { type EngineSetting, openImage } from "../inference/engines.js";
import type { Lane } from "../inference/lane.js";
import { turnBudgetUs } from "../inference/placement.js";
import type { Prepared, PrepareOrder } from "../inference/prepare.js";
import { createRunner, type Runner, type RunnerSpec, runnerSpec } from "../inference/runner.js";
import type { WorkerPool } from "../inference/worker-pool.js";
import type { Turns } from "../turns.js";
import { chooseOnnxRuntime } from "./choose-engines.js";
import { goldenBlocks } from "./golden-blocks.js";
import { learnCost } from "./learn-cost.js";
import { type ProvingPool, proveEach } from "./prove-each.js";
import { Version } from "./version.js";

type ProvenPool = WorkerPool & ProvingPool;

/** Who loads and runs, as loading needs it. */
export interface Executors {
  readonly execution: Execution;
  readonly engine: EngineSetting;
  /** The threads that serve; undefined where the event loop alone does. */
  readonly threads: ProvenPool | undefined;
  /** @throws Error with a sentence when it can't be loaded. */
  loadInThreads(spec: RunnerSpec, prepare: PrepareOrder): Promise<Prepared>;
  /** @throws Error with a sentence when it can't be loaded. */
  loadInProcesses(spec: RunnerSpec): Promise<ProvenPool>;
  /** The version's queue, from here on. */
  openLane(version: Version, runner: Runner | undefined, pool: WorkerPool | undefined): Lane;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
}

/** A version that is proved, wherever it is going to run. */
export interface Servable {
  readonly version: Version;
  /** On the event loop, if it runs there. */
  readonly runner: Runner | undefined;
  readonly lane: Lane;
  /** What its runs cost in the worker that loaded it, if one measured it. */
  readonly runUs: Prepared["runUs"] | undefined;
}

/** Why there is none. */
export interface ProofReport {
  readonly fault: BundleFault | "failed";
  /** Sentences; at least one. */
  readonly problems: readonly string[];
  /** Undefined if not even the bundle could be read. */
  readonly version: Version | undefined;
}

/** Hears of a version as soon as there is one, and of what was chosen for it. */
export interface LoadListener {
  onRead(version: Version): void;
  onEngines(version: Version): void;
}

/**
 * A session of ONNX Runtime is opened on the event loop if a worker needed at most so long for it, milliseconds. With
 * what the loop needs more, because its code is colder, the turn stays under 2 ms.
 */
const createMsMax = 1.2;
/** Model time of a step of the proof on the event loop, microseconds. */
const stepUs = 500;

/** @throws StoppedError when the turns were stopped; nothing else. */
export async function loadServable(
  stored: StoredBundle,
  executors: Executors,
  turns: Turns,
  listener: LoadListener,
): Promise<Servable | ProofReport> {
  let version: Version | undefined;
  try {
    version = await readVersion(stored, turns);
    listener.onRead(version);
    const place = version.unbounded === undefined ? loadBounded : loadUnbounded;
    const { runner, pool, prepared } = await place(version, executors, turns, listener);
    version.become("proving");
    const { problems, summary } = await proveOn(version, runner, pool, prepared, turns);
    if (problems.length > 0) {
      runner?.release();
      return { fault: "refused", problems, version };
    }
    version.proof = summary;
    return { version, runner, lane: executors.openLane(version, runner, pool), runUs: prepared?.runUs };
  } catch (error) {
    turns.throwIfStopped();
    return { ...reportOf(error), version };
  }
}

/**
 * Warms a version and learns what its runs cost. Its runs mustn't wait behind another version's loading: they would
 * seem to take as long.
 *
 * @returns Undefined when that went well.
 * @throws StoppedError when the turns were stopped; nothing else.
 */
export async function warmServable(
  { version, lane, runUs }: Servable,
  now: () => number,
  turns: Turns,
): Promise<ProofReport | undefined> {
  try {
    await turns.unlessStopped(learnCost(version, lane, now, runUs, turns.pause));
    version.releaseGolden();
    return undefined;
  } catch (error) {
    turns.throwIfStopped();
    return { ...reportOf(error), version };
  }
}

function reportOf(error: unknown): Pick<ProofReport, "fault" | "problems"> {
  if (error instanceof BundleError) return { fault: error.fault, problems: error.problems };
  if (error instanceof GraphError)
    return { fault: "refused", problems: [`a graph can't be planned: ${error.message}`] };
  return { fault: "failed", problems: [error instanceof Error ? error.message : String(error)] };
}

async function readVersion({ directory }: StoredBundle, { pause, unlessStopped }: Turns): Promise<Version> {
  const bundle = await unlessStopped(readBundle(directory, pause));
  await pause();
  const preprocessor = createPreprocessor(bundle.preprocessing);
  await pause();
  const postprocessor = createPostprocessor(bundle.postprocessing);
  await pause();
  return new Version(bundle, { preprocessor, postprocessor });
}

interface Loaded {
  readonly runner: Runner | undefined;
  readonly pool: ProvenPool | undefined;
  readonly prepared: Prepared | undefined;
}

type Place = (version: Version, executors: Executors, turns: Turns, listener: LoadListener) => Promise<Loaded>;

/** Neither its loading nor its golden rows may run in this process. */
const loadUnbounded: Place = async (version, { loadInProcesses }, turns, listener) => {
  chooseOnnxRuntime(version, `it runs in processes of its own, since ${version.unbounded}`);
  listener.onEngines(version);
  const pool = await turns.unlessStopped(loading(loadInProcesses(runnerSpec(version))));
  return { runner: undefined, pool, prepared: undefined };
};

const loadBounded: Place = async (version, executors, turns, listener) => {
  const { engine: setting, threads } = executors;
  await turns.next();
  const order = { setting, samples: goldenBlocks(version) };
  const prepared = await turns.unlessStopped(loading(executors.loadInThreads(runnerSpec(version), order)));
  version.engines = prepared.choices;
  listener.onEngines(version);
  const runner = runsOnLoop(prepared, executors) ? await openRunner(version, prepared, turns) : undefined;
  return { runner, pool: threads, prepared };
};

async function loading<T>(loaded: Promise<T>): Promise<T> {
  try {
    return await loaded;
  } catch (error) {
    throw new Error(`its model can't be loaded: ${(error as Error).message}`, { cause: error });
  }
}

/** Where nobody else runs it, the event loop does, whatever it costs. */
function runsOnLoop({ createMs, runUs }: Prepared, { execution, threads }: Executors): boolean {
  if (execution === "pool") return false;
  if (execution === "inline" || threads === undefined) return true;
  return createMs <= createMsMax && (runUs.find(([rowCount]) => rowCount === 1)?.[1] ?? 0) <= turnBudgetUs;
}

async function openRunner(version: Version, { images }: Prepared, turns: Turns): Promise<Runner> {
  const spec = runnerSpec(version);
  const sessions = new Map<string, EngineSession>();
  for (const [i, model] of spec.models.entries()) {
    await turns.next();
    sessions.set(model.id, await openImage(model, images[i]!, turns.pause));
  }
  const opened: Engine = { name: "opened", load: ({ id }) => sessions.get(id)! };
  return createRunner(opened, spec);
}

async function proveOn(
  version: Version,
  runner: Runner | undefined,
  pool: ProvenPool | undefined,
  prepared: Prepared | undefined,
  turns: Turns,
) {
  const inline = runner && ((blocks: Parameters<Runner["run"]>[0], rowCount: number) => runner.run(blocks, rowCount));
  const options = { pause: turns.pause, ...(prepared && { inlineRowsMax: rowsWithinStep(prepared) }) };
  const proofs = proveEach([version], () => inline, Promise.resolve(pool), options);
  return (await turns.unlessStopped(proofs)).get(version)!;
}

/** Rows of a batch that a step of the proof takes: by the largest batch that was measured. */
function rowsWithinStep({ runUs }: Prepared): number {
  const [rowCount, us] = runUs.at(-1) ?? [1, 0];
  return Math.max(1, Math.floor((stepUs * rowCount) / Math.max(us, 1)));
}
