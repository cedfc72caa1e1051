/** A server that is one process: it starts, serves until a signal, and ends. */

import type { Config } from "./config.js";
import { endProcess } from "./ending.js";
import { greeting } from "./greeting.js";
import { keepCallsYoung } from "./keep-calls-young.js";
import { Server } from "./server.js";
import { onSignals } from "./signals.js";

/** @returns The exit code, as `serve` has it. */
export async function serveAlone(config: Config): Promise<number> {
  keepCallsYoung();
  // Nobody may read it, or its disk may be full: that is no reason to end. Opened here, since it takes milliseconds
  // that the event loop hasn't later.
  process.stdout.on("error", () => {});
  const server = new Server(config);
  const stopped = onSignals((message) => server.logs.event("warn", message));
  const started = server.start().then(
    () => "started" as const,
    (error: Error) => error,
  );
  // A start may take long, or wait for something that doesn't end: a signal ends it too.
  const first = await Promise.race([started, stopped]);
  let exitCode = 1;
  if (first instanceof Error) process.stderr.write(`plumb serve: ${first.message}\n`);
  else {
    if (first === "started") process.stdout.write(greeting(config, server, server.adminPort, server.registry));
    const cutOff = await server.stop(await stopped);
    exitCode = cutOff === 0 ? 0 : 1;
  }
  return await endProcess(server, exitCode);
}
