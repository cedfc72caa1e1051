/** A server of several processes: its primary starts, supervises until a signal, and ends. */

import type { Config } from "../config.js";
import type { Machine } from "../machine.js";
import { onSignals } from "../signals.js";
import { Primary } from "./primary.js";

/** @returns The exit code, as `serve` has it. */
export async function servePlanes(config: Config, machine: Machine, processes: number): Promise<number> {
  process.stdout.on("error", () => {});
  const primary = new Primary(config, machine, processes);
  const stopped = onSignals(
    (message) => primary.logs.event("warn", message),
    () => primary.reload(),
    () => primary.kill(),
  );
  const started = primary.start().catch((error: Error) => error);
  const first = await Promise.race([started, stopped.then(() => undefined)]);
  if (first instanceof Error) {
    process.stderr.write(`plumb serve: ${first.message}\n`);
    return 1;
  }
  if (first !== undefined) process.stdout.write(first);
  return await primary.stop(await stopped);
}
