/**
 * Versions that a memory budget leaves out until they are called: what is known of them, and the calls that wait.
 *
 * What always holds:
 * - What is to be loaded or evicted is decided by `nextAction`, from what is said here of each version.
 * - Calls that wait for one version cause one load. They are routed anew once it ended, well or not.
 * - A bundle that was proved by this server, or was there when it started, is loaded in this process; any other one is
 *   proved in a process of its own first. Other contents under its number make it another one.
 */

import { BundleError, type BundleFacts, folderSignature, readFacts, type StoredBundle } from "../../bundle/index.js";
import { ServeError } from "../errors.js";
import type { Call } from "../path/call.js";
import { setDeadline } from "../path/deadline.js";
import type { Turns } from "../turns.js";
import { estimateBytes, type HeldWhere } from "./memory-estimate.js";
import type { HeldVersion, WantedVersion } from "./next-action.js";
import type { Registry } from "./registry.js";
import { Servable } from "./servable.js";
import type { StoreReads } from "./store-reads.js";
import { UnreadVersion } from "./unread-version.js";
import { keyOf } from "./version-key.js";

export interface ColdOptions {
  readonly budgetBytes: number;
  readonly where: HeldWhere;
  readonly registry: Registry;
  readonly turns: Turns;
  readonly reads: StoreReads;
  readonly named: () => ReadonlySet<string>;
}

interface Known {
  readonly facts: BundleFacts;
  readonly bytes: number;
  isTrusted: boolean;
}

interface Waiter {
  readonly call: Call;
  readonly goOn: () => void;
}

/** Calls that go on in one turn of the event loop. */
const goOnMax = 16;

export class ColdVersions {
  readonly #options: ColdOptions;
  readonly #known = new Map<string, Known>();
  /** By the versions' keys. */
  readonly #waiters = new Map<string, Waiter[]>();
  /** Bytes of those that the start loads, by key. */
  readonly #admitted = new Map<string, number>();
  #lastAdmitted: Promise<unknown> = Promise.resolve();
  /** Makes what is held what is wanted; nothing before the store is followed. */
  onAsked: () => void = () => {};
  loads = 0;
  evictions = 0;

  constructor(options: ColdOptions) {
    this.#options = options;
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  /** By the estimate, of all versions that are loaded. */
  get heldBytes(): number {
    const held = this.#options.registry.versions.filter(({ lane }) => lane !== undefined);
    return held.reduce((sum, servable) => sum + this.#bytesOf(servable), 0);
  }

  /** Whether a version is listed as cold, or may be: nothing more is to be read of it before it is loaded. */
  knows(key: string): boolean {
    return this.#known.has(key);
  }

  /** Its folder is gone, or looks otherwise. */
  forget(key: string): void {
    this.#known.delete(key);
  }

  /** @returns Whether a version is to be loaded at the start; otherwise it is listed as cold. In the order of asking. */
  admit(stored: StoredBundle): Promise<boolean> {
    const admitted = this.#lastAdmitted.then(() => this.#admit(stored));
    this.#lastAdmitted = admitted.catch(() => {});
    return admitted;
  }

  async #admit(stored: StoredBundle): Promise<boolean> {
    const key = keyOf(stored);
    let known: Known;
    try {
      known = await this.#read(key, stored.directory, true);
    } catch (error) {
      // Whoever loads it says all that is wrong with it.
      if (error instanceof BundleError) return true;
      throw error;
    }
    const admittedBytes = [...this.#admitted.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (admittedBytes + known.bytes <= this.budgetBytes) {
      this.#admitted.set(key, known.bytes);
      return true;
    }
    this.#list(stored, known, true);
    return false;
  }

  /** One of those that {@link admit} let in isn't loaded. */
  release(key: string): void {
    this.#admitted.delete(key);
  }

  /**
   * Lists those that are wanted, and neither loaded nor known yet. A version that can't be read is noted as failed.
   *
   * @returns Whether there were any.
   */
  async know(missing: readonly WantedVersion[]): Promise<boolean> {
    let isAny = false;
    const { registry, reads, turns } = this.#options;
    for (const { model: name, version, directory } of missing) {
      const stored = { name, version, directory };
      const key = keyOf(stored);
      const entry = registry.entry(key);
      if (this.#known.has(key) && entry?.state === "cold") continue;
      isAny = true;
      try {
        const known = this.#known.get(key) ?? (await this.#read(key, directory, false));
        this.#list(stored, known, known.isTrusted || !this.#isServed(name));
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        const { fault, problems } = error;
        reads.set(key, { signature: await turns.unlessStopped(folderSignature(directory)), fault, problems });
        const unread = new UnreadVersion(name, version);
        unread.fail(fault, problems);
        registry.addLate(unread);
      }
    }
    return isAny;
  }

  async #read(key: string, directory: string, isTrusted: boolean): Promise<Known> {
    const { turns, where } = this.#options;
    const facts = await turns.unlessStopped(readFacts(directory, turns.pause));
    const known = { facts, bytes: estimateBytes(facts.manifest, where), isTrusted };
    this.#known.set(key, known);
    return known;
  }

  #list({ name, version }: StoredBundle, { facts, bytes }: Known, wakes: boolean): void {
    const cold = new UnreadVersion(name, version);
    cold.cool(facts, wakes, bytes > this.budgetBytes ? this.#tooLarge(bytes) : undefined);
    this.#options.registry.addLate(cold);
  }

  #tooLarge(bytes: number): string {
    return `it needs about ${bytes} bytes, more than memoryBudgetBytes, ${this.budgetBytes}: it can't be loaded`;
  }

