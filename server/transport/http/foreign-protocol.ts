/**
 * Which other protocol do the first bytes of a connection speak? Whoever turns on TLS or HTTP/2 in front of this port
 * finds out by its log.
 */

import type { Buffer } from "node:buffer";

const http2Preface = "PRI * HTTP/2";

export type ForeignProtocol = "TLS" | "HTTP/2";

export function foreignProtocol(bytes: Buffer): ForeignProtocol | undefined {
  // A record of a handshake (22), in version 3.x.
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return "TLS";
  return bytes.toString("latin1", 0, http2Preface.length) === http2Preface ? "HTTP/2" : undefined;
}
