/**
 * How long does a connection that doesn't get on keep its place?
 *
 * uWebSockets.js decides this by itself, by the same figures; of a connection of node:http, somebody looks every
 * `lookEveryMs` at what it is doing and at how many bytes that moved. Pure: the caller brings the time and the counts.
 */

/** What a connection is doing. */
export type Phase =
  /** No request is open: the next one, or the rest of its head, is waited for. */
  | "waiting"
  /** A body is arriving, taken or dropped. */
  | "receiving"
  /** A reply is being made: nobody waits for the client. */
  | "answering"
  /** Bytes of a reply wait for the client to read. */
  | "writing"
  /** Everything is said, and the client is to end the connection. */
  | "closing";

export const lookEveryMs = 2_000;
/** With a look every 2 s, a connection is cut after 8 to 12 s. */
export const patienceMs = 8_000;
/** A body that comes more slowly holds a place for too long. */
export const bodyBytesPerSecondMin = 16_384;

/**
 * @param phaseMs - How long the connection has been in this phase, or since its last progress.
 * @param bytes - Read in that time where a body is arriving; written where a reply is.
 */
export function verdict(phase: Phase, phaseMs: number, bytes: number): "wait" | "progress" | "late" {
  if (phase === "answering" || phaseMs < patienceMs) return "wait";
  if (phase === "receiving") return bytes * 1_000 >= bodyBytesPerSecondMin * phaseMs ? "progress" : "late";
  return phase === "writing" && bytes > 0 ? "progress" : "late";
}
