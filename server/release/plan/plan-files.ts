/**
 * What plans leave on the disk, beside routes.json: where each stands (`routes.plans.json`, replaced whole), and every
 * verdict with its numbers, for good (`routes.verdicts.jsonl`, a line each).
 */

import { appendFile, open, readFile, rename, rm } from "node:fs/promises";
import type { PlanState } from "./plan-state.js";

const format = "plumb-plans/1";

export class PlanFiles {
  readonly #states: string;
  readonly #verdicts: string;

  /** @param routesFile - `routes.json` */
  constructor(routesFile: string) {
    const stem = routesFile.replace(/\.json$/, "");
    this.#states = `${stem}.plans.json`;
    this.#verdicts = `${stem}.verdicts.jsonl`;
  }

  /**
   * By model.
   *
   * @throws Error with a sentence when the file is there and can't be taken.
   */
  async read(): Promise<Map<string, PlanState>> {
    let text: string;
    try {
      text = await readFile(this.#states, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
      throw new Error(`${this.#states} can't be read: ${(error as Error).message}`);
    }
    try {
      const json = JSON.parse(text) as { format: string; plans: Record<string, PlanState> };
      if (json.format !== format) throw new Error(`expected the format ${format}, got ${JSON.stringify(json.format)}`);
      return new Map(Object.entries(json.plans));
    } catch (error) {
      throw new Error(`${this.#states} can't be taken: ${(error as Error).message}`);
    }
  }

  async write(states: ReadonlyMap<string, PlanState>): Promise<void> {
    const beside = `${this.#states}.${process.pid}.new`;
    try {
      const handle = await open(beside, "w");
      try {
        await handle.writeFile(`${JSON.stringify({ format, plans: Object.fromEntries(states) })}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, this.#states);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  }

  async append(line: object): Promise<void> {
    await appendFile(this.#verdicts, `${JSON.stringify(line)}\n`);
  }
}
