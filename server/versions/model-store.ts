/**
 * The model store as a server has it: loaded at the start, then followed while the server serves.
 *
 * One manager does what either of them decides. A version that comes later is proved in a process of its own first.
 */

import { ServeError } from "../errors.js";
import type { EngineSetting } from "../inference/engines.js";
import type { PathParts } from "../path/predict.js";
import type { Turns } from "../turns.js";
import { ColdVersions } from "./cold-versions.js";
import type { Executors } from "./load-servable.js";
import { Manager, type ManagerListener } from "./manager.js";
import type { HeldWhere } from "./memory-estimate.js";
import { Prover } from "./prover.js";
import type { Registry } from "./registry.js";
import { StoreControl } from "./store-control.js";
import { StoreLoader } from "./store-loader.js";
import type { StoreReads } from "./store-reads.js";
import type { VersionControl } from "./version-control.js";
import type { PolicyOf } from "./version-policy.js";

export interface ModelStoreOptions {
  /** The store's folder. */
  readonly models: string;
  /** How often it is looked at, milliseconds; 0 for only when that is asked for. */
  readonly pollMs: number;
  /** How long the proof of a version that comes later may take, milliseconds. */
  readonly proveTimeoutMs: number;
  readonly engine: EngineSetting;
  /** What loaded versions may hold together, bytes, and where they are held; undefined for no budget. */
  readonly budget?: { readonly bytes: number; readonly where: HeldWhere } | undefined;
  readonly policyOf: PolicyOf;
  /** Keys of versions that routes name: they are loaded whatever the policy says. */
  readonly named: () => ReadonlySet<string>;
  readonly defaultModel: string | undefined;
  readonly defaultIsLoose: boolean;
  readonly registry: Registry;
  readonly turns: Turns;
  readonly executors: Executors;
  readonly listener: ManagerListener;
  readonly log: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}

export class ModelStore {
  readonly manager: Manager;
  /** With a memory budget. */
  readonly cold: ColdVersions | undefined;
  readonly #options: ModelStoreOptions;
  readonly #prover: Prover;
  readonly #reads: StoreReads = new Map();
  #control: StoreControl | undefined;
  #isClosed = false;

  constructor(options: ModelStoreOptions) {
    const { registry, turns, executors, listener, log, engine, proveTimeoutMs } = options;
    this.#options = options;
    this.#prover = new Prover({ engine, timeoutMs: proveTimeoutMs });
    const prove = (directory: string) => this.#prover.prove(directory);
    const { budget, named } = options;
    if (budget !== undefined)
      this.cold = new ColdVersions({
        budgetBytes: budget.bytes,
        where: budget.where,
        registry,
        turns,
        reads: this.#reads,
        named,
      });
    this.manager = new Manager({ registry, turns, prove, executors, listener, log });
  }

  /** @throws Error with a sentence when the store can't be read, hasn't the default model, or no version is ready. */
  async load(): Promise<void> {
    const { named, ...options } = this.#options;
    const { manager, cold } = this;
    await new StoreLoader({ ...options, named: named(), manager, cold, reads: this.#reads }).load();
  }

  /** From now on what serves follows the store. */
  follow(): void {
    const { manager, cold } = this;
    this.#control = new StoreControl({ ...this.#options, manager, cold, reads: this.#reads });
    // What the store holds has to be known when a call asks for a version.
    if (cold !== undefined) void this.#control.scan().catch(() => {});
    this.#control.watch();
  }

  /** As the path of a call has it; nothing waits without a budget, or before {@link follow}. */
  get hold(): PathParts["hold"] {
    const { cold } = this;
    return cold && ((call, goOn) => (this.#control === undefined ? undefined : cold.hold(call, goOn)));
  }

  /** @throws {@link ServeError} not_ready before {@link follow}, and once it is closed. */
  control(): VersionControl {
    if (this.#control !== undefined && !this.#isClosed) return this.#control;
    throw new ServeError("not_ready", `the server ${this.#isClosed ? "stops" : "is still loading its models"}`);
  }

  close(): void {
    this.#isClosed = true;
    this.#control?.close();
    this.#prover.close();
  }
}
