/** Which process has accepted which connection, as the kernel knows it. Linux. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Local ports of the clients whose connections to `serverPort` a process has. */
export function clientPortsOf(pid: number, serverPort: number): Set<number> {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // Closed meanwhile.
        return undefined;
      }
    }),
  );
  const ports = new Set<number>();
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (inode !== undefined && inodes.has(inode) && portOf(local!) === serverPort) ports.add(portOf(remote!));
  }
  return ports;
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1]!, 16);
}
