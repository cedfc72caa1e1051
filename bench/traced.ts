/**
 * The share of the ceiling with traces: one call in a hundred is exported to a collector on this machine that takes
 * what comes.
 */

import { join } from "node:path";
import { freePorts } from "#server-process";
import { type ServerProcess, startPlumb, startServer } from "../loadtest/server-process.js";
import type { Target } from "../loadtest/target.js";
import { demandAlone } from "./demand-alone.js";
import { type Contender, pairedRounds } from "./paired.js";
import type { ShareRound } from "./throughput.js";

export interface TracedRuns {
  readonly raw: Contender;
  readonly connections: number;
  readonly rounds: number;
  readonly durationS: number;
  readonly measureOnnx: () => Promise<number>;
}

/** @throws Error where no trace came out: nothing would have been measured. */
export async function tracedRounds({
  raw,
  connections,
  rounds,
  durationS,
  measureOnnx,
}: TracedRuns): Promise<ShareRound[]> {
  const servers: ServerProcess[] = [];
  try {
    const [port] = (await freePorts(1)) as [number];
    const command = [process.execPath, join(import.meta.dirname, "servers", "otlp-sink.js"), String(port)];
    servers.push(await startServer({ name: "otlp-sink", command, port }));
    const server = await startPlumb(demandAlone(), { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    servers.push(server);
    const target: Target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    const plumb: Contender = { target, pid: server.pid, generator: raw.generator };
    await plumb.generator.saturate(target, connections, durationS); // untimed, as for the others
    const complete = async (load: ShareRound["load"]) => ({ load, onnxUsPerRow: await measureOnnx() });
    const results = await pairedRounds({ contenders: { raw, plumb }, connections, rounds, durationS }, complete);
    const { exports } = (await (await fetch(`http://127.0.0.1:${port}/received`)).json()) as { exports: number };
    if (exports === 0)
      throw new Error("Plumb exported no trace to the collector: the figures with traces would be those without");
    return results;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
