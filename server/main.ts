/** `plumb serve`: settings, a server, signals, and the exit code. */

import { setFlagsFromString } from "node:v8";
import { type Config, readConfig } from "./config.js";
import { curlCommand, exampleRow } from "./example-row.js";
import { Server } from "./server.js";
import { endAtOnce, onSignals } from "./signals.js";
import { urlHost } from "./transport/address.js";
import type { ListedVersion } from "./versions/registry.js";
import { Servable } from "./versions/servable.js";

/**
 * Serves until a signal says to stop ({@link onSignals}).
 *
 * @returns The exit code: 0 after a drain that answered everything, 1 if requests or runs were cut off or the server
 *   couldn't start.
 */
export async function serve(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  workingDirectory: string,
): Promise<number> {
  let config: Config;
  try {
    config = readConfig(args, environment, workingDirectory);
  } catch (error) {
    process.stderr.write(`plumb serve: ${(error as Error).message}\n`);
    return 2;
  }
  // V8 notes which places in the code make objects that survive, and makes those of such a place old from the start.
  // While models are proved, rows and calls do survive; in service, where they are gone in a millisecond, only a full
  // collection would find them, and all that they point to (docs/decisions/0008-young-calls.md).
  setFlagsFromString("--no-allocation-site-pretenuring");
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
    if (first === "started") process.stdout.write(greeting(server, config));
    const cutOff = await server.stop(await stopped);
    exitCode = cutOff === 0 ? 0 : 1;
  }
  if (server.threadsLeft) await endBesideThreads(server);
  // What was cut off, as time-outs and retries for a collector that doesn't answer, may hold the process for another
  // ten seconds and more.
  if (exitCode === 1 || server.recordsLeft) process.exit(exitCode);
  return exitCode;
}

/**
 * Ends the process with exit code 1 though a thread is in a run that doesn't end. `process.exit` waits for such a
 * thread for ever (Node 20), and to terminate it aborts the process. Where Node can put another program into this
 * process (22.15 and later), one that exits takes its place; elsewhere SIGKILL is what is left.
 */
async function endBesideThreads({ logs }: Server): Promise<never> {
  const { execve } = process as {
    execve?: (file: string, args: readonly string[], environment: NodeJS.ProcessEnv) => never;
  };
  const how = execve ? "exit code 1" : "SIGKILL, since this Node can't exit beside it";
  logs.event("error", `a thread of the pool is still in its run: the process ends without it, by ${how}`);
  await logs.flush(1000);
  execve?.(process.execPath, [process.execPath, "-e", "process.exit(1)"], {});
  endAtOnce();
}

function describe(version: ListedVersion): string {
  if (version instanceof Servable && version.proof) {
    return `${version.proof.rows} golden rows proved on ${version.proof.executors.join(" and ")}`;
  }
  return version.state === "incomplete" ? `refused until it is whole; ${version.reason}` : (version.reason ?? "");
}

/** What a person wants to see: where, what, and a line to try. */
function greeting(server: Server, config: Config): string {
  const base = `http://${urlHost(config.host)}:${server.httpPort}`;
  const lines = [
    `Plumb listens on ${base} (predictions) and http://${urlHost(config.adminHost)}:${server.adminPort} (metrics)`,
  ];
  if (server.grpcPort !== undefined)
    lines.push(`and on ${urlHost(config.host)}:${server.grpcPort} (predictions over gRPC)`);
  for (const [name, versions] of server.registry.models) {
    for (const version of versions) lines.push(`  ${name}/${version.number}  ${version.state}  ${describe(version)}`);
  }
  const version = server.registry.versions.find(({ state }) => state === "ready")!;
  lines.push("Try:", `  ${curlCommand(`${base}/models/${version.name}/predict`, exampleRow(version.contract))}`, "");
  return lines.join("\n");
}
