/**
 * A closed loop: how many calls a second does the server answer when each connection asks again at once? The first
 * guess of the peak.
 */

import type { Target } from "../target.js";
import { Connections } from "./connections.js";

export interface Saturation {
  readonly target: Target;
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly durationMs: number;
}

/** @returns Answers with status 200, per second. */
export async function saturate({ target, requests, connections, durationMs }: Saturation): Promise<number> {
  let answered = 0;
  let next = 0;
  let running = true;
  const again = () => {
    // A server that refuses at once isn't asked again in the same turn.
    if (running) client.send(next, requests[next++ % requests.length]!);
  };
  const client = new Connections(target, connections, {
    onReply: (_index, status) => {
      if (status === 200) answered++;
      if (status === 200) again();
      else setTimeout(again, 1);
    },
    onLost: () => setTimeout(again, 1),
  });
  await client.openAll();
  const startMs = performance.now();
  for (let i = 0; i < connections; i++) again();
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  running = false;
  const seconds = (performance.now() - startMs) / 1000;
  client.close();
  return answered / seconds;
}