  #isServed(model: string): boolean {
    return this.#options.registry.champion(model)?.state === "ready";
  }

  /** @returns What stands in the place of a version that is evicted. */
  evict(servable: Servable): UnreadVersion {
    const { name, number, key, contract } = servable;
    const { directory, digest, manifest } = contract.bundle;
    const facts = { directory, digest, manifest, schema: servable.rowSchema.document };
    this.#known.set(key, { facts, bytes: this.#bytesOf(servable), isTrusted: true });
    this.evictions++;
    const cold = new UnreadVersion(name, number);
    cold.cool(facts, true);
    return cold;
  }

  #bytesOf({ contract }: Servable): number {
    return estimateBytes(contract.bundle.manifest, this.#options.where);
  }

  /** What `nextAction` has to know of what is wanted. */
  ofWanted(wanted: readonly WantedVersion[]): WantedVersion[] {
    const { registry, named } = this.#options;
    const ofRoutes = named();
    return wanted.map((one) => {
      const key = keyOf({ name: one.model, version: one.version });
      const known = this.#known.get(key);
      const isWaitedFor = this.#waiters.get(key)?.some(({ call }) => !call.finished);
      // One that is to take the place of a version that serves is loaded before calls are its own.
      const isNext = known?.isTrusted === false && registry.champion(one.model) !== undefined;
      const askedBy = isWaitedFor ? "call" : ofRoutes.has(key) || isNext ? "release" : "nobody";
      return { ...one, askedBy, ...(known && { bytes: known.bytes }) };
    });
  }

  /** And of what is held. @param isKept - Whether a version is never evicted. */
  ofHeld(held: readonly HeldVersion[], isKept: (key: string, one: WantedVersion) => boolean): HeldVersion[] {
    const { registry, named } = this.#options;
    const ofRoutes = named();
    return held.map((one) => {
      const key = keyOf({ name: one.model, version: one.version });
      const entry = registry.entry(key);
      const bytes = entry instanceof Servable ? this.#bytesOf(entry) : (this.#known.get(key)?.bytes ?? 0);
      const use = entry instanceof Servable && { references: entry.references, lastUse: entry.lastUse };
      return { ...one, bytes, isKept: isKept(key, one), isNamed: ofRoutes.has(key), ...use };
    });
  }

  /** The digest that a version has to have if it is loaded without a proof in a process of its own. */
  trusted(key: string): string | undefined {
    const known = this.#known.get(key);
    return known?.isTrusted ? known.facts.digest : undefined;
  }

  /**
   * Keeps a call whose version isn't loaded, until it is or the call's deadline has passed.
   *
   * @param goOn - Takes the call again.
   * @returns Undefined where no version that would answer is cold; otherwise its key.
   * @throws {@link ServeError} not_ready for one that is too large for the budget.
   */
  hold(call: Call, goOn: () => void): string | undefined {
    const version = this.#options.registry.findWaking(call.modelName, call.versionName);
    if (version === undefined) return undefined;
    const { key } = version;
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    if (known.bytes > this.budgetBytes)
      throw new ServeError("not_ready", `${key} is cold: ${this.#tooLarge(known.bytes)}`);
    setDeadline(call, { sloMs: known.facts.manifest.slo.p95_ms }, 0);
    const waiters = this.#waiters.get(key);
    if (waiters !== undefined) waiters.push({ call, goOn });
    else this.#waiters.set(key, [{ call, goOn }]);
    // The others came while it was on its way, or there was no room.
    if (waiters === undefined || waiters.every((waiter) => waiter.call.finished || waiter.call === call))
      this.onAsked();
    return key;
  }

  /** Calls whose version can't be loaded now, since what is held is in use: asked again once one of these isn't. */
  watchUse(): void {
    for (const [key, waiters] of this.#waiters)
      if (waiters.every(({ call }) => call.finished)) this.#waiters.delete(key);
    if (this.#waiters.size === 0) return;
    for (const servable of this.#options.registry.versions)
      if (servable.state === "ready" && servable.references > 0) servable.whenUnused(() => this.onAsked());
  }

  /** A load has ended: calls for its model go on, in short turns. */
  ended(key: string): void {
    const { registry, turns, reads } = this.#options;
    const known = this.#known.get(key);
    const entry = registry.entry(key);
    const held = entry instanceof Servable && entry.state === "ready" ? entry : undefined;
    if (held !== undefined) this.loads++;
    else this.#known.delete(key);
    // It has other contents than it had: as one that came later it is looked at anew, and proved apart.
    if (held === undefined && known?.isTrusted && reads.get(key)?.fault === "incomplete") reads.delete(key);
    if (held !== undefined && known !== undefined) known.isTrusted = true;
    const [model] = key.split("/") as [string];
    const waiters: Waiter[] = [];
    for (const [waited, some] of this.#waiters) {
      if (!waited.startsWith(`${model}/`)) continue;
      this.#waiters.delete(waited);
      waiters.push(...some);
    }
    held?.retain();
    void this.#goOn(waiters, turns).finally(() => held?.release());
  }

  async #goOn(waiters: readonly Waiter[], turns: Turns): Promise<void> {
    for (let first = 0; first < waiters.length; first += goOnMax) {
      // The first ones at once.
      if (first > 0) await turns.next().catch(() => {});
      for (const { call, goOn } of waiters.slice(first, first + goOnMax)) if (!call.finished) goOn();
    }
  }
}
