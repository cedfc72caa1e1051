/** How much can the server do? Closed loop at 1, 32 and 128 connections. For a quick look; `npm run bench` measures. */

import type { Autocannon, AutocannonRun } from "../generators.js";
import { figure, textTable } from "../table.js";
import type { Target } from "../target.js";

export interface SaturationLevel extends AutocannonRun {
  readonly connections: number;
}

export interface SaturationReport {
  readonly scenario: "saturation";
  readonly generator: string;
  readonly durationS: number;
  readonly levels: readonly SaturationLevel[];
  readonly passed: boolean;
}

export const connectionLevels = [1, 32, 128] as const;

/** Passes where no request ends in an error. */
export async function runSaturation(
  target: Target,
  generator: Autocannon,
  durationS: number,
): Promise<SaturationReport> {
  const levels: SaturationLevel[] = [];
  for (const connections of connectionLevels)
    levels.push({ connections, ...(await generator.saturate(target, connections, durationS)) });
  return {
    scenario: "saturation",
    generator: generator.name,
    durationS,
    levels,
    passed: levels.every(({ errors }) => errors === 0),
  };
}

export function saturationText({ generator, levels, passed }: SaturationReport): string {
  const lines = levels.map(({ connections, requestsPerSecond, p50Ms, p99Ms, errors }) => [
    String(connections),
    figure(requestsPerSecond),
    figure(p50Ms),
    figure(p99Ms),
    String(errors),
  ]);
  return [
    textTable([["connections", "requests/s", "P50 ms", "P99 ms", "errors"], ...lines]),
    "",
    `${passed ? "PASS: no errors" : "FAIL: errors"} (${generator}, closed loop)`,
  ].join("\n");
}
