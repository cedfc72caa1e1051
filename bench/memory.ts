/** Resident memory of a server with two pool workers, under both kinds of load at once. */

import { readFileSync } from "node:fs";
import type { Generator } from "../loadtest/generators.js";
import { startPlumb } from "../loadtest/server-process.js";
import type { Target } from "../loadtest/target.js";
import { demandAlone } from "./demand-alone.js";
import { largeLoad, largeRequests } from "./large-requests.js";

export interface MemoryUse {
  /** Megabytes (10^6 bytes) once ready, and the most seen under load. */
  readonly readyMB: number;
  readonly peakMB: number;
}

const sampleEveryMs = 100;

/** @returns Undefined where the system has no /proc to read it from. */
export async function memoryUnderLoad(
  generator: Generator,
  rows: readonly string[],
  durationS: number,
): Promise<MemoryUse | undefined> {
  const server = await startPlumb([...demandAlone(), "--workers", "2"]);
  try {
    const readyMB = residentMB(server.pid);
    if (readyMB === undefined) return undefined;
    let peakMB = readyMB;
    const sampler = setInterval(() => {
      peakMB = Math.max(peakMB, residentMB(server.pid) ?? 0);
    }, sampleEveryMs);
    const target: Target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    await Promise.all([
      generator.saturate(target, 128, durationS),
      largeLoad(target, largeRequests(target, rows), 2, durationS),
    ]).finally(() => clearInterval(sampler));
    return { readyMB, peakMB };
  } finally {
    await server.stop();
  }
}

/** Resident megabytes of a process, all its threads included. */
export function residentMB(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : (Number(kibibytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}
