/**
 * Servers under load: started on a free port with their own defaults, awaited until they answer, and ended for certain.
 */

import { join } from "node:path";
import { freePorts, ServerProcess as StartedProcess, serveCommand } from "#server-process";
import { projectRoot } from "./project.js";
import { createScratchFolder } from "./scratch.js";

export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to the first 200 of /health/ready. */
  readonly startedMs: number;
  /** Ends it by SIGTERM, after 15 s by SIGKILL. Safe to call twice. @returns The exit code, null after a signal. */
  stop(): Promise<number | null>;
}

export interface ServerCommand {
  /** Names the server in messages. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Beside this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly port: number;
}

const readyWithinMs = 60_000;
const stopWithinMs = 15_000;

/** Lets Ctrl-C and SIGTERM end this process in the ordinary way, so that the servers it started are ended too. */
export function endOnSignals(): void {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
}

/**
 * Starts a server and waits until /health/ready answers 200.
 *
 * @throws Error with the server's own output if it exits first or isn't ready within 60 s; it's ended then.
 */
export async function startServer(server: ServerCommand): Promise<ServerProcess> {
  const { name, command, environment, port } = server;
  const scratch = createScratchFolder();
  const begunMs = performance.now();
  // Without settings of Plumb's or of its traces, so that a run measures the defaults.
  const plain = Object.entries(process.env).filter(([variable]) => !/^(?:PLUMB|OTEL)_/.test(variable));
  const env = { ...Object.fromEntries(plain), ...environment };
  const started = new StartedProcess(command, {
    name,
    logFile: join(scratch.path, "output.log"),
    cwd: projectRoot,
    env,
  });
  const stop = async () => {
    const { code } = await started.end(stopWithinMs);
    scratch.remove();
    return code;
  };
  try {
    await started.untilAnswering(`http://127.0.0.1:${port}/health/ready`, readyWithinMs);
    return { pid: started.pid, port, startedMs: performance.now() - begunMs, stop };
  } catch (reason) {
    await stop();
    throw reason;
  }
}

/** Plumb itself, as a user would start it, on free ports and with its defaults but for `flags`. */
export async function startPlumb(
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess & { readonly adminPort: number }> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const address = ["--host", "127.0.0.1", "--http-port", String(port), "--admin-port", String(adminPort)];
  const command = serveCommand(join(projectRoot, "bin", "plumb.js"), [...address, ...flags]);
  return { ...(await startServer({ name: "plumb serve", command, environment, port })), adminPort };
}
