/** `plumb serve`: settings, a server, signals, and the exit code. */

import { setFlagsFromString } from "node:v8";
import { type Config, readConfig } from "./config.js";
import { Server } from "./server.js";

/**
 * Serves until SIGTERM or SIGINT.
 *
 * @returns The exit code: 0 after a drain that answered everything, 1 if requests were cut off or the server couldn't start.
 */
export async function serve(args: readonly string[], environment: NodeJS.ProcessEnv, workingDirectory: string): Promise<number> {
  let config: Config;
  try {
    config = readConfig(args, environment, workingDirectory);
  } catch (error) {
    process.stderr.write(`plumb serve: ${(error as Error).message}\n`);
    return 2;
  }
  // V8 notes which places in the code make objects that survive, and makes those of such a place old from the start. While models are proved,
  // rows and calls do survive; in service, where they are gone in a millisecond, only a full collection would find them, and all that they point
  // to (docs/decisions/0008-young-calls.md).
  setFlagsFromString("--no-allocation-site-pretenuring");
  const stopped = signalled();
  let server: Server;
  try {
    server = await Server.start(config);
  } catch (error) {
    process.stderr.write(`plumb serve: ${(error as Error).message}\n`);
    return 1;
  }
  // Nobody may read it, or its disk may be full: that is no reason to end.
  process.stdout.on("error", () => {});
  process.stdout.write(greeting(server, config));
  const cutOff = await server.stop(await stopped);
  const exitCode = cutOff === 0 ? 0 : 1;
  // Time-outs and retries for a collector that doesn't answer would hold the process for another ten seconds and more.
  if (server.spansLeft) process.exit(exitCode);
  return exitCode;
}

/** The first SIGTERM or SIGINT; a second one ends the process at once. */
async function signalled(): Promise<string> {
  return new Promise((resolve) => {
    let count = 0;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (++count === 1) resolve(signal);
        else endAtOnce();
      });
    }
  });
}

/** Not `process.exit`: a worker inside onnxruntime would turn that into an abort, after some time. */
function endAtOnce(): never {
  process.kill(process.pid, "SIGKILL");
  // Only the first process of a container gets here: the kernel keeps it from killing itself, but not from crashing.
  process.abort();
}

/** What a person wants to see: where, what, and a line to try. */
function greeting(server: Server, config: Config): string {
  const base = `http://${config.host}:${server.httpPort}`;
  const lines = [`Plumb listens on ${base} (predictions) and http://${config.adminHost}:${server.adminPort} (metrics)`];
  for (const [name, versions] of server.registry.models) {
    for (const { number, state, proof, problems } of versions) {
      const truth = proof ? `${proof.rows} golden rows proved on ${proof.executors.join(" and ")}` : problems[0];
      lines.push(`  ${name}/${number}  ${state}  ${truth}`);
    }
  }
  for (const directory of server.unreadable) lines.push(`  ${directory}  refused: the log says why`);
  const version = server.registry.versions.find(({ state }) => state === "ready")!;
  const golden = version.bundle.golden.find(({ kind, error }) => kind === "sample" && error === undefined) ?? version.bundle.golden[0]!;
  lines.push(
    "Try:",
    `  curl -s ${base}/models/${version.name}/predict -H 'content-type: application/json' -d '${golden.rowJson.replaceAll("'", "'\\''")}'`,
    "",
  );
  return lines.join("\n");
}
