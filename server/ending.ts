/** How a process that has served ends, whatever still holds it. */

import { endAtOnce } from "./signals.js";

/** What may hold a process after its server has stopped. */
export interface EndedServer {
  /** What an observer couldn't deliver: spans that no collector takes. */
  readonly recordsLeft: boolean;
  /** Threads that still run or load: a process can't exit beside them. */
  readonly threadsLeft: boolean;
  readonly logs: {
    event(level: "error", message: string): void;
    flush(timeoutMs: number): Promise<void>;
  };
}

/**
 * Ends the process with this exit code, or returns it where the process ends by itself.
 *
 * @param exitCode - 1 if something was cut off: time-outs and retries for a collector that doesn't answer would hold
 *   the process for another ten seconds and more.
 */
export async function endProcess(server: EndedServer, exitCode: number): Promise<number> {
  if (server.threadsLeft) await endBesideThreads(server);
  if (exitCode === 1 || server.recordsLeft) process.exit(exitCode);
  return exitCode;
}

/**
 * Ends the process with exit code 1 though a thread is in a run that doesn't end. `process.exit` waits for such a
 * thread for ever (Node 20), and to terminate it aborts the process. Where Node can put another program into this
 * process (22.15 and later), one that exits takes its place; elsewhere SIGKILL is what is left.
 */
async function endBesideThreads({ logs }: EndedServer): Promise<never> {
  const { execve } = process as {
    execve?: (file: string, args: readonly string[], environment: NodeJS.ProcessEnv) => never;
  };
  const how = execve ? "exit code 1" : "SIGKILL, since this Node can't exit beside it";
  logs.event("error", `a thread of the pool is still in its run: the process ends without it, by ${how}`);
  await logs.flush(1000);
  execve?.(process.execPath, [process.execPath, "-e", "process.exit(1)"], {});
  endAtOnce();
}
