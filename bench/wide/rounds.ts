/**
 * Rows of few and many features, one and a hundred in a request, beside the raw limit: what a request costs where its
 * JSON is most of it.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../loadtest/random.js";
import { createScratchFolder } from "../../loadtest/scratch.js";
import { startPlumb } from "../../loadtest/server-process.js";
import { type Contender, type Load, pairedRounds } from "../paired.js";
import { createGenerator } from "../wrk.js";
import { writeWideBundle } from "./bundle.js";

interface Shape {
  readonly features: number;
  readonly rowsPerRequest: number;
  readonly connections: number;
}

const shapes: readonly Shape[] = [
  { features: 4, rowsPerRequest: 1, connections: 128 },
  { features: 50, rowsPerRequest: 1, connections: 32 },
  { features: 300, rowsPerRequest: 1, connections: 32 },
  { features: 300, rowsPerRequest: 1, connections: 1 },
  { features: 50, rowsPerRequest: 100, connections: 8 },
];
/** So many bodies are sent in turn. */
const bodies = 500;

export interface WideRound {
  readonly load: Readonly<Record<"raw" | "plumb", Load>>;
}

export interface WideResult extends Shape {
  readonly rounds: readonly WideRound[];
}

export interface WideRuns {
  readonly raw: Contender;
  readonly rounds: number;
  readonly durationS: number;
  readonly seed: number;
}

export async function wideRounds({ raw, rounds, durationS, seed }: WideRuns): Promise<WideResult[]> {
  const scratch = createScratchFolder();
  const random = createRandom(seed);
  const results: WideResult[] = [];
  try {
    for (const shape of shapes) {
      const { features, rowsPerRequest, connections } = shape;
      const name = `${features}-${rowsPerRequest}-${connections}`;
      const store = join(scratch.path, name);
      const model = writeWideBundle(store, features, random);
      const sent = Array.from({ length: rowsPerRequest === 1 ? bodies : bodies / 10 }, () => {
        const rows = Array.from({ length: rowsPerRequest }, model.row);
        return JSON.stringify(rowsPerRequest === 1 ? rows[0] : { rows });
      });
      const file = join(scratch.path, `${name}.jsonl`);
      writeFileSync(file, `${sent.join("\n")}\n`);
      const generator = await createGenerator(file, sent);
      const server = await startPlumb(["--models", store, "--http", "uws"]);
      try {
        const target = { host: "127.0.0.1", port: server.port, path: `/models/${model.name}/predict` };
        const contenders = { raw: { ...raw, generator }, plumb: { target, pid: server.pid, generator } };
        // Untimed: the first requests find everything cold.
        for (const { generator, target } of Object.values(contenders))
          await generator.saturate(target, connections, 2 * durationS);
        const paired = await pairedRounds({ contenders, connections, rounds, durationS }, (load) => ({ load }));
        results.push({ ...shape, rounds: paired });
      } finally {
        await server.stop();
      }
    }
    return results;
  } finally {
    scratch.remove();
  }
}

/** Requests/s, of the raw limit's in the same round. */
export const requestsOfRaw = ({ load }: WideRound) => load.plumb.requestsPerSecond / load.raw.requestsPerSecond;
/** P50, of the raw limit's in the same round. */
export const p50OfRaw = ({ load }: WideRound) => load.plumb.p50Ms / load.raw.p50Ms;

export function shapeText({ features, rowsPerRequest, connections }: Shape): string {
  const rows = rowsPerRequest === 1 ? "one row" : `${rowsPerRequest} rows`;
  return `${features} features, ${rows} a request, ${connections === 1 ? "1 connection" : `${connections} connections`}`;
}
