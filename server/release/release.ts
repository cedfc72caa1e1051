/** How versions change while the server serves: routes, the arms of calls, shadows, and what is counted of
 * them. */

import { ArmMetrics } from "../observe/arm-metrics.js";
import type { Family } from "../observe/exposition.js";
import type { Observer } from "../observe/observer.js";
import type { CallRecord } from "../path/call.js";
import type { Arms as ArmsOfPath, PathParts } from "../path/predict.js";
import type { ServingVersion } from "../path/serving-version.js";
import { Arms } from "../routing/arms.js";
import type { RoutingPolicy } from "../routing/policy.js";
import type { Routes } from "../routing/route.js";
import { RouteTable } from "../routing/route-table.js";
import { routed } from "../routing/routed.js";
import type { Registry } from "../versions/registry.js";
import type { ExperimentFigures } from "./experiment/arm-figures.js";
import { describedExperiment } from "./experiment/describe-experiment.js";
import { Experiments } from "./experiment/experiments.js";
import { findFault } from "./find-fault.js";
import { RouteStore, type RouteStoreOptions } from "./route-store.js";
import { shadowFamilies } from "./shadow-families.js";
import { type ShadowOptions, Shadows } from "./shadows.js";

export interface ReleaseOptions extends Pick<RouteStoreOptions, "file" | "log" | "wallClock">, ShadowOptions {
  readonly registry: () => Registry;
  /** Whether callers may ask for an arm. */
  readonly mayForce: boolean;
}

export class Release implements Observer {
  readonly table = new RouteTable();
  /** Opened where this server has the file: not in one of several serving processes. */
  readonly store: RouteStore;
  readonly shadows: Shadows;
  readonly experiments: Experiments;
  readonly #armMetrics = new ArmMetrics();
  readonly #mayForce: boolean;
  readonly #registry: () => Registry;

  constructor({ registry, mayForce, now, defer, callsInFlight, isRefusing, ...options }: ReleaseOptions) {
    this.#mayForce = mayForce;
    this.#registry = registry;
    this.experiments = new Experiments({ wallClock: options.wallClock });
    this.shadows = new Shadows({ now, defer, callsInFlight, isRefusing, wallClock: options.wallClock });
    this.store = new RouteStore({
      ...options,
      findFault: (modelName, route) => findFault(registry(), modelName, route),
      onSwap: (routes) => this.take(routes),
    });
  }

  /** These routes hold from the next call on. */
  take(routes: Routes): void {
    this.table.swap(routes);
    this.experiments.take(routes);
    this.shadows.keep(({ champion: { name, number }, versionName }) => {
      const route = this.table.of(name);
      return route?.champion === number && route.shadows?.some((one) => one.versionName === versionName) === true;
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
    this.experiments.onCall(record);
    this.shadows.onCall(record);
  }

  async close(): Promise<boolean> {
    return await this.shadows.close();
  }

  get families(): readonly Family[] {
    const ofShadows = shadowFamilies(() => this.shadows.pairs);
    return [...this.#armMetrics.families, ...this.experiments.families, ...ofShadows];
  }

  /** Of a version that is gone. */
  removeVersion(version: ServingVersion): void {
    this.#armMetrics.removeVersion(version);
    this.shadows.removeVersion(version);
  }

  /**
   * What the arms of the model's route did; undefined where it has no canary.
   *
   * @throws {@link ServeError} model_not_found.
   */
  figures(modelName: string): ExperimentFigures | undefined {
    this.#registry().model(modelName);
    return this.experiments.figures(modelName);
  }

  /** As the admin listener has it. @throws As {@link figures}. */
  experiment(modelName: string): object {
    return describedExperiment(modelName, this.figures(modelName));
  }

  /**
   * What the model's shadows answered beside the version that is its champion now.
   *
   * @throws {@link ServeError} model_not_found.
   */
  compare(modelName: string): object {
    const registry = this.#registry();
    registry.model(modelName);
    const champion = registry.champion(modelName);
    const shadows = this.shadows.pairs.filter((pair) => pair.champion === champion);
    return {
      model: modelName,
      champion: champion?.number ?? null,
      shadows: shadows.map(({ versionName, comparison }) => ({
        version: Number(versionName),
        ...comparison.describe(),
      })),
    };
  }
}
