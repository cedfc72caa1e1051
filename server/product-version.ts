/** The version of Plumb itself. */

import { createRequire } from "node:module";

/** @returns As package.json has it. */
export function productVersion(): string {
  return (createRequire(import.meta.url)("#package.json") as { version: string }).version;
}
