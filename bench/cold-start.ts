/**
 * From the start of the process to ready: every bundle read, proved and warm. Paired with a Node process that does
 * nothing.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { startPlumb } from "../loadtest/server-process.js";
import { demandAlone } from "./demand-alone.js";

export interface ColdStartRound {
  readonly bareNodeMs: number;
  readonly readyMs: number;
}

export async function coldStartRounds(rounds: number): Promise<ColdStartRound[]> {
  const results: ColdStartRound[] = [];
  for (let round = 0; round < rounds; round++) {
    const bareNodeMs = await bareNode();
    const server = await startPlumb(demandAlone());
    await server.stop();
    results.push({ bareNodeMs, readyMs: server.startedMs });
  }
  return results;
}

async function bareNode(): Promise<number> {
  const begunMs = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - begunMs;
}
