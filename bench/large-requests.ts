/** Rows per second of 1000-row requests, beside bare ONNX Runtime on the same rows in batches of 64 and one thread. */

import { saturate } from "../loadtest/closed-loop.js";
import { requestBytes, type Target } from "../loadtest/target.js";

export const rowsPerRequest = 1000;

export interface LargeRound {
  readonly onnxRowsPerSecond: number;
  /** With one request at a time, and with two. */
  readonly rowsPerSecondAtOne: number;
  readonly rowsPerSecondAtTwo: number;
  readonly errors: number;
}

export interface LargeRuns {
  readonly target: Target;
  /** A multiple of 1000 rows. */
  readonly rows: readonly string[];
  readonly rounds: number;
  readonly durationS: number;
  /** Microseconds a row. */
  readonly measureOnnx: () => Promise<number>;
}

export async function largeRounds({ target, rows, rounds, durationS, measureOnnx }: LargeRuns): Promise<LargeRound[]> {
  const requests = largeRequests(target, rows);
  await largeLoad(target, requests, 2, durationS); // untimed: the first large requests find everything cold
  const results: LargeRound[] = [];
  for (let round = 0; round < rounds; round++) {
    const onnxRowsPerSecond = 1e6 / (await measureOnnx());
    const one = await largeLoad(target, requests, 1, durationS);
    const two = await largeLoad(target, requests, 2, durationS);
    results.push({
      onnxRowsPerSecond,
      rowsPerSecondAtOne: one.rowsPerSecond,
      rowsPerSecondAtTwo: two.rowsPerSecond,
      errors: one.errors + two.errors,
    });
  }
  return results;
}

export function largeRequests(target: Target, rows: readonly string[]): Buffer[] {
  return Array.from({ length: rows.length / rowsPerRequest }, (_, i) => {
    const share = rows.slice(i * rowsPerRequest, (i + 1) * rowsPerRequest);
    return requestBytes(target, `{"rows":[${share.join(",")}]}`);
  });
}

export async function largeLoad(target: Target, requests: readonly Buffer[], connections: number, durationS: number) {
  const { summary, okPerSecond } = await saturate(target, { requests, connections, durationS, drainMs: 10_000 });
  return { rowsPerSecond: okPerSecond * rowsPerRequest, errors: summary.requests - summary.ok };
}
