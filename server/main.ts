/** `plumb serve`: settings, and a server. */

import { serveAlone } from "./alone.js";
import { type Config, readConfig } from "./config.js";

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
  return await serveAlone(config);
}
