/** The serving processes of a server under test, and connections to each of them. */

import { expect } from "vitest";
import { clientPortsOf } from "./connection-owners.js";
import { ask } from "./http-client.js";
import { RawConnection } from "./raw-connection.js";
import type { ServerProcess } from "./server-process.js";

export interface DescribedProcess {
  readonly process: string;
  readonly pid: number;
  readonly state: string;
}

export const patiently = { interval: 20, timeout: 25_000 };

/** Resolves when two are ready, none is on its way, and none is one of `before`. */
export async function untilTwo(server: ServerProcess, before: readonly number[] = []): Promise<DescribedProcess[]> {
  let found: DescribedProcess[] = [];
  const areTwo = async () => {
    found = (await ask(server.adminPort, "/processes")).json.processes;
    return found.length === 2 && found.every(({ state, pid }) => state === "ready" && !before.includes(pid));
  };
  await expect.poll(areTwo, patiently).toBe(true);
  return found;
}

/** Opens connections until each process has accepted one. */
export async function connectToEach(
  { httpPort }: ServerProcess,
  processes: readonly DescribedProcess[],
): Promise<Map<number, RawConnection>> {
  const found = new Map<number, RawConnection>();
  while (found.size < processes.length) {
    const connection = await RawConnection.open(httpPort);
    const owner = () => processes.find(({ pid }) => clientPortsOf(pid, httpPort).has(connection.socket.localPort!));
    await expect.poll(owner, patiently).toBeDefined();
    const { pid } = owner()!;
    if (found.has(pid)) connection.destroy();
    else found.set(pid, connection);
  }
  return found;
}
