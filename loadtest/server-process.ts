/**
 * Servers under load, each a process of its own: started on a free port, awaited until it answers, and ended for
 * certain.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "./project.js";
import { createScratchFolder } from "./scratch.js";

export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to the first 200 of its ready path. */
  readonly startedMs: number;
  /** The exit code once the process has ended; undefined while it runs, null where a signal ended it. */
  exitCode(): number | null | undefined;
  /**
   * Ends it by SIGTERM, after 15 s by SIGKILL. Safe to call twice. @returns The exit code, or null where a signal ended
   * it.
   */
  stop(): Promise<number | null>;
}

export interface ServerCommand {
  /** Names the server in messages. */
  readonly name: string;
  /** The program to run; by default the Node that runs this. */
  readonly program?: string;
  readonly args: readonly string[];
  /** Beside this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly port: number;
  readonly readyPath: string;
}

const readyWithinMs = 60_000;
const stopWithinMs = 15_000;
const pollEveryMs = 5;

// Whatever happens to this process, it leaves no server behind.
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Lets Ctrl-C and SIGTERM end this process in the ordinary way, so that the servers it started are ended too. */
export function endOnSignals(): void {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
}

/**
 * Starts a server and waits until its ready path answers 200.
 *
 * @throws Error with the end of the server's own output if it exits first or isn't ready within 60 s; it's ended then.
 */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const { name, program = process.execPath, args, environment, port, readyPath } = command;
  const scratch = createScratchFolder();
  const log = join(scratch.path, "output.log");
  const output = openSync(log, "w");
  const begunMs = performance.now();
  const env = { ...plainEnvironment(), ...environment };
  const child = spawn(program, args, { cwd: projectRoot, env, stdio: ["ignore", output, output] });
  closeSync(output);
  running.add(child);
  const ended = once(child, "exit").then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const exitCode = () => (child.exitCode === null && child.signalCode === null ? undefined : child.exitCode);
  const stop = async () => {
    if (exitCode() === undefined) child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
    const code = await ended;
    clearTimeout(timer);
    scratch.remove();
    return code;
  };
  try {
    await ready(`http://127.0.0.1:${port}${readyPath}`, () => exitCode() !== undefined);
    return { pid: child.pid!, port, startedMs: performance.now() - begunMs, exitCode, stop };
  } catch (reason) {
    const said = readFileSync(log, "utf8").trim().slice(-2000);
    await stop();
    throw new Error(`${name}: ${(reason as Error).message}${said === "" ? "" : `; it said:\n${said}`}`);
  }
}

export interface PlumbProcess extends ServerProcess {
  readonly adminPort: number;
}

/** Plumb itself, as a user would start it, on free ports and with its defaults but for `flags`. */
export async function startPlumb(
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<PlumbProcess> {
  const [port, adminPort] = await freePorts(2);
  const address = ["--host", "127.0.0.1", "--http-port", String(port), "--admin-port", String(adminPort)];
  const args = [join(projectRoot, "bin", "plumb.js"), "serve", ...address, ...flags];
  const server = await startServer({ name: "plumb serve", args, environment, port: port!, readyPath: "/health/ready" });
  return { ...server, adminPort: adminPort! };
}

/** Ports that nobody listens on at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

async function ready(url: string, hasEnded: () => boolean): Promise<void> {
  const untilMs = performance.now() + readyWithinMs;
  while ((await statusOf(url)) !== 200) {
    if (hasEnded()) throw new Error("ended before it was ready");
    if (performance.now() > untilMs) throw new Error(`not ready within ${readyWithinMs / 1000} s`);
    await sleep(pollEveryMs);
  }
}

/** @returns The status, or undefined where nobody answers. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

/** The environment without settings of Plumb's or of its traces, so that a run measures the defaults. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PLUMB|OTEL)_/.test(name)));
}
