/** How long a request of 10,000 rows holds the event loop: what every other call would wait. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { freePorts } from "#server-process";
import { saturate } from "../loadtest/closed-loop.js";
import { startPlumb } from "../loadtest/server-process.js";
import { requestBytes } from "../loadtest/target.js";
import { demandAlone } from "./demand-alone.js";
import type { Turns } from "./servers/turn-recorder.js";

const rowsPerRequest = 10_000;

export interface TurnsRound {
  /** The longest turn in which no garbage was collected, and the longest of all, milliseconds of processor time. */
  readonly longestMs: number;
  readonly longestOfAllMs: number;
  readonly errors: number;
}

export interface TurnsRuns {
  readonly rows: readonly string[];
  readonly rounds: number;
  readonly durationS: number;
}

/** One request at a time, for `durationS` a round. */
export async function turnsRounds({ rows, rounds, durationS }: TurnsRuns): Promise<TurnsRound[]> {
  const [turnsPort] = (await freePorts(1)) as [number];
  const recorder = pathToFileURL(join(import.meta.dirname, "servers", "turn-recorder.js")).href;
  const server = await startPlumb(demandAlone(), {
    NODE_OPTIONS: `--import ${recorder}`,
    TURNS_PORT: String(turnsPort),
  });
  try {
    const target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    const body = Array.from({ length: rowsPerRequest }, (_, i) => rows[i % rows.length]!).join(",");
    const requests = [requestBytes(target, `{"rows":[${body}]}`)];
    const results: TurnsRound[] = [];
    // One round more, not recorded: the first large requests find everything cold.
    for (let round = -1; round < rounds; round++) {
      await askTurns(turnsPort);
      const { summary } = await saturate(target, { requests, connections: 1, durationS, drainMs: 10_000 });
      const { longestMs, longestOfAllMs } = await askTurns(turnsPort);
      if (round >= 0) results.push({ longestMs, longestOfAllMs, errors: summary.requests - summary.ok });
    }
    return results;
  } finally {
    await server.stop();
  }
}

async function askTurns(port: number): Promise<Turns> {
  return (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Turns;
}
