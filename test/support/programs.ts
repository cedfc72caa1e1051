/**
 * Programs of other makers that a test works with for real; `npm test` installs them where it can
 * (`scripts/setup/debian.mjs`).
 */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Ended, ServerProcess } from "../../scripts/server-process.mjs";

/** Such a program doesn't notice that its test is gone, so a shell waits for the end of standard input and ends it. */
const untilInputEnds =
  'exec 3<&0; "$@" </dev/null & pid=$!; { cat <&3; kill -TERM "$pid"; } >/dev/null 2>&1 & wait "$pid"';

/** A program that runs until it is ended, or its test's process is gone. */
export class RunningProgram extends ServerProcess {
  constructor(command: readonly string[], options: { name: string; cwd: string }) {
    super(["sh", "-c", untilInputEnds, "sh", ...command], { ...options, stdio: "pipe" });
  }

  override async end(): Promise<Ended> {
    this.child.stdin!.end();
    return await this.ended;
  }
}

/** Debian keeps servers where only root's shell looks. */
const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** @returns The program's path, or undefined where it isn't installed. */
export function findProgram(name: string): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * The program's path; skips the test that asks, with one line, where it isn't installed.
 *
 * @param context - The test's own: `it("...", (context) => { const promtool = needProgram(context, "promtool"); ...
 *   })`.
 */
export function needProgram(context: { skip(note?: string): never }, name: string): string {
  return findProgram(name) ?? context.skip(`${name} isn't installed: npm test installs it on Debian, as root`);
}
