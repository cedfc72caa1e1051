/** Loads the member that serves: only that one, so that a plain start pays for one. */

import type { HttpTransport } from "./transport.js";

/** @throws Error with a sentence when the library has no binary that loads here. */
export async function loadHttp(): Promise<HttpTransport> {
  try {
    return (await import("./uws.js")).uwsTransport;
  } catch (error) {
    throw new Error(`uWebSockets.js can't be loaded: ${firstLine(error)}`);
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0]!;
}
