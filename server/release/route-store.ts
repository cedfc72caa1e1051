/**
 * routes.json: the file and the admin listener change the same routes.
 *
 * A change is checked whole, written beside the file and renamed over it, and then swapped in; one that fails leaves
 * what held before. A file that somebody else changed is found at the next look and taken the same way. Each change is a
 * line of the audit log beside the file: when, who, which model, from what to what, and why.
 */

import { appendFile, open, readFile, rename, rm, stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { ServeError } from "../errors.js";
import { parseRoute, parseRoutes, type Route, RouteError, type Routes } from "../routing/route.js";
import { auditFileOf } from "./audit-file.js";
import { readHistory } from "./route-history.js";
import { etagOf, routesText } from "./routes-text.js";

export interface RouteStoreOptions {
  /** routes.json; it need not be there. */
  readonly file: string;
  /** Says in a sentence why this server can't serve a route. @throws Error with a sentence where nobody knows now. */
  readonly findFault: (modelName: string, route: Route) => string | undefined | Promise<string | undefined>;
  readonly onSwap: (routes: Routes) => void;
  readonly log: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
  readonly wallClock: () => Date;
}

/** Who changes a route by the admin listener, and on what condition. */
export interface ChangeHead {
  readonly who: string;
  readonly why: string;
  /** As `If-Match` and `If-None-Match` have them; "" for none. */
  readonly ifMatch: string;
  readonly ifNoneMatch: string;
}

/** How often the file is looked at, milliseconds: one `stat`. */
const lookEveryMs = 1000;
/** Bytes of the largest file that is read: some thousand models. */
const fileBytesMax = 4_194_304;

export class RouteStore {
  readonly #options: RouteStoreOptions;
  #routes: Routes = {};
  /** What the file looked like when it was last taken. */
  #signature = "";
  #refusal = "";
  #looks: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RouteStoreOptions) {
    this.#options = options;
  }

  get routes(): Routes {
    return this.#routes;
  }

  /**
   * Reads the file as a server starts: which versions there are isn't known yet.
   *
   * @throws Error with a sentence when it can't be read, or isn't right: what serves would be anybody's guess.
   */
  async open(): Promise<void> {
    const { file, onSwap } = this.#options;
    const signature = await signatureOf(file);
    if (signature === undefined) return;
    try {
      this.#routes = await this.#read();
    } catch (error) {
      throw new Error(`${file} can't be taken: ${(error as Error).message}`);
    }
    this.#signature = signature;
    onSwap(this.#routes);
  }

  /** Looks at the file from time to time, and says at once what the server can't serve of it. */
  watch(): void {
    void this.#inTurn(() => this.#sayFaults()).finally(() => this.#lookLater());
  }

  async #sayFaults(): Promise<void> {
    const { findFault, log } = this.#options;
    for (const [model, route] of Object.entries(this.#routes)) {
      const fault = await Promise.resolve(findFault(model, route)).catch(({ message }: Error) => message);
      if (fault !== undefined) log("error", `its route can't be served: ${fault}`, { model });
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#looks);
  }

  /** @returns The route as it now holds. @throws {@link ServeError} invalid_request, precondition_failed, internal. */
  async put(modelName: string, json: unknown, head: ChangeHead): Promise<Route> {
    return await this.#inTurn(async () => {
      const route = takenFrom(() => parseRoute(modelName, json));
      // What stands in the file counts, however short a time it has stood there.
      await this.#look();
      const fault = await this.#options.findFault(modelName, route);
      if (fault !== undefined) throw new ServeError("invalid_request", fault);
      this.#checkCondition(modelName, head);
      await this.#change(modelName, route, head);
      return route;
    });
  }

  /** @throws {@link ServeError} model_not_found, precondition_failed, internal. */
  async remove(modelName: string, head: ChangeHead): Promise<void> {
    await this.#inTurn(async () => {
      await this.#look();
      this.#checkCondition(modelName, head);
      this.of(modelName);
      await this.#change(modelName, undefined, head);
    });
  }

  /** @throws {@link ServeError} model_not_found. */
  of(modelName: string): Route {
    if (!Object.hasOwn(this.#routes, modelName)) {
      const answers = "the newest version that is ready is its champion";
      throw new ServeError("model_not_found", `${JSON.stringify(modelName)} has no route: ${answers}`);
    }
    return this.#routes[modelName]!;
  }

  /** The last changes of the model's route, newest first. */
  async history(modelName: string): Promise<object[]> {
    return await readHistory(this.#options.file, modelName);
  }

  #checkCondition(modelName: string, { ifMatch, ifNoneMatch }: ChangeHead): void {
    const held = Object.hasOwn(this.#routes, modelName) ? etagOf(this.#routes[modelName]!) : undefined;
    const isMatch = (header: string) =>
      held !== undefined && header.split(",").some((one) => one.trim() === held || one.trim() === "*");
    if ((ifMatch === "" || isMatch(ifMatch)) && (ifNoneMatch === "" || !isMatch(ifNoneMatch))) return;
    const now = held === undefined ? "has none now" : `is ${held} now`;
    throw new ServeError(
      "precondition_failed",
      `the route of ${JSON.stringify(modelName)} ${now}: somebody changed it; read it again`,
    );
  }

  async #change(modelName: string, route: Route | undefined, head: ChangeHead): Promise<void> {
    const from = this.#routes;
    const { [modelName]: _, ...others } = from;
    const to = route === undefined ? others : { ...others, [modelName]: route };
    try {
      await this.#write(to);
    } catch (error) {
      const message = `the routes can't be written, and stay as they were: ${(error as Error).message}`;
      throw new ServeError("internal", message, { cause: error });
    }
    await this.#swap(from, to, { who: head.who, why: head.why, conditional: head.ifMatch + head.ifNoneMatch !== "" });
  }

  async #swap(from: Routes, to: Routes, how: { who: string; why: string; conditional?: boolean }): Promise<void> {
    const { file, onSwap, log, wallClock } = this.#options;
    this.#routes = to;
    onSwap(to);
    const changed = changedModels(from, to);
    const lines = changed.map((model) => ({
      time: wallClock().toISOString(),
      model,
      from: from[model] ?? null,
      to: to[model] ?? null,
      ...how,
    }));
    for (const { time: _, ...fields } of lines) log("info", "route changed", fields);
    try {
      await appendFile(auditFileOf(file), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    } catch (error) {
      log("error", "the audit log of routes can't be written", { cause: (error as Error).message });
    }
  }

  async #write(routes: Routes): Promise<void> {
    const { file } = this.#options;
    const beside = `${file}.${process.pid}.new`;
    try {
      const handle = await open(beside, "w");
      try {
        await handle.writeFile(routesText(routes));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, file);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    this.#signature = (await signatureOf(file)) ?? "";
  }

  async #read(): Promise<Routes> {
    const bytes = await readFile(this.#options.file);
    if (bytes.length > fileBytesMax)
      throw new RouteError(`expected at most ${fileBytesMax} bytes, got ${bytes.length}`);
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString());
    } catch (error) {
      throw new RouteError(`expected JSON: ${(error as Error).message}`);
    }
    return parseRoutes(json);
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#looks = setTimeout(() => {
      void this.#inTurn(() => this.#look()).finally(() => this.#lookLater());
    }, lookEveryMs).unref();
  }

  /** Takes the file if it has changed. One that names versions that aren't ready is tried again until they are. */
  async #look(): Promise<void> {
    const { file, findFault, log } = this.#options;
    try {
      const signature = await signatureOf(file);
      if ((signature ?? "") === this.#signature) return;
      if (signature === undefined) throw new RouteError("it is gone");
      const from = this.#routes;
      const to = await this.#read();
      for (const model of changedModels(from, to)) {
        const fault = to[model] && (await findFault(model, to[model]));
        if (fault !== undefined) throw new RouteError(fault);
      }
      this.#signature = signature;
      this.#refusal = "";
      await this.#swap(from, to, { who: "file", why: "" });
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#refusal)
        log("error", `${file} isn't taken, and the routes stay as they were: ${message}`, {});
      this.#refusal = message;
    }
  }

  async #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => {});
    return await turn;
  }
}

function changedModels(from: Routes, to: Routes): string[] {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names].filter((name) => !isDeepStrictEqual(from[name], to[name]));
}

function takenFrom<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RouteError) throw new ServeError("invalid_request", error.message);
    throw error;
  }
}

/** Undefined where there is no file. */
async function signatureOf(file: string): Promise<string | undefined> {
  try {
    const { mtimeNs, size, ino } = await stat(file, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
