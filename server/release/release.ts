/** How versions change while the server serves: routes, the arms of calls, and what is counted of them. */

import { ArmMetrics } from "../observe/arm-metrics.js";
import type { Arms as ArmsOfPath, PathParts } from "../path/predict.js";
import { Arms } from "../routing/arms.js";
import type { RoutingPolicy } from "../routing/policy.js";
import { RouteTable } from "../routing/route-table.js";
import { routed } from "../routing/routed.js";
import type { Registry } from "../versions/registry.js";
import { findFault } from "./find-fault.js";
import { RouteStore, type RouteStoreOptions } from "./route-store.js";

export interface ReleaseOptions extends Pick<RouteStoreOptions, "file" | "log" | "wallClock"> {
  readonly registry: () => Registry;
  /** Whether callers may ask for an arm. */
  readonly mayForce: boolean;
}

export class Release {
  readonly table = new RouteTable();
  readonly store: RouteStore;
  readonly armMetrics = new ArmMetrics();
  readonly #mayForce: boolean;

  constructor({ registry, mayForce, ...options }: ReleaseOptions) {
    this.#mayForce = mayForce;
    this.store = new RouteStore({
      ...options,
      findFault: (modelName, route) => findFault(registry(), modelName, route),
      onSwap: (routes) => this.table.swap(routes),
    });
  }

  /** @param otherwise - For models without a route. */
  policy(otherwise: RoutingPolicy): RoutingPolicy {
    return routed(this.table, otherwise);
  }

  arms(routes: PathParts["routes"]): ArmsOfPath {
    return new Arms(this.table, routes, this.#mayForce);
  }
}
