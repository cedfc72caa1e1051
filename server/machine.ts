/**
 * What this process may use of its machine: processors and memory, less where a container has limits. Settings that
 * aren't set follow from it.
 *
 * Node 20 knows neither the processor time of a control group nor what of the memory is whose, so a small container on
 * a large machine would start a thread for each of the machine's processors, be throttled, and let in more bytes than
 * it may hold.
 */

import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

export interface Machine {
  /** Processors at a time; a fraction where a control group grants one. */
  readonly processors: number;
  readonly memoryBytes: number;
}

const mebibyte = 1_048_576;
/** A worker takes 13 to 19 MB, and with a few models of some megabytes up to this (docs/operations.md, Sizes). */
const workerBytes = 32 * mebibyte;
const bodiesBytesMax = 256 * mebibyte;

/**
 * Workers of the pool: one processor is left to the event loop, and together they take at most a quarter of the memory.
 *
 * A part of a processor is nobody's: threads that a limit throttles hold up the event loop too.
 */
export function defaultWorkers({ processors, memoryBytes }: Machine): number {
  return Math.max(1, Math.min(Math.floor(processors) - 1, Math.floor(memoryBytes / 4 / workerBytes)));
}

/**
 * Bytes of bodies in flight: an eighth of the memory, since bodies take up to twice as much, once as they arrive and
 * once in flight.
 */
export function defaultBytesMax({ memoryBytes }: Machine): number {
  return Math.max(mebibyte, Math.min(bodiesBytesMax, Math.floor(memoryBytes / 8)));
}

/** What each of several processes may use, so that all of them together use no more than one would. */
export function shareOf({ processors, memoryBytes }: Machine, processes: number): Machine {
  return { processors: processors / processes, memoryBytes: Math.floor(memoryBytes / processes) };
}

/** Reads the limits of this process; at most a few small files. */
export function readMachine(): Machine {
  const limitBytes = process.constrainedMemory();
  return {
    processors: Math.min(availableParallelism(), processorQuota(readText)),
    // No limit is undefined, 0 or 2^64.
    memoryBytes: Math.min(totalmem(), limitBytes || Number.POSITIVE_INFINITY),
  };
}

/**
 * Processors that the control groups of this process grant: the least of its own and of those around it.
 *
 * @param read - A file's text, undefined if it isn't there.
 * @returns Infinity where there is no quota.
 * @see docs.kernel.org, admin-guide/cgroup-v2 (cpu.max) and scheduler/sched-bwc (cpu.cfs_quota_us)
 */
export function processorQuota(read: (path: string) => string | undefined): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of read("/proc/self/cgroup")?.split("\n") ?? []) {
    const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined) continue;
    const isUnified = controllers === "";
    if (!isUnified && !controllers.split(",").includes("cpu")) continue;
    // In a container the mounted tree may begin with the process's own group, so a folder that isn't there says
    // nothing.
    for (const folder of groupsAround(isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", group!))
      least = Math.min(least, isUnified ? unifiedQuota(read(`${folder}/cpu.max`)) : legacyQuota(folder, read));
  }
  return least;
}

function groupsAround(mount: string, group: string): string[] {
  const names = group.split("/").filter((name) => name !== "");
  return Array.from({ length: names.length + 1 }, (_, count) => [mount, ...names.slice(0, count)].join("/"));
}

/** `150000 100000`: so many microseconds of processor time in a period; `max 100000`: as many as there are. */
function unifiedQuota(text = ""): number {
  const [quota, period] = text.trim().split(" ").map(Number);
  return ratio(quota, period);
}

/** A quota of -1 is none. */
function legacyQuota(folder: string, read: (path: string) => string | undefined): number {
  return ratio(Number(read(`${folder}/cpu.cfs_quota_us`)), Number(read(`${folder}/cpu.cfs_period_us`)));
}

function ratio(quota = Number.NaN, period = Number.NaN): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
