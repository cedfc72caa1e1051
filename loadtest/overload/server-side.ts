/** What only the server knows of a phase: the rows that its models ran, and the processor time that it took. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { processorSeconds } from "../bench/processor-time.js";
import { readMetrics } from "../server-metrics.js";
import type { Target } from "../target.js";

export interface ServerCounts {
  /** Rows that ran in batches, of all models and versions. */
  readonly rowsRun: number;
  readonly processorS: number;
}

export interface ServerSide {
  /** Waits until the server runs nothing more. @returns Undefined where the server doesn't say it. */
  read(): Promise<ServerCounts | undefined>;
}

const calmMs = 150;
const calmWithinMs = 10_000;

/**
 * @param admin - The metrics' address.
 * @param pid - Of a server that was started here: its processor time, and that of processes that it started, comes from /proc.
 */
export function createServerSide(admin: Target, pid: number | undefined): ServerSide {
  const readOnce = async (): Promise<ServerCounts> => {
    const samples = [...(await readMetrics(admin)).values()];
    const sum = (name: string) => samples.reduce((total, sample) => (sample.name === name ? total + sample.value : total), 0);
    const ofProcess = pid === undefined ? undefined : processorSecondsOfTree(pid);
    return { rowsRun: sum("plumb_batch_rows_sum"), processorS: ofProcess ?? sum("process_cpu_seconds_total") };
  };
  return {
    async read() {
      try {
        // Rows whose callers have left may still be waiting in a queue.
        const untilMs = performance.now() + calmWithinMs;
        let before = await readOnce();
        for (;;) {
          await sleep(calmMs);
          const now = await readOnce();
          if (now.rowsRun === before.rowsRun || performance.now() > untilMs) return now;
          before = now;
        }
      } catch {
        return undefined;
      }
    },
  };
}

/** Of a process and all that it started, seconds; undefined where the system doesn't say it. */
function processorSecondsOfTree(pid: number): number | undefined {
  const own = processorSeconds(pid);
  if (own === undefined) return undefined;
  return childrenOf(pid).reduce((sum, child) => sum + (processorSecondsOfTree(child) ?? 0), own);
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
      .filter((text) => text.trim() !== "")
      .map(Number);
  } catch {
    return [];
  }
}
