/** Who reads finished calls: metrics, the access log, traces, and whoever else `server.ts` lists. */

import type { CallRecord } from "../path/call.js";

export interface Observer {
  /**
   * Reads a call once it is over. Called for every call, between its reply and the next call: it must be quick, and must
   * not throw. What stands in the record may be kept, but not changed.
   */
  onCall(record: CallRecord): void;
  /**
   * Delivers what it still holds, after the last call.
   *
   * @returns False if the time ran out: what was begun still holds the process.
   */
  close(timeoutMs: number): Promise<boolean>;
}
