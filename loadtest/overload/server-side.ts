/**
 * Figures of a phase from the server and the machine: the rows that models ran, the processor time of the server, and
 * that of everything else. A machine that is busy with other work gives the figures of a slower one.
 */

import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { processorSeconds } from "../process-time.js";
import { sumOf } from "../prometheus-text.js";
import { readMetrics } from "../server-metrics.js";
import type { Target } from "../target.js";

export interface ServerCounts {
  /** Rows that ran in batches, of all models and versions. */
  readonly rowsRun: number;
  readonly processorS: number;
  /**
   * Processor time of everything but the server and this process, that of other virtual machines included; undefined
   * where /proc is none.
   */
  readonly othersS: number | undefined;
  /** When it was read, seconds of this process's clock. */
  readonly atS: number;
}

export interface ServerSide {
  /** Waits until the server runs nothing more. @returns Undefined where the server doesn't report it. */
  read(): Promise<ServerCounts | undefined>;
}

const calmMs = 150;
const calmWithinMs = 10_000;

/**
 * @param admin - The metrics' address.
 * @param pid - Of a server that was started here: its processor time, and that of processes that it started, comes from
 *   /proc.
 */
export function createServerSide(admin: Target, pid: number | undefined): ServerSide {
  const readOnce = async (): Promise<ServerCounts> => {
    const samples = await readMetrics(admin);
    const sum = (name: string) => sumOf(samples.values(), name);
    const ofProcess = pid === undefined ? undefined : processorSecondsOfTree(pid);
    const processorS = ofProcess ?? sum("process_cpu_seconds_total");
    const { user, system } = process.cpuUsage();
    const busyS = busySeconds();
    const othersS = busyS === undefined ? undefined : busyS - processorS - (user + system) / 1e6;
    return { rowsRun: sum("plumb_batch_rows_sum"), processorS, othersS, atS: performance.now() / 1000 };
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

/** The difference between two readings. */
export function difference(before: ServerCounts, after: ServerCounts): ServerCounts {
  const { rowsRun, processorS, othersS, atS } = after;
  return {
    rowsRun: rowsRun - before.rowsRun,
    processorS: processorS - before.processorS,
    othersS: othersS === undefined || before.othersS === undefined ? undefined : othersS - before.othersS,
    atS: atS - before.atS,
  };
}

/** How much of the machine's processors everything else took, from 0 to 1. */
export function othersShare({ othersS, atS }: ServerCounts): number | undefined {
  return othersS === undefined || atS <= 0
    ? undefined
    : Math.min(1, Math.max(0, othersS / atS / availableParallelism()));
}

function busySeconds(): number | undefined {
  try {
    return parseBusy(readFileSync("/proc/stat", "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * @param stat - As proc(5) describes /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are in
 *   user already.
 */
export function parseBusy(stat: string): number {
  const [, user, nice, system, , , irq, softirq, steal] = stat.split("\n", 1)[0]!.split(/ +/).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) / 100;
}

/** Processor seconds of a process and all that it started; undefined where the system doesn't report them. */
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
