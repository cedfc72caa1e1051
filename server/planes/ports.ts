/**
 * The public ports of several processes: bound here once, so that another server is refused, and nobody takes them while
 * serving processes come and go.
 *
 * A member of HTTP that shares its socket, and gRPC, listen on this very one. Of uWebSockets.js each process has a socket
 * of its own on the same port, which Linux allows beside one that is bound and doesn't listen.
 */

import { lookup } from "node:dns/promises";
import net, { isIPv6 } from "node:net";
import { urlHost } from "../transport/address.js";
import { cannotListen } from "../transport/http/base-listener.js";

export interface BoundPort {
  readonly port: number;
  /** Bound, and not listening: as node:net takes it and a message to a process carries it. */
  readonly socket: object;
}

/** What node:cluster shares sockets by; it has no other name. An error is its number. */
type CreateHandle = (address: string, port: number, family: 4 | 6, fd: -1, flags: 0) => Handle | number;
interface Handle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

/** @throws Error with a sentence when somebody else has it, or the address isn't one of this machine. */
export async function bindPort(name: "http" | "grpc", host: string, port: number): Promise<BoundPort> {
  const create = (net as unknown as { _createServerHandle: CreateHandle })._createServerHandle;
  const address = await lookup(host).catch(() => undefined);
  const handle = address && create(address.address, port, isIPv6(address.address) ? 6 : 4, -1, 0);
  const out: { port?: number } = {};
  // A port that is taken is said here, not before.
  if (typeof handle === "object" && handle.getsockname(out) === 0) return { port: out.port!, socket: handle };
  if (typeof handle === "object") handle.close();
  if (name === "grpc") throw new Error(`grpc can't listen on ${urlHost(host)}:${port}: is the port in use?`);
  throw cannotListen({ name, host, port });
}
