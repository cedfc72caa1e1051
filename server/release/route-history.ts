/** The last changes of a model's route, from the end of the audit log. */

import { open } from "node:fs/promises";
import { auditFileOf } from "./audit-file.js";

const bytesMax = 1_048_576;
const changesMax = 100;

/**
 * @param routesFile - `routes.json`
 * @returns Newest first, as their lines have them.
 */
export async function readHistory(routesFile: string, modelName: string): Promise<object[]> {
  let text: string;
  try {
    const file = await open(auditFileOf(routesFile));
    try {
      const { size } = await file.stat();
      const from = Math.max(0, size - bytesMax);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      text = buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\n")
    .flatMap(changeIn)
    .filter(({ model }) => model === modelName)
    .slice(-changesMax)
    .reverse();
}

/** What isn't whole is passed over: the first line may be cut. */
function changeIn(line: string): { model?: unknown }[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
