/** How versions change while the server serves: routes, the arms of calls, shadows, and what is counted of
 * them. */

import { type Config, listed } from "../config.js";
import { ServeError } from "../errors.js";
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
import type { ExperimentFigures } from "./experiment/arm-figures.js";
import { describedExperiment } from "./experiment/describe-experiment.js";
import { Experiments } from "./experiment/experiments.js";
import { findFault } from "./find-fault.js";
import { MirrorHosts } from "./mirror/hosts.js";
import { flipsIn } from "./plan/flips-in.js";
import type { PlanRunner } from "./plan/runner.js";
import { RouteStore, type RouteStoreOptions } from "./route-store.js";
import { shadowFamilies } from "./shadow-families.js";
import { type ShadowOptions, Shadows } from "./shadows.js";

export interface ReleaseOptions extends Pick<RouteStoreOptions, "file" | "log" | "wallClock">, ShadowOptions {
  readonly registry: () => Registry;
  readonly settings: Pick<Config, "armHeader" | "mirrorHosts" | "webhookHosts">;
}

export class Release implements Observer {
  readonly table = new RouteTable();
  /** Opened where this server has the file: not in one of several serving processes. */
  readonly store: RouteStore;
  readonly shadows: Shadows;
  readonly experiments: Experiments;
  readonly #armMetrics = new ArmMetrics();
  readonly #mayForce: boolean;
  readonly #mirrorHosts: MirrorHosts;
  readonly #registry: () => Registry;
  readonly #options: ReleaseOptions;
  #plans: PlanRunner | undefined;

  constructor(all: ReleaseOptions) {
    const { registry, settings, now, defer, callsInFlight, isRefusing, ...options } = all;
    this.#options = all;
    // Whether callers may ask for an arm.
    this.#mayForce = settings.armHeader === "on";
    this.#mirrorHosts = new MirrorHosts(listed(settings.mirrorHosts));
    this.#registry = registry;
    this.experiments = new Experiments({ wallClock: options.wallClock });
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

  /**
   * Takes the file of routes, and what plans left beside it.
   *
   * @throws Error with a sentence when either can't be taken.
   */
  async open(): Promise<void> {
    await this.store.open();
    const { file, settings, wallClock, log } = this.#options;
    const { createPlans } = await import("./plan/create-plans.js");
    this.#plans = await createPlans({
      routes: this.store,
      file,
      webhookHosts: listed(settings.webhookHosts),
      figures: async (model) => this.figures(model),
      flips: async (model, version) => flipsIn(this.compare(model), version),
      wallClock,
      log,
    });
  }

  /** Looks at the file from time to time, and goes on with plans. */
  watch(): void {
    this.store.watch();
    this.#plans?.watch();
  }

  /** Changes no route any more. */
  closeRoutes(): void {
    this.store.close();
    void this.#plans?.close();
  }

  /** @throws {@link ServeError} not_ready while the server starts. */
  readonly plans = (): PlanRunner => {
    if (this.#plans !== undefined) return this.#plans;
    throw new ServeError("not_ready", "the server is still starting");
  };

  /** Why this server can't serve a route, in a sentence; undefined if it can. */
  findFault(modelName: string, route: Route): string | undefined {
    return findFault(this.#registry(), modelName, route, this.#mirrorHosts);
  }

  /** These routes hold from the next call on. */
  take(routes: Routes): void {
    this.table.swap(routes);
    if (this.table.hasMirrors) this.shadows.openMirrors();
    this.experiments.take(routes);
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
    this.experiments.onCall(record);
    this.shadows.onCall(record);
  }

  async close(): Promise<boolean> {
    return await this.shadows.close();
  }

  get families(): readonly Family[] {
    return [...this.#armMetrics.families, ...this.experiments.families, ...shadowFamilies(this.shadows)];
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
  compare(modelName: string): ModelComparison {
    const registry = this.#registry();
    registry.model(modelName);
    const champion = registry.champion(modelName);
    const pairs = this.shadows.pairs.filter((pair) => pair.champion === champion);
    const shadows = pairs.map((pair) => this.shadows.figures(pair));
    return { model: modelName, champion: champion?.number ?? null, shadows };
  }
}
