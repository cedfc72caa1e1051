/**
 * The command line, called: in this process where only its words and exit code matter, as a real process where streams
 * and signals do.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

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
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<CommandResult>;
  #stdout = "";

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [bin, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    let stderr = "";
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    // A command that ends before it has read everything is no fault of whoever writes.
    this.#child.stdin.on("error", () => {});
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject).on("close", (code) => resolve({ code, stdout: this.#stdout, stderr }));
    });
  }

  write(input: string | Uint8Array): void {
    this.#child.stdin.write(input);
  }

  /** Nothing more is written. Resolves with what it said when it has ended. */
  async end(input: string | Uint8Array = ""): Promise<CommandResult> {
    this.#child.stdin.end(input);
    return this.#ended;
  }

  /** Stops reading its standard output, as `head` does. Resolves when it has ended. */
  async stopReading(): Promise<CommandResult> {
    this.#child.stdout.destroy();
    return this.#ended;
  }

  /** Resolves when so many lines are on standard output. @throws Error when it ends before. */
  async untilLines(count: number): Promise<string[]> {
    const lines = () => this.#stdout.split("\n").slice(0, -1);
    while (lines().length < count) {
      const ended = await Promise.race([once(this.#child.stdout, "data"), this.#ended]);
      if (!Array.isArray(ended)) throw new Error(`it ended with ${ended.code}: ${ended.stderr}`);
    }
    return lines();
  }
}

/** Runs `bin/plumb.js` to its end. */
export async function runPlumb(args: readonly string[], input: string | Uint8Array = ""): Promise<CommandResult> {
  return new PlumbProcess(args).end(input);
}
