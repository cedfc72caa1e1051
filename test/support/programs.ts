/**
 * Programs of other makers that a test works with for real; `npm test` installs them where it can
 * (`scripts/setup/debian.mjs`).
 */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

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
