/** Everything one run of the benchmark measured: the shape of its JSON. */

import type { ColdStartRound } from "./cold-start.js";
import type { LargeRound } from "./large-requests.js";
import type { LatencyRound } from "./latency.js";
import type { Machine } from "./machine.js";
import type { MemoryUse } from "./memory.js";
import type { ThroughputRound } from "./throughput.js";

export interface BenchResult {
  /** ISO 8601, UTC. */
  readonly finished: string;
  readonly machine: Machine;
  /** The tool that made the closed-loop load. */
  readonly generator: string;
  readonly rounds: number;
  /** Seconds of load on each server in a round. */
  readonly roundS: number;
  readonly throughput: readonly { readonly connections: number; readonly rounds: readonly ThroughputRound[] }[];
  readonly latency: readonly LatencyRound[];
  readonly large: readonly LargeRound[];
  readonly coldStart: readonly ColdStartRound[];
  /** Undefined where the system doesn't tell. */
  readonly memory: MemoryUse | undefined;
}
