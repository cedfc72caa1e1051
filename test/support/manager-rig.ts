/** A manager with real workers and a real scheduler, and no listener: what a test adds and removes, it can look into. */

import type { Execution } from "../../server/inference/choose-executor.js";
import { openEngines } from "../../server/inference/engines.js";
import { Pools } from "../../server/inference/pools.js";
import { Scheduler } from "../../server/inference/scheduler.js";
import { createPath } from "../../server/path/predict.js";
import { Slices } from "../../server/path/slices.js";
import { newestReady } from "../../server/routing/newest-ready.js";
import { storeExecutors } from "../../server/store-executors.js";
import { Turns } from "../../server/turns.js";
import { Manager } from "../../server/versions/manager.js";
import { Registry } from "../../server/versions/registry.js";
import type { Servable } from "../../server/versions/servable.js";
import type { VersionState } from "../../server/versions/states.js";
import { makeCall, type Sent } from "./calls.js";

/** States that servables have had, in whatever rig. */
export const statesEntered = new Set<VersionState>();

export function createManagerRig(execution: Execution, workers: number) {
  const now = () => performance.now();
  const troubles: string[] = [];
  const pools = new Pools({ workers, onTrouble: (message) => troubles.push(message), onStuck: () => {} });
  const scheduler = new Scheduler({
    execution,
    pool: pools.threads,
    now,
    defer: setImmediate,
    onBatch: () => {},
    onTrouble: (_, message) => troubles.push(message),
  });
  openEngines();
  const registry = new Registry(undefined, newestReady);
  const turns = new Turns({ now, defer: setImmediate });
  const logged: string[] = [];
  const gone: string[] = [];
  const manager = new Manager({
    registry,
    turns,
    executors: storeExecutors({ execution, engine: "auto" }, pools, scheduler, now),
    listener: {
      onRead: watchStates,
      onEngines() {},
      onServing() {},
      onGone: ({ key }) => void gone.push(key),
    },
    log: (_level, message) => void logged.push(message),
  });
  const path = createPath({
    admission: { enter() {}, leave() {} },
    routes: registry,
    scheduler,
    slices: new Slices({ now, defer: setImmediate }),
    now,
    observers: [],
  });

  /** Resolves with the answer. */
  async function predict(model: string, value: number, version?: string): Promise<Sent> {
    const named = { model, ...(version !== undefined && { version }) };
    const { call, sent } = makeCall({ body: JSON.stringify({ value }), arrivedMs: now(), ...named });
    path.predict(call);
    while (sent.length === 0) await new Promise(setImmediate);
    return sent[0]!;
  }

  /** What each worker says of a version, in as many words as there are workers. */
  async function sessionsOf(key: string): Promise<string[]> {
    const pool = pools.processes?.workers && key.startsWith("spin") ? pools.processes : pools.threads;
    if (pool === undefined) return [];
    // As many runs at once as there are workers: each gets one.
    const runs = Array.from({ length: pool.workers }, () => pool.run(key, [Float32Array.of(1)], 1, 20_000));
    const ends = await Promise.allSettled(runs);
    return ends.map((end) => (end.status === "fulfilled" ? "runs it" : (end.reason as Error).message));
  }

  async function close(): Promise<void> {
    turns.stop();
    await pools.close(20_000);
  }

  return { manager, registry, scheduler, pools, turns, logged, gone, troubles, predict, sessionsOf, close };
}

function watchStates(servable: Servable): void {
  statesEntered.add(servable.state);
  const { transition } = servable;
  servable.transition = (next) => {
    transition.call(servable, next);
    statesEntered.add(servable.state);
  };
}
