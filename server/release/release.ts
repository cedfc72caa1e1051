/** How versions change while the server serves: routes, the arms of calls, shadows, and what is counted of
 * them. */

import { type Config, listed } from "../config.js";
import { ArmMetrics } from "../observe/arm-metrics.js";
import type { Family } from "../observe/exposition.js";
import type { Observer } from "../observe/observer.js";
import type { CallRecord } from "../path/call.js";
import type { Arms as ArmsOfPath, PathParts } from "../path/predict.js";
import type { ServingVersion } from "../path/serving-version.js";
import { Arms } from "../routing/arms.js";
import type { RoutingPolicy } from "../routing/policy.js";
import type { Route, Routes } from "../routing/route.js";
import { RouteTable } from "../routing/route-table.js";
import { routed } from "../routing/routed.js";
import type { Registry } from "../versions/registry.js";
import type { ModelComparison } from "./comparison-figures.js";
import { findFault } from "./find-fault.js";
import { MirrorHosts } from "./mirror/hosts.js";
import { RouteStore, type RouteStoreOptions } from "./route-store.js";
import { shadowFamilies } from "./shadow-families.js";
import { type ShadowOptions, Shadows } from "./shadows.js";

export interface ReleaseOptions extends Pick<RouteStoreOptions, "file" | "log" | "wallClock">, ShadowOptions {
  readonly registry: () => Registry;
  readonly settings: Pick<Config, "armHeader" | "mirrorHosts">;
}

export class Release implements Observer {
  readonly table = new RouteTable();
  /** Opened where this server has the file: not in one of several serving processes. */
  readonly store: RouteStore;
  readonly shadows: Shadows;
  readonly #armMetrics = new ArmMetrics();
  readonly #mayForce: boolean;
  readonly #mirrorHosts: MirrorHosts;
  readonly #registry: () => Registry;

  constructor({ registry, settings, now, defer, callsInFlight, isRefusing, ...options }: ReleaseOptions) {
    // Whether callers may ask for an arm.
    this.#mayForce = settings.armHeader === "on";
    this.#mirrorHosts = new MirrorHosts(listed(settings.mirrorHosts));
    this.#registry = registry;
    const spareTime = { now, defer, callsInFlight, isRefusing };
    this.shadows = new Shadows({
      ...spareTime,
      wallClock: options.wallClock,
      openMirrors: async () => {
        const { Mirrors } = await import("./mirror/mirrors.js");
        return new Mirrors(spareTime, this.#mirrorHosts);
      },
    });
    this.store = new RouteStore({
      ...options,
      findFault: (modelName, route) => this.findFault(modelName, route),
      onSwap: (routes) => this.take(routes),
    });
  }

  /** Why this server can't serve a route, in a sentence; undefined if it can. */
  findFault(modelName: string, route: Route): string | undefined {
    return findFault(this.#registry(), modelName, route, this.#mirrorHosts);
  }

  /** These routes hold from the next call on. */
  take(routes: Routes): void {
    this.table.swap(routes);
    if (this.table.hasMirrors) this.shadows.openMirrors();
    this.shadows.keep(({ champion: { name, number }, shadow: { key } }) => {
      const route = this.table.of(name);
      return route?.champion === number && route.shadows?.some((one) => one.key === key) === true;
    });
  }

  /** @param otherwise - For models without a route. */
  policy(otherwise: RoutingPolicy): RoutingPolicy {
    return routed(this.table, otherwise);
  }

  arms(routes: PathParts["routes"]): ArmsOfPath {
    return new Arms(this.table, routes, this.#mayForce);
  }

  /** Reads calls that have an arm: one observer, since each more costs every call. */
  onCall(record: CallRecord): void {
    if (record.arm === undefined) return;
    this.#armMetrics.onCall(record);
    this.shadows.onCall(record);
  }

  async close(): Promise<boolean> {
    return await this.shadows.close();
  }

  get families(): readonly Family[] {
    return [...this.#armMetrics.families, ...shadowFamilies(this.shadows)];
  }

  /** Of a version that is gone. */
  removeVersion(version: ServingVersion): void {
    this.#armMetrics.removeVersion(version);
    this.shadows.removeVersion(version);
  }

  /**
   * What the model's shadows answered beside the version that is its champion now.
   *
   * @throws {@link ServeError} model_not_found.
   */
  compare(modelName: string): ModelComparison {
    const registry = this.#registry();
    registry.model(modelName);
    const champion = registry.champion(modelName);
    const pairs = this.shadows.pairs.filter((pair) => pair.champion === champion);
    const shadows = pairs.map((pair) => this.shadows.figures(pair));
    return { model: modelName, champion: champion?.number ?? null, shadows };
  }
}
