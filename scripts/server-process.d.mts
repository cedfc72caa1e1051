import type { ChildProcess, SpawnOptions } from "node:child_process";

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export declare class ServerProcess {
  readonly child: ChildProcess;
  /** When the process and its output have ended. */
  readonly ended: Promise<Ended>;
  readonly hasEnded: boolean;
  readonly stdout: string;
  readonly stderr: string;
  httpPort: number;
  adminPort: number;
  constructor(command: readonly string[], options?: SpawnOptions & { name?: string; logFile?: string });
  get pid(): number;
  kill(signal: NodeJS.Signals): void;
  end(patienceMs?: number): Promise<Ended>;
  until<T>(look: (server: this) => T | undefined, patienceMs?: number): Promise<T>;
  untilServing(patienceMs?: number): Promise<this>;
  untilAnswering(url: string, patienceMs?: number): Promise<void>;
}

export declare function serveCommand(
  program: string,
  flags: readonly string[],
  nodeFlags?: readonly string[],
): string[];
export declare function freePorts(count: number): Promise<number[]>;
