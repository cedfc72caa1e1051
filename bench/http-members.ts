/** Plumb on each member of HTTP, each beside the bare limit of its library. */

import { startPlumb } from "../loadtest/server-process.js";
import { demandAlone } from "./demand-alone.js";
import { type Contender, type Load, pairedRounds } from "./paired.js";

export interface HttpMembersRound {
  /** `bareNode`: node:http and JSON.parse alone; `uws` and `node`: Plumb with `--http` uws and node. */
  readonly load: Readonly<Record<"raw" | "bareNode" | "uws" | "node", Load>>;
}

export interface HttpMembersRuns {
  readonly raw: Contender;
  readonly bareNode: Contender;
  /** On uWebSockets.js. */
  readonly plumb: Contender;
  readonly connections: number;
  readonly rounds: number;
  readonly durationS: number;
}

export async function httpMembersRounds(runs: HttpMembersRuns): Promise<HttpMembersRound[]> {
  const { raw, bareNode, plumb, connections, rounds, durationS } = runs;
  const server = await startPlumb([...demandAlone(), "--http", "node"]);
  try {
    const target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    const node: Contender = { target, pid: server.pid, generator: plumb.generator };
    for (const { generator, target } of [bareNode, node]) await generator.saturate(target, connections, durationS); // untimed, as for the others
    return await pairedRounds(
      { contenders: { raw, bareNode, uws: plumb, node }, connections, rounds, durationS },
      (load) => ({ load }),
    );
  } finally {
    await server.stop();
  }
}

/** Requests/s on node:http, of the bare service on node:http in the same round. */
export function ofBareNode({ load }: HttpMembersRound): number {
  return load.node.requestsPerSecond / load.bareNode.requestsPerSecond;
}
