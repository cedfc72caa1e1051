/**
 * How both tools run as programs: exit code 2 with a sentence for wrong usage, 1 with the trace for everything else
 * that goes wrong.
 */

import { OptionError } from "./options.js";
import { endOnSignals } from "./server-process.js";

export async function runAsProgram(
  command: (args: readonly string[], say: (text: string) => void) => Promise<number>,
): Promise<void> {
  endOnSignals();
  try {
    process.exitCode = await command(process.argv.slice(2), (text) => console.log(text));
  } catch (reason) {
    console.error(reason instanceof OptionError ? `${reason.message}\nSee --help.` : reason);
    process.exitCode = reason instanceof OptionError ? 2 : 1;
  }
}
