/**
 * Proves bundles in a child process before anything of them is opened here: native code can die of a model, or hang in
 * it, and it takes its process along.
 *
 * The child is started for the first bundle, serves for all that come soon after, and is replaced when it dies. A proof
 * is bounded in time: a child that takes longer is killed.
 */

import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { setPriority } from "node:os";
import type { BundleFault } from "../../bundle/index.js";
import type { EngineSetting } from "../inference/engines.js";

export interface ToProver {
  readonly directory: string;
  readonly engine: EngineSetting;
}

/** Before the verdict: the child runs, and has the order. */
export interface Begins {
  readonly begins: true;
}

/** What a proof gave: of which contents, and what one row takes; or why they aren't proved. Plain data. */
export type FromProver =
  | { readonly digest: string; readonly rowMs: number }
  | { readonly fault: BundleFault | "failed"; readonly problems: readonly string[] };

export interface ProverOptions {
  readonly engine: EngineSetting;
  /** How long a proof may take from when the child begins it, milliseconds. */
  readonly timeoutMs: number;
  /** How long a child waits for the next bundle, milliseconds. */
  readonly idleMs?: number;
}

/** A release of several models comes within seconds. */
const idleMsDefault = 10_000;
/** How long a child may take to begin at most: its start is the machine's, not the bundle's. */
const beginMsMax = 60_000;
/** Below what serves: a proof takes what that leaves. */
const niceness = 10;

export class Prover {
  readonly #options: ProverOptions;
  #child: ChildProcess | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ProverOptions) {
    this.#options = options;
  }

  /** The child's, for who looks after it; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Never fails: whatever happens to the child is the bundle's fault. One after the other. */
  prove(directory: string): Promise<FromProver> {
    const proof = this.#last.then(() => this.#prove(directory));
    this.#last = proof;
    return proof;
  }

  #prove(directory: string): Promise<FromProver> {
    const { engine, timeoutMs, idleMs = idleMsDefault } = this.#options;
    clearTimeout(this.#idleTimer);
    const child = this.#open();
    return new Promise<FromProver>((resolve) => {
      let late: string | undefined;
      const killAfter = (ms: number, why: string) =>
        setTimeout(() => {
          late = why;
          child.kill("SIGKILL");
        }, ms);
      let timer = killAfter(beginMsMax, `the process that proves it didn't begin within ${beginMsMax} ms`);
      const hear = (message: Begins | FromProver) => {
        if (!("begins" in message)) return end(message);
        clearTimeout(timer);
        timer = killAfter(timeoutMs, `its proof took longer than ${timeoutMs} ms (proveTimeoutMs)`);
      };
      const end = (verdict: FromProver) => {
        clearTimeout(timer);
        child.off("message", hear);
        child.off("exit", die);
        this.#idleTimer = setTimeout(() => this.#end(), idleMs).unref();
        resolve(verdict);
      };
      const die = (code: number | null, signal: string | null) => {
        this.#child = undefined;
        const how = late ?? `the process that proved it died of it: ${signal ?? `exit code ${code}`}`;
        end({ fault: "failed", problems: [how] });
      };
      child.on("message", hear);
      child.on("exit", die);
      if (this.#isClosed) child.kill("SIGKILL");
      const order: ToProver = { directory, engine };
      // A child that is gone is noticed by its end.
      child.send(order, undefined, undefined, () => {});
    });
  }

  #open(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = fork(createRequire(import.meta.url).resolve("#prover-process"), [String(process.pid)], {
      serialization: "advanced",
      // Nothing of the parent's: its flags are about the server.
      execArgv: ["--max-semi-space-size=1"],
      // What the runtime prints would repeat values of rows.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    // One that can't be started has no exit.
    child.once("error", () => child.emit("exit", null, "it could not be started"));
    try {
      setPriority(child.pid!, niceness);
    } catch {
      // Not allowed everywhere, and needed nowhere.
    }
    return child;
  }

  #end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  /** Kills the child, whatever it does. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#end();
  }
}
