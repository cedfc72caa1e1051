/**
 * An observer of one's own: between which numbers a version's predictions lie.
 *
 * In the server it would be `server/observe/prediction-range.ts`, and a line in the list of observers in
 * `server/server.ts`: `this.#observers = [..., new PredictionRange((line) => this.#logs.event("info", line))]`.
 */

import type { Observer } from "../../server/observe/observer.js";
import type { CallRecord } from "../../server/path/call.js";

export class PredictionRange implements Observer {
  readonly #tell: (line: string) => void;
  readonly #ranges = new Map<string, { least: number; most: number }>();

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  onCall({ version, answer, unanswered, fallback }: CallRecord): void {
    // A call that was refused has no answer, and a fallback's isn't the model's.
    if (version === undefined || answer === undefined || fallback !== undefined) return;
    let range = this.#ranges.get(version.key);
    if (range === undefined) {
      range = { least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY };
      this.#ranges.set(version.key, range);
    }
    for (const [row, prediction] of answer.predictions.entries()) {
      if (typeof prediction !== "number" || unanswered?.has(row)) continue;
      range.least = Math.min(range.least, prediction);
      range.most = Math.max(range.most, prediction);
    }
  }

  async close(): Promise<boolean> {
    for (const [key, { least, most }] of this.#ranges) this.#tell(`${key}: predictions from ${least} to ${most}`);
    return true;
  }
}
