/**
 * From a bundle in the store to a servable: read, choose the engines, prove; and then, while the workers have nothing
 * else to do, warm. And back: give back what a servable holds.
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
import { afterProof, createContract } from "./contract.js";
import { goldenBlocks } from "./golden-blocks.js";
import { learnCost } from "./learn-cost.js";
import { type ProvingPool, proveEach } from "./prove-each.js";
import { Servable } from "./servable.js";

type ProvenPool = WorkerPool & ProvingPool;

/** Who loads and runs, as loading needs it. */
export interface Executors {
  readonly execution: Execution;
  readonly engine: EngineSetting;
  /** The threads that serve, once one is loaded in them; undefined where the event loop alone does. */
  readonly threads: ProvenPool | undefined;
  /** @throws Error with a sentence when it can't be loaded. */
  loadInThreads(spec: RunnerSpec, prepare: PrepareOrder): Promise<Prepared>;
  /** @throws Error with a sentence when it can't be loaded. */
  loadInProcesses(spec: RunnerSpec): Promise<ProvenPool>;
  /** No more is loaded for the time being. */
  endLoading(): Promise<void>;
  /** Releases a version's sessions in every worker. */
  unload(key: string): Promise<void>;
  /** The version's queue, from here on. */
  openLane(servable: Servable, runner: Runner | undefined, pool: WorkerPool | undefined): Lane;
  closeLane(servable: Servable): void;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
}

/** Why there is no servable. */
export interface ProofReport {
  readonly fault: BundleFault | "failed";
  /** Sentences; at least one. */
  readonly problems: readonly string[];
  /** Undefined if not even the bundle could be read. */
  readonly servable: Servable | undefined;
}

/** Hears of a version as soon as it was read, and of what was chosen for it. */
export interface LoadListener {
  onRead(servable: Servable): void;
  onEngines(servable: Servable): void;
}

/**
 * A session of ONNX Runtime is opened on the event loop if a worker needed at most so long for it, milliseconds. With
 * what the loop needs more, because its code is colder, the turn stays under 2 ms.
 */
const createMsMax = 1.2;
/** Model time of a step of the proof on the event loop, microseconds. */
const stepUs = 500;

/**
 * @returns The servable, proved and with a lane; or why there is none, and then no executor holds anything of it.
 * @throws StoppedError when the turns were stopped; nothing else.
 */
