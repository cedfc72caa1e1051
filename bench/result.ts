/** Everything one run of the benchmark measured: the shape of its JSON. */

import type { Machine } from "../loadtest/machine.js";
import type { CacheRound } from "./cache-hits.js";
import type { ColdStartRound } from "./cold-start.js";
import type { HttpMembersRound } from "./http-members.js";
import type { LargeRound } from "./large-requests.js";
import type { LatencyRound } from "./latency.js";
import type { MemoryUse } from "./memory.js";
import type { PeerResult } from "./peers.js";
import type { ShareRound, ThroughputRound } from "./throughput.js";
import type { TurnsRound } from "./turns.js";
import type { WideResult } from "./wide/rounds.js";
import type { WithoutKernelRound } from "./without-kernel.js";

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
  /** At 128 connections, beside a Plumb with `--engine onnxruntime`. */
  readonly withoutKernel: readonly WithoutKernelRound[];
  /** At 128 connections. */
  readonly httpMembers: readonly HttpMembersRound[];
  /** At 128 connections, with one call in a hundred traced. */
  readonly traced: readonly ShareRound[];
  /** At 128 connections. */
  readonly cache: readonly CacheRound[];
  /** The peers in Python, or why they were left out. */
  readonly peers: readonly PeerResult[] | { readonly leftOut: string };
  readonly latency: readonly LatencyRound[];
  readonly large: readonly LargeRound[];
  /** Rows of few and many features. */
  readonly wide: readonly WideResult[];
  /** 10,000-row requests, one at a time. */
  readonly turns: readonly TurnsRound[];
  readonly coldStart: readonly ColdStartRound[];
  /** Undefined where the system doesn't report it. */
  readonly memory: MemoryUse | undefined;
}
