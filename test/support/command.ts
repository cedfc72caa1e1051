/**
 * The command line, called: in this process where only its words and exit code matter, as a real process where streams
 * and signals do.
 */

import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { ServerProcess } from "../../scripts/server-process.mjs";

export interface CommandResult {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls a command in this process; what it writes to standard output and error is caught. */
export async function callCommand(
  command: (args: readonly string[]) => Promise<number>,
  args: readonly string[],
): Promise<CommandResult> {
  const caught = { stdout: "", stderr: "" };
  const catching = (name: "stdout" | "stderr") =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      caught[name] += String(text);
      return true;
    });
  const spies = [catching("stdout"), catching("stderr")];
  try {
    return { code: await command(args), ...caught };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const bin = fileURLToPath(new URL("../../bin/plumb.js", import.meta.url));

/** A real `bin/plumb.js` that runs. */
export class PlumbProcess {
  readonly #process: ServerProcess;

  constructor(args: readonly string[]) {
    this.#process = new ServerProcess([process.execPath, bin, ...args], { stdio: "pipe" });
  }

  write(input: string | Uint8Array): void {
    this.#process.child.stdin!.write(input);
  }

  /** Nothing more is written. Resolves with what it said when it has ended. */
  async end(input: string | Uint8Array = ""): Promise<CommandResult> {
    this.#process.child.stdin!.end(input);
    return this.#result();
  }

  /** Stops reading its standard output, as `head` does. Resolves when it has ended. */
  async stopReading(): Promise<CommandResult> {
    this.#process.child.stdout!.destroy();
    return this.#result();
  }

  /** Resolves when so many lines are on standard output. @throws Error when it ends before. */
  async untilLines(count: number): Promise<string[]> {
    return await this.#process.until(({ stdout }) => {
      const lines = stdout.split("\n").slice(0, -1);
      return lines.length < count ? undefined : lines;
    });
  }

  async #result(): Promise<CommandResult> {
    const { code } = await this.#process.ended;
    const { stdout, stderr } = this.#process;
    return { code, stdout, stderr };
  }
}

/** Runs `bin/plumb.js` to its end. */
export async function runPlumb(args: readonly string[], input: string | Uint8Array = ""): Promise<CommandResult> {
  return new PlumbProcess(args).end(input);
}
