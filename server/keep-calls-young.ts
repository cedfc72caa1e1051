import { setFlagsFromString } from "node:v8";

/**
 * V8 notes which places in the code make objects that survive, and makes those of such a place old from the start. While
 * models are proved, rows and calls do survive; in service, where they are gone in a millisecond, only a full collection
 * would find them, and all that they point to (docs/decisions/0008-young-calls.md). Called before any of it runs.
 */
export function keepCallsYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
