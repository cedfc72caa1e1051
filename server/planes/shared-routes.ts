/**
 * The routes of all serving processes: the primary alone has the file and the order of changes; each process has the
 * table, as it was last sent there.
 *
 * What always holds:
 * - A route is written only after every process that is ready has said that it can serve it.
 * - A process has the table before it listens; one that couldn't be sent a later table is sent it with its next beat.
 */

import { ServeError } from "../errors.js";
import { type ChangeHead, RouteStore, type RouteStoreOptions } from "../release/route-store.js";
import type { Route, Routes } from "../routing/route.js";
import type { Answer, Question } from "./messages.js";

/** As much as it needs of a serving process. */
export interface RoutedProcess {
  readonly place: number;
  /** How it ended; undefined while it lives. */
  readonly ending: unknown;
  ask(question: Question, timeoutMs: number): Promise<Answer | undefined>;
}

export interface SharedRoutesOptions extends Omit<RouteStoreOptions, "findFault" | "onSwap"> {
  readonly processes: () => Iterable<RoutedProcess>;
  /** Whether it serves. */
  readonly isReady: (process: RoutedProcess) => boolean;
}

/** How long each process may take to check a route, and to take the table, milliseconds. */
const askMs = 2000;

export class SharedRoutes {
  readonly #options: SharedRoutesOptions;
  readonly #store: RouteStore;
  /** The table that each has, or that is on its way to it. */
  readonly #sent = new WeakMap<RoutedProcess, Routes>();
  /** The places of those that serve and don't have the last change. */
  #missing: Promise<number[]> = Promise.resolve([]);

  constructor(options: SharedRoutesOptions) {
    this.#options = options;
    this.#store = new RouteStore({
      ...options,
      findFault: (modelName, route) => this.#findFault(modelName, route),
      onSwap: (routes) => {
        this.#missing = this.#sendAll(routes);
      },
    });
  }

  /** @throws Error with a sentence when the file can't be taken. */
  async open(): Promise<void> {
    await this.#store.open();
  }

  watch(): void {
    this.#store.watch();
  }

  close(): void {
    this.#store.close();
  }

  get routes(): Routes {
    return this.#store.routes;
  }

  /** @throws {@link ServeError} model_not_found. */
  of(modelName: string): Route {
    return this.#store.of(modelName);
  }

  async history(modelName: string): Promise<object[]> {
    return await this.#store.history(modelName);
  }

  /** Resolves when every process that serves has the route. @throws As the store; not_ready when one doesn't take it. */
  async put(modelName: string, json: unknown, head: ChangeHead): Promise<Route> {
    const route = await this.#store.put(modelName, json, head);
    await this.#untilTaken();
    return route;
  }

  /** As {@link put}. */
  async remove(modelName: string, head: ChangeHead): Promise<void> {
    await this.#store.remove(modelName, head);
    await this.#untilTaken();
  }

  /** This process's order to start has the routes as they are now. */
  began(process: RoutedProcess): void {
    this.#sent.set(process, this.routes);
  }

  /** It was heard: its event loop isn't held. */
  heard(process: RoutedProcess): void {
    if (this.#sent.get(process) !== this.routes) void this.#send(process, this.routes);
  }

  async #untilTaken(): Promise<void> {
    const missing = await this.#missing;
    if (missing.length === 0) return;
    const whose = `${missing.length === 1 ? "serving process" : "serving processes"} ${missing.join(", ")}`;
    throw new ServeError(
      "not_ready",
      `the change is written, but ${whose} didn't take it within ${askMs / 1000} s, and has the routes of before until its event loop is free or it is replaced: see /processes`,
    );
  }

  async #sendAll(routes: Routes): Promise<number[]> {
    const { processes, isReady } = this.#options;
    const sending = [...processes()].map(async (process) => {
      const sent = this.#send(process, routes);
      const isMissing = isReady(process) && !(await sent) && process.ending === undefined;
      return isMissing ? [process.place] : [];
    });
    return (await Promise.all(sending)).flat();
  }

  /** @returns Whether it has them. */
  async #send(process: RoutedProcess, routes: Routes): Promise<boolean> {
    this.#sent.set(process, routes);
    const answer = await process.ask({ kind: "routes", routes }, askMs);
    if (answer?.kind === "routed") return true;
    if (this.#sent.get(process) === routes) this.#sent.delete(process);
    return false;
  }

  /** @throws {@link ServeError} not_ready where a process that serves doesn't answer, or none serves. */
  async #findFault(model: string, route: Route): Promise<string | undefined> {
    const { processes, isReady } = this.#options;
    const ready = [...processes()].filter(isReady);
    if (ready.length === 0) throw new ServeError("not_ready", "no serving process is ready: see /processes");
    const checks = ready.map(async (process) => {
      const answer = await process.ask({ kind: "check", model, route }, askMs);
      if (answer?.kind === "checked") return answer.fault;
      if (process.ending !== undefined) return undefined;
      const why = `serving process ${process.place} doesn't say whether it can serve the route: see /processes`;
      throw new ServeError("not_ready", why);
    });
    const faults = await Promise.all(checks);
    const fault = faults.find((one) => one !== undefined);
    // Where they differ, it matters whose it is.
    if (fault === undefined || faults.every((one) => one === fault)) return fault;
    return `serving process ${ready[faults.indexOf(fault)]!.place}: ${fault}`;
  }
}
