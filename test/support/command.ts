/** The command line, called: in this process where only its words and exit code matter, as a real process where streams and signals do. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

export interface CommandResult {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls a command in this process; what it writes to standard output and error is caught. */
export async function callCommand(command: (args: readonly string[]) => Promise<number>, args: readonly string[]): Promise<CommandResult> {
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

/** Starts `bin/plumb.js`. */
export function startPlumb(args: readonly string[]) {
  return spawn(process.execPath, [bin, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

/** Runs `bin/plumb.js` to its end. */
export async function runPlumb(args: readonly string[], input: string | Uint8Array = ""): Promise<CommandResult> {
  const child = startPlumb(args);
  const outputs = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ["stdout", "stderr"] as const) child[name].on("data", (chunk: Buffer) => outputs[name].push(chunk));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  return { code, stdout: Buffer.concat(outputs.stdout).toString(), stderr: Buffer.concat(outputs.stderr).toString() };
}
