/**
 * The executors of a simulation: workers whose runs end at an event, and a runner that holds the event loop. Nothing is
 * computed.
 */

import type { Random } from "../../loadtest/random.js";
import type { Block } from "../../preprocessing/index.js";
import type { Runner, RunnerSpec, RunResult } from "../../server/inference/runner.js";
import { StuckRunError, type WorkerPool } from "../../server/inference/worker-pool.js";
import { type ServiceCost, type SimulatedLane, type Slowdown, slowdownAt } from "./setup.js";
import type { SimulatedLoop } from "./simulated-loop.js";

/** Until another worker stands in the place of one that was written off. */
const replaceMs = 300;

/** Draws how long runs of a lane take. */
export class ServiceTimes {
  readonly #lane: SimulatedLane;
  readonly #machine: readonly Slowdown[] | undefined;
  readonly #random: Random;
  #hung = false;

  constructor(lane: SimulatedLane, machine: readonly Slowdown[] | undefined, random: Random) {
    this.#lane = lane;
    this.#machine = machine;
    this.#random = random;
  }

  draw({ fixedUs, perRowUs }: ServiceCost, rowCount: number, atS: number): number {
    const { noise = 0.05, drift, stalls } = this.#lane;
    const factor = slowdownAt(this.#machine, atS) * slowdownAt(drift, atS);
    const luck = noise === 0 ? 1 : Math.exp(noise * this.#random.normal() - (noise * noise) / 2);
    const stallUs = stalls && this.#random.uniform() < stalls.share ? stalls.ms * 1000 : 0;
    return (fixedUs + perRowUs * rowCount) * factor * luck + stallUs;
  }

  drawPooled(rowCount: number, atS: number): number {
    if (!this.#hung && atS >= (this.#lane.hangAtS ?? Number.POSITIVE_INFINITY)) {
      this.#hung = true;
      return Number.POSITIVE_INFINITY;
    }
    return this.draw(this.#lane.pool, rowCount, atS);
  }
}

export interface SimulatedPoolOptions {
  readonly workers: number;
  readonly loop: SimulatedLoop;
  /** What a run takes, microseconds. */
  readonly serviceUs: (key: string, rowCount: number) => number;
  /** Of the event loop, for each batch. */
  readonly handOverUs: () => number;
  readonly onRan: (rowCount: number) => void;
  readonly onFault: (message: string) => void;
}

export class SimulatedPool implements WorkerPool {
  readonly workers: number;
  onIdle: () => void = () => {};
  idle: number;
  readonly #options: SimulatedPoolOptions;

  constructor(options: SimulatedPoolOptions) {
    this.#options = options;
    this.workers = options.workers;
    this.idle = options.workers;
  }

  comesInMs(): number {
    return 0;
  }

  async run(key: string, blocks: Block[], rowCount: number, limitMs = Number.POSITIVE_INFINITY): Promise<RunResult> {
    const { loop, serviceUs, handOverUs, onRan, onFault } = this.#options;
    if (this.idle === 0) onFault("a batch was given to a pool without an idle worker");
    if (blocks.some(({ length }) => length !== rowCount)) onFault("a batch's block has another length than its rows");
    this.idle--;
    loop.hold(handOverUs() / 2);
    const runMs = serviceUs(key, rowCount) / 1000;
    return new Promise((resolve, reject) => {
      const end = () => {
        loop.hold(handOverUs() / 2);
        onRan(rowCount);
        this.#free();
        resolve(resultOf(rowCount));
      };
      const stuck = () => {
        loop.at(loop.nowMs + replaceMs, this.#free);
        reject(new StuckRunError(limitMs));
      };
      if (runMs <= limitMs) {
        if (runMs < Number.POSITIVE_INFINITY) loop.at(loop.nowMs + runMs, end, true);
      } else loop.at(loop.nowMs + limitMs, stuck, true);
    });
  }

  readonly #free = (): void => {
    this.idle++;
    this.onIdle();
  };
}

export function createSimulatedRunner(
  spec: RunnerSpec,
  runFor: (rowCount: number) => void,
  onFault: (message: string) => void,
): Runner {
  return {
    spec,
    run(blocks, rowCount) {
      if (blocks.some(({ length }) => length !== rowCount)) onFault("a batch's block has another length than its rows");
      runFor(rowCount);
      return resultOf(rowCount);
    },
    room: (rowsMost) => [new Float32Array(rowsMost)],
    release() {},
  };
}

function resultOf(rowCount: number): RunResult {
  return { raw: [new Float32Array(rowCount)], failedRows: [], failure: undefined };
}
