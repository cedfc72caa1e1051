/**
 * The declarative side of a simulation: the machine, the models, the event loop's costs and the callers. No policy is
 * in it.
 */

import type { Execution } from "../../server/inference/choose-executor.js";

/** A run of n rows takes `fixedUs + perRowUs * n`. */
export interface ServiceCost {
  readonly fixedUs: number;
  readonly perRowUs: number;
}

/** Costs are multiplied by `factor` from `fromS` on, until the next one; 1 before the first. */
export interface Slowdown {
  readonly fromS: number;
  readonly factor: number;
}

export interface SimulatedLane {
  /** Default 200. */
  readonly sloMs?: number;
  /** What a run costs on the event loop; undefined: the version has no session there. */
  readonly inline?: ServiceCost | undefined;
  readonly pool: ServiceCost;
  /** Deviation of the logarithm of a run's duration; its mean stays. Default 0.05. */
  readonly noise?: number;
  /** The model's runs become slower, or faster. */
  readonly drift?: readonly Slowdown[];
  /** A share of the runs takes so much longer. */
  readonly stalls?: { readonly share: number; readonly ms: number };
  /** The first run that a worker begins after this time never ends. */
  readonly hangAtS?: number;
  /** Warm-up runs rows of zeros, which may be cheaper: their cost as a share of a real row's. Default 1. */
  readonly warmUpShare?: number;
}

/** What the event loop does for a call beside the model, microseconds. */
export interface LoopCosts {
  /** From the socket to the queue; and for each row beyond the first. */
  readonly decodeUs: number;
  readonly decodeRowUs: number;
  /** A refused call, from the socket to its reply. */
  readonly refuseUs: number;
  readonly replyUs: number;
  readonly replyRowUs: number;
  /** To give a batch to a worker and take its outputs back. */
  readonly handOverUs: number;
  readonly turnUs: number;
}

export interface RatePhase {
  readonly fromS: number;
  readonly perS: number;
}

/** Callers of one kind. Each has its own random numbers, so that another stream beside it doesn't change it. */
export interface Stream {
  readonly name?: string;
  /** Default 0. */
  readonly lane?: number;
  /** Open loop: calls per second, from the start or by phases. */
  readonly perS?: number | readonly RatePhase[];
  /** Default poisson. */
  readonly arrivals?: "poisson" | "even";
  /** Closed loop: so many callers, each of which calls again as soon as it is answered. */
  readonly callers?: number;
  /** Rows of a call. Default 1. */
  readonly rows?: number;
  /** `x-timeout-ms`. */
  readonly timeoutMs?: number;
  /** The caller hangs up. */
  readonly leaveAfterMs?: number;
  /** A caller who is told to try again later does so, this many times, after a time between the two: [0, 0] at once. */
  readonly retry?: { readonly times: number; readonly afterMs: readonly [number, number] };
}

export interface Setup {
  readonly seed: number;
  /** Default auto. */
  readonly execution?: Execution;
  /** Default 1. */
  readonly workers?: number;
  readonly lanes: readonly SimulatedLane[];
  readonly loop?: Partial<LoopCosts>;
  /** A neighbour takes a part of the machine: everything becomes slower. */
  readonly machine?: readonly Slowdown[];
  /**
   * The event loop and the workers have too few cores for all of them: each is slower by this share while the other
   * works. Default 0; with 1, a loop and a worker that both work do no more than one of them alone.
   */
  readonly contention?: number;
  readonly traffic: readonly Stream[];
  /** No call is sent afterwards; those in flight are waited for. */
  readonly untilS: number;
  /** Figures are of calls that are sent from here on. Default 0. */
  readonly measureFromS?: number;
}

/**
 * As measured for one-row calls over HTTP (perf, 128 connections): 16 us in all, half of it the reply's socket write.
 */
export const defaultLoopCosts: LoopCosts = {
  decodeUs: 8,
  decodeRowUs: 1,
  refuseUs: 13,
  replyUs: 7,
  replyRowUs: 0.3,
  handOverUs: 50,
  turnUs: 3,
};

export const defaultSloMs = 200;

/** The factor that holds at a time. */
export function slowdownAt(slowdowns: readonly Slowdown[] | undefined, atS: number): number {
  return slowdowns?.findLast(({ fromS }) => fromS <= atS)?.factor ?? 1;
}
