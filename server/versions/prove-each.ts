/**
 * Proves versions on every executor that is going to run them, as fast as a start allows: golden rows go through the path on this thread
 * while the pool's workers still load, and then through the workers while this thread goes on.
 */

import { type Proof, prove, proveOutputs, type RunBatch, type RunInEach } from "./prove.js";
import type { ProofSummary, Version } from "./version.js";

/** The pool, as a proof needs it. */
export interface ProvingPool {
  /** Why versions, by their keys, couldn't be loaded. */
  readonly notLoaded: ReadonlyMap<string, string>;
  run(key: string, ...batch: Parameters<RunBatch>): ReturnType<RunBatch>;
  runInEach(key: string, ...rows: Parameters<RunInEach>): ReturnType<RunInEach>;
}

/** What was found of a version: it is proved if there are no problems. */
export interface Outcome {
  readonly problems: readonly string[];
  readonly summary: ProofSummary;
}

/**
 * @param inline - Runs a version's batches on this thread; undefined if that isn't going to happen.
 * @param pool - Undefined if there is none.
 * @throws What `pool` is rejected with.
 */
export async function proveEach(
  versions: readonly Version[],
  inline: (version: Version) => RunBatch | undefined,
  pool: Promise<ProvingPool | undefined>,
): Promise<ReadonlyMap<Version, Outcome>> {
  const found = new Map(versions.map((version) => [version, { problems: [] as string[], proofs: {} as Record<string, Proof> }]));
  const proveInline = async (): Promise<void> => {
    for (const version of versions) {
      const runBatch = inline(version);
      if (runBatch) found.get(version)!.proofs.inline = await prove(version, runBatch);
    }
  };
  const proveInPool = async (): Promise<void> => {
    const workers = await pool;
    if (workers === undefined) return;
    // One version after the other: a worker takes one task at a time, and each worker has to get one.
    for (const version of versions) await proveByWorkers(version, inline(version) === undefined, workers, found.get(version)!);
  };
  // Both to their end, also where one fails: whoever hears of it lets go of the sessions.
  const ended = await Promise.allSettled([proveInline(), proveInPool()]);
  for (const end of ended) if (end.status === "rejected") throw end.reason;
  return new Map([...found].map(([version, { problems, proofs }]) => [version, conclude(problems, proofs)]));
}

async function proveByWorkers(
  version: Version,
  withPath: boolean,
  workers: ProvingPool,
  { problems, proofs }: { problems: string[]; proofs: Record<string, Proof> },
): Promise<void> {
  const reason = workers.notLoaded.get(version.key);
  if (reason !== undefined) {
    problems.push(`its model can't be loaded: ${reason}`);
    return;
  }
  if (withPath) {
    // The path's blocks stay with their call: what moves to a worker is a copy.
    const copies = (blocks: Parameters<RunBatch>[0]) => blocks.map((block) => block.slice());
    proofs.path = await prove(version, (blocks, rowCount) => workers.run(version.key, copies(blocks), rowCount));
  }
  proofs.pool = await proveOutputs(version, (...rows) => workers.runInEach(version.key, ...rows));
}

function conclude(problems: readonly string[], proofs: Readonly<Record<string, Proof>>): Outcome {
  const all = Object.values(proofs);
  const worst = (ulpOf: (proof: Proof) => number) => Math.max(0, ...all.map(ulpOf));
  return {
    problems: [...problems, ...Object.entries(proofs).flatMap(([executor, proof]) => summarise(executor, proof))],
    summary: {
      rows: all[0]?.rows ?? 0,
      batchSizes: all[0]?.batchSizes ?? [],
      executors: Object.keys(proofs),
      featuresUlpMax: worst(({ features }) => features.ulp),
      rawUlpMax: worst(({ raw }) => raw.ulp),
      predictionUlpMax: worst(({ prediction }) => prediction.ulp),
    },
  };
}

function summarise(executor: string, { problems, problemCount }: Proof): string[] {
  const more = problemCount > problems.length ? [`${executor}: and ${problemCount - problems.length} more`] : [];
  return [...problems.map((problem) => `${executor}: ${problem}`), ...more];
}
