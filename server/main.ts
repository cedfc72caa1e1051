/** `plumb serve`: settings, and how many processes serve. */

import { existsSync } from "node:fs";
import { type Config, countProcesses, readConfig } from "./config.js";
import { readMachine } from "./machine.js";

/**
 * Serves until a signal says to stop (`onSignals`).
 *
 * @returns The exit code: 0 after a drain that answered everything, 1 if requests or runs were cut off or the server
 *   couldn't start, 2 for a wrong setting.
 */
export async function serve(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  workingDirectory: string,
): Promise<number> {
  let config: Config;
  try {
    config = readConfig(args, environment, workingDirectory);
  } catch (error) {
    process.stderr.write(`plumb serve: ${(error as Error).message}\n`);
    return 2;
  }
  if (!existsSync(config.models)) {
    process.stderr.write(noStore(config.models));
    return 1;
  }
  const machine = readMachine();
  const processes = countProcesses(config, machine);
  // Whichever it is, nothing of the other is loaded.
  if (processes > 1) {
    const { servePlanes } = await import("./planes/main.js");
    return await servePlanes(config, machine, processes);
  }
  const { serveAlone } = await import("./alone.js");
  return await serveAlone(config);
}

/** For somebody who has just installed the command: three lines. */
function noStore(models: string): string {
  return `plumb serve: no bundle is in the model store ${models}: there is no such folder
  make one from a model you have: pip install plumb-trainer, then plumb-trainer import FILE --rows ROWS.csv --out ${models}
  or name the store you have, a folder of <name>/<version>/: plumb serve --models STORE
`;
}
