/** Where the project is, how the scripts speak, and how they run something that isn't theirs. */

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The project's root, wherever the command was typed. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A failure that the reader can mend: printed as one line, without a stack. */
export class SetupError extends Error {}

/** Everything the scripts say goes to stderr: stdout belongs to the program that they start. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Runs a script's main function; a {@link SetupError} ends the process with its line. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`plumb: ${error.message}`);
    process.exit(1);
  }
}

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program to its end, without stdin.
 *
 * A signal sent to this process goes to the child, and this process ends after it: nothing is left behind.
 *
 * @param options.stdout - "inherit", or "stderr" for set-up steps, so that a program's output stays its own.
 * @returns The exit code; 128 + n for a child that signal n ended.
 */
export async function run(command, args, { env = {}, cwd = root, stdout = "inherit" } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", stdout === "stderr" ? 2 : "inherit", "inherit"],
  });
  let received;
  const forward = (signal) => {
    received = signal;
    child.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, forward);
  try {
    const code = await new Promise((resolve, reject) => {
      child.on("error", (error) => reject(new SetupError(`${command} could not be started (${error.message})`)));
      child.on("close", (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
    });
    if (received) process.exit(128 + constants.signals[received]);
    return code;
  } finally {
    for (const signal of forwarded) process.off(signal, forward);
  }
}

/**
 * Runs `work` while no other script of this checkout is setting up: `npm start` and `npm test` may be typed at once.
 *
 * The lock is a file with the owner's process id; a lock whose owner is gone is taken over.
 */
export async function alone(work) {
  const folder = join(root, ".cache");
  const lock = join(folder, "setup.lock");
  mkdirSync(folder, { recursive: true });
  for (let waiting = false; !take(lock); waiting = true) {
    if (!waiting) say(`plumb: another script is setting up this checkout; waiting until it removes ${lock}`);
    await delay(200);
  }
  const release = () => rmSync(lock, { force: true });
  process.on("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (ownerIsGone(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function ownerIsGone(lock) {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}
