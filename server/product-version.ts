/** The version of Plumb itself. */

import { readFileSync } from "node:fs";

/** @returns As package.json has it, which stands beside the folder of the built code. */
export function productVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