export async function loadServable(
  stored: StoredBundle,
  executors: Executors,
  turns: Turns,
  listener: LoadListener,
): Promise<Servable | ProofReport> {
  let servable: Servable | undefined;
  let runner: Runner | undefined;
  const refuse = (report: Pick<ProofReport, "fault" | "problems">): ProofReport => {
    runner?.release();
    // Each worker comes to it after what it does now; nobody has to wait for that.
    if (servable) void executors.unload(servable.key);
    return { ...report, servable };
  };
  try {
    servable = await readServable(stored, turns);
    listener.onRead(servable);
    const place = servable.contract.unbounded === undefined ? loadBounded : loadUnbounded;
    const { pool, prepared, ...loaded } = await place(servable, executors, turns, listener);
    runner = loaded.runner;
    servable.transition("proving");
    const { problems, summary } = await proveOn(servable, runner, pool, prepared, turns);
    if (problems.length > 0) return refuse({ fault: "refused", problems });
    servable.proof = summary;
    servable.runUs = prepared?.runUs ?? [];
    servable.lane = executors.openLane(servable, runner, pool);
    return servable;
  } catch (error) {
    turns.throwIfStopped();
    return refuse(reportOf(error));
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
  servable: Servable,
  now: () => number,
  turns: Turns,
): Promise<ProofReport | undefined> {
  try {
    await turns.unlessStopped(learnCost(servable, servable.lane!, now, servable.runUs, turns.pause));
    servable.contract = afterProof(servable.contract);
    return undefined;
  } catch (error) {
    turns.throwIfStopped();
    return { ...reportOf(error), servable };
  }
}

/** Gives back what a servable holds, once nothing works with it: its lane, its memory, its session in every worker. */
export async function unloadServable(servable: Servable, executors: Executors): Promise<void> {
  const { key, lane } = servable;
  executors.closeLane(servable);
  lane?.runner?.release();
  servable.lane = undefined;
  servable.intake = undefined;
  servable.cache = undefined;
  await executors.unload(key);
}

function reportOf(error: unknown): Pick<ProofReport, "fault" | "problems"> {
  if (error instanceof BundleError) return { fault: error.fault, problems: error.problems };
  if (error instanceof GraphError)
    return { fault: "refused", problems: [`a graph can't be planned: ${error.message}`] };
  return { fault: "failed", problems: [error instanceof Error ? error.message : String(error)] };
}

async function readServable({ directory }: StoredBundle, { pause, unlessStopped }: Turns): Promise<Servable> {
  const bundle = await unlessStopped(readBundle(directory, pause));
  await pause();
  const preprocessor = createPreprocessor(bundle.preprocessing);
  await pause();
  const postprocessor = createPostprocessor(bundle.postprocessing);
  await pause();
  return new Servable(createContract(bundle, { preprocessor, postprocessor }));
}

interface Loaded {
  /** On the event loop, if it runs there. */
  readonly runner: Runner | undefined;
  readonly pool: ProvenPool | undefined;
  readonly prepared: Prepared | undefined;
}

type Place = (servable: Servable, executors: Executors, turns: Turns, listener: LoadListener) => Promise<Loaded>;

/** Neither its loading nor its golden rows may run in this process. */
const loadUnbounded: Place = async (servable, { loadInProcesses }, turns, listener) => {
  chooseOnnxRuntime(servable, `it runs in processes of its own, since ${servable.contract.unbounded}`);
  listener.onEngines(servable);
  const pool = await turns.unlessStopped(loading(loadInProcesses(runnerSpec(servable))));
  return { runner: undefined, pool, prepared: undefined };
};

const loadBounded: Place = async (servable, executors, turns, listener) => {
  await turns.next();
  const order = { setting: executors.engine, samples: goldenBlocks(servable.contract) };
  const prepared = await turns.unlessStopped(loading(executors.loadInThreads(runnerSpec(servable), order)));
  servable.engines = prepared.choices;
  listener.onEngines(servable);
  const runner = runsOnLoop(prepared, executors) ? await openRunner(servable, prepared, turns) : undefined;
  return { runner, pool: executors.threads, prepared };
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

async function openRunner(servable: Servable, { images }: Prepared, turns: Turns): Promise<Runner> {
  const spec = runnerSpec(servable);
  const sessions = new Map<string, EngineSession>();
  for (const [i, model] of spec.models.entries()) {
    await turns.next();
    sessions.set(model.id, await openImage(model, images[i]!, turns.pause));
  }
  const opened: Engine = { name: "opened", load: ({ id }) => sessions.get(id)! };
  return createRunner(opened, spec);
}

async function proveOn(
  servable: Servable,
  runner: Runner | undefined,
  pool: ProvenPool | undefined,
  prepared: Prepared | undefined,
  turns: Turns,
) {
  const inline = runner && ((blocks: Parameters<Runner["run"]>[0], rowCount: number) => runner.run(blocks, rowCount));
  const options = { pause: turns.pause, ...(prepared && { inlineRowsMax: rowsWithinStep(prepared) }) };
  const proofs = proveEach([servable], () => inline, Promise.resolve(pool), options);
  return (await turns.unlessStopped(proofs)).get(servable)!;
}

/** Rows of a batch that a step of the proof takes: by the largest batch that was measured. */
function rowsWithinStep({ runUs }: Prepared): number {
  const [rowCount, us] = runUs.at(-1) ?? [1, 0];
  return Math.max(1, Math.floor((stepUs * rowCount) / Math.max(us, 1)));
}
