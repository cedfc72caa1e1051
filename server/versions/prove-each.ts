/**
 * Proves versions on every executor that is going to run them, as fast as a start allows: golden rows go through the
 * path on this thread while the pool's workers still load, and then through the workers while this thread goes on.
 */

import { noPause, type Pause } from "../../bundle/index.js";
import type { Block } from "../../preprocessing/index.js";
import type { RunResult } from "../inference/runner.js";
import { StuckRunError } from "../inference/worker-pool.js";
import type { RunBatch } from "../path/local-path.js";
import { type Proof, prove, proveOutputs, type RunInEach } from "./prove.js";
import type { ProofSummary, Servable } from "./servable.js";

/** The pool, as a proof needs it. */
export interface ProvingPool {
  /** Why versions, by their keys, couldn't be loaded. */
  readonly notLoaded: ReadonlyMap<string, string>;
  /**
   * @throws {@link StuckRunError} when the run takes longer than `limitMs`; and so does every run of the key that waits
   *   for a worker then.
   */
  run(key: string, blocks: Block[], rowCount: number, limitMs: number): Promise<RunResult>;
  runInEach(
    key: string,
    makeBlocks: () => Block[],
    rowCount: number,
    batchRows: number,
    limitMs: number,
  ): Promise<readonly RunResult[]>;
}

/**
 * How long a run of golden rows may take before the version is refused, milliseconds: far longer than that of a version
 * that could keep its objective, on a machine that is far slower. Without a limit, one endless golden row would keep
 * every other version from its service.
 */
function limitMsOf({ sloMs }: Servable, rowCount: number): number {
  return 10_000 + rowCount * Math.min(sloMs, 1000);
}

/** What was found of a version: it is proved if there are no problems. */
export interface Outcome {
  readonly problems: readonly string[];
  readonly summary: ProofSummary;
}

export interface ProveEachOptions {
  readonly pause?: Pause;
  /** The largest batch that runs on this thread. */
  readonly inlineRowsMax?: number;
}

/**
 * @param inline - Runs a version's batches on this thread; undefined if that isn't going to happen.
 * @param pool - Undefined if there is none.
 * @throws What `pool` is rejected with.
 */
export async function proveEach(
  versions: readonly Servable[],
  inline: (version: Servable) => RunBatch | undefined,
  pool: Promise<ProvingPool | undefined>,
  { pause = noPause, inlineRowsMax }: ProveEachOptions = {},
): Promise<ReadonlyMap<Servable, Outcome>> {
  const found = new Map(
    versions.map((version) => [version, { problems: [] as string[], proofs: {} as Record<string, Proof> }]),
  );
  const proveInline = async (): Promise<void> => {
    for (const version of versions) {
      const runBatch = inline(version);
      if (runBatch)
        found.get(version)!.proofs.inline = await prove(version, runBatch, {
          pause,
          ...(inlineRowsMax !== undefined && { rowsMax: inlineRowsMax }),
        });
    }
  };
  const proveInPool = async (): Promise<void> => {
    const workers = await pool;
    if (workers === undefined) return;
    // One version after the other: a worker takes one task at a time, and each worker has to get one.
    for (const version of versions)
      await proveByWorkers(version, inline(version) === undefined, workers, found.get(version)!, pause);
  };
  // Both to their end, also where one fails: whoever hears of it lets go of the sessions.
  const ended = await Promise.allSettled([proveInline(), proveInPool()]);
  for (const end of ended) if (end.status === "rejected") throw end.reason;
  return new Map([...found].map(([version, { problems, proofs }]) => [version, conclude(problems, proofs)]));
}

async function proveByWorkers(
  version: Servable,
  withPath: boolean,
  workers: ProvingPool,
  { problems, proofs }: { problems: string[]; proofs: Record<string, Proof> },
  pause: Pause,
): Promise<void> {
  const reason = workers.notLoaded.get(version.key);
  if (reason !== undefined) {
    problems.push(`its model can't be loaded: ${reason}`);
    return;
  }
  const { key } = version;
  let stuck: StuckRunError | undefined;
  // The first run that is stuck is the last one: the others would only be as long.
  const unlessStuck = async <T>(run: () => Promise<T>): Promise<T> => {
    if (stuck) throw stuck;
    try {
      return await run();
    } catch (error) {
      if (error instanceof StuckRunError) stuck = error;
      throw error;
    }
  };
  // The path's blocks stay with their call: what moves to a worker is a copy.
  const runBatch: RunBatch = (blocks, rowCount) =>
    unlessStuck(() => workers.run(key, copiesOf(blocks), rowCount, limitMsOf(version, rowCount)));
  const runInEach: RunInEach = (makeBlocks, rowCount, batchRows) =>
    unlessStuck(async () => [
      ...(await workers.runInEach(key, makeBlocks, rowCount, batchRows, limitMsOf(version, rowCount))),
    ]);
  try {
    if (withPath) {
      const path = await prove(version, runBatch, { pause });
      if (!stuck) proofs.path = path;
    }
    if (!stuck) proofs.pool = await proveOutputs(version, runInEach, { pause });
  } catch (error) {
    if (!stuck) throw error;
  }
  if (stuck) problems.push(`its golden rows don't end: ${stuck.message}`);
}

function copiesOf(blocks: readonly Block[]): Block[] {
  return blocks.map((block) => block.slice());
}

function conclude(problems: readonly string[], proofs: Readonly<Record<string, Proof>>): Outcome {
  // Which of them ended first is chance.
  const executors = Object.keys(proofs).sort();
  const all = executors.map((executor) => proofs[executor]!);
  const most = (of: (proof: Proof) => number) => Math.max(0, ...all.map(of));
  return {
    problems: [...problems, ...executors.flatMap((executor) => summarise(executor, proofs[executor]!))],
    summary: {
      // Workers run the rows that have an answer; the path also those that it has to refuse.
      rows: most(({ rows }) => rows),
      batchSizes: all[0]?.batchSizes ?? [],
      executors,
      featuresUlpMax: most(({ features }) => features.ulp),
      rawUlpMax: most(({ raw }) => raw.ulp),
      predictionUlpMax: most(({ prediction }) => prediction.ulp),
    },
  };
}

function summarise(executor: string, { problems, problemCount }: Proof): string[] {
  const more = problemCount > problems.length ? [`${executor}: and ${problemCount - problems.length} more`] : [];
  return [...problems.map((problem) => `${executor}: ${problem}`), ...more];
}
