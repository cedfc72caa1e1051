/** Who loads and runs versions, as the model store needs it: the pools, and the scheduler's lanes. */

import type { Config } from "./config.js";
import type { Pools } from "./inference/pools.js";
import type { Scheduler } from "./inference/scheduler.js";
import type { Executors } from "./versions/load-servable.js";
import type { HeldWhere } from "./versions/memory-estimate.js";

export function storeExecutors(
  { execution, engine }: Pick<Config, "execution" | "engine">,
  pools: Pools,
  scheduler: Scheduler,
  now: () => number,
): Executors {
  return {
    execution,
    engine,
    get threads() {
      return pools.threads;
    },
    loadInThreads: (spec, prepare) => pools.loadInThreads(spec, prepare),
    loadInProcesses: (spec) => pools.loadInProcesses(spec),
    endLoading: () => pools.endLoading(),
    unload: (key) => pools.unload(key),
    openLane: (servable, runner, pool) => scheduler.addLane(servable, runner, pool),
    closeLane: (servable) => scheduler.removeLane(servable),
    now,
  };
}

/** The memory budget of a server's versions; undefined for none. */
export function memoryBudget(config: Pick<Config, "execution" | "cacheBytes" | "memoryBudgetBytes">, workers: number) {
  const { execution, cacheBytes, memoryBudgetBytes: bytes } = config;
  const where: HeldWhere = { workers, onLoop: execution !== "pool", cacheBytes };
  return bytes === 0 ? undefined : { bytes, where };
}
