/**
 * Takes versions into service and out of it, while the server serves.
 *
 * What always holds:
 * - Loading is done in turn: a run that is measured never waits behind another version's loading.
 * - A version that fails leaves the others alone, and nothing of it in any executor.
 * - A removed version answers every call that it had: it is unloaded once nothing works with it any more. Workers are
 *   never ended for it; each releases its sessions between two runs.
 */

import { BundleError, type StoredBundle } from "../../bundle/index.js";
import type { Turns } from "../turns.js";
import {
  type Executors,
  type LoadListener,
  loadServable,
  type ProofReport,
  unloadServable,
  warmServable,
} from "./load-servable.js";
import { heldStates } from "./next-action.js";
import type { FromProver } from "./prover.js";
import type { Registry } from "./registry.js";
import { Servable } from "./servable.js";
import { UnreadVersion } from "./unread-version.js";
import { keyOf } from "./version-key.js";

export interface ManagerOptions {
  readonly registry: Registry;
  readonly executors: Executors;
  readonly turns: Turns;
  readonly listener: ManagerListener;
  /** Proves a version that is added in another process, before anything of it is opened here. */
  readonly prove?: (directory: string) => Promise<FromProver>;
  readonly log: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}

export interface ManagerListener extends LoadListener {
  /** It is proved and warm, and serves from now on. */
  onServing(servable: Servable): void;
  /** Nothing is left of it, and nobody asks for it. */
  onGone(servable: Servable): void;
}

/** Looks at why a version wasn't loaded, before it is said anywhere. */
export type Review = (report: ProofReport) => Promise<ProofReport>;

/** What is known of a bundle before it is read: the digest that it has to have, or why it isn't loaded. */
type Verdict = Pick<Extract<FromProver, { digest: string }>, "digest"> | Exclude<FromProver, { digest: string }>;

export class Manager {
  readonly #options: ManagerOptions;
  /** Keys of versions that were removed while they were loaded. */
  readonly #unwanted = new Set<string>();
  /** Keys of versions that weren't whole: that is said once. */
  readonly #incomplete = new Set<string>();
  /** Of versions that are drained, until they are closed. */
  readonly #closing = new Map<string, Promise<void>>();
  /** The last work that loads; it never fails. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** Does work that loads, once all that came before is over. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const { executors, turns } = this.#options;
    const done = this.#last.then(async () => {
      const result = await work();
      turns.throwIfStopped();
      await executors.endLoading();
      return result;
    });
    // Without what it gave, which may be taken out of service.
    this.#last = done.then(noResult, noResult);
    return done;
  }

  /**
   * Loads a version and takes it into service.
   *
   * @param review - What it returns is said of a version that isn't loaded.
   * @param trusted - The digest of a bundle that needs no proof in another process; one that has another isn't loaded.
   * @returns The servable; or why there is none.
   * @throws Error with a sentence when it is held already; StoppedError when the server stops.
   */
  async add(stored: StoredBundle, review?: Review, trusted?: string): Promise<Servable | ProofReport> {
    const { registry, listener } = this.#options;
    const { name, version } = stored;
    const before = registry.entry(keyOf(stored));
    if (before !== undefined && heldStates.has(before.state))
      throw new Error(`${before.key} is held already: it is ${before.state}`);
    // Two of one name would be counted as one.
    if (before instanceof Servable) listener.onGone(before);
    registry.addLate(new UnreadVersion(name, version));
    return this.inTurn(async () => {
      const verdict = trusted === undefined ? await this.#proveApart(stored) : { digest: trusted };
      const found = await this.load(stored, review, verdict);
      return found instanceof Servable ? ((await this.serve(found)) ?? found) : found;
    });
  }

  /**
   * Takes a version out of service; resolves when nothing is left of it. One that is still being loaded ends there.
   *
   * @throws Error with a sentence for a version that isn't held.
   */
  async remove(key: string): Promise<void> {
    const { registry } = this.#options;
    const version = registry.entry(key);
    if (version === undefined || !heldStates.has(version.state))
      throw new Error(
        `${key} isn't held: ${version === undefined ? "there is no such version" : `it is ${version.state}`}`,
      );
    const closing = this.#closing.get(key);
    if (closing !== undefined) return await closing;
    if (version instanceof Servable && version.state === "ready") {
      const closed = this.#close(version).finally(() => this.#closing.delete(key));
      this.#closing.set(key, closed);
      return await closed;
    }
    this.#unwanted.add(key);
    await this.inTurn(async () => this.#unwanted.delete(key));
  }

  /** Nothing is said any more of a version that isn't held: its folder is gone. */
  forget(key: string): void {
    const { registry, listener } = this.#options;
    const version = registry.entry(key);
    if (version === undefined || heldStates.has(version.state)) return;
    if (version instanceof Servable) listener.onGone(version);
    registry.forget(key);
  }

  /**
   * Loads and proves a version; says so wherever versions are shown if that fails. In turn.
   *
   * @param verdict - What was found of it in another process.
   */
  async load(stored: StoredBundle, review?: Review, verdict?: Verdict): Promise<Servable | ProofReport> {
    const wasIncomplete = this.#incomplete.delete(keyOf(stored));
    const found = await this.#open(stored, verdict);
    if (found instanceof Servable) return found;
    const report = review === undefined ? found : await review(found);
    this.#refuse(stored, report, wasIncomplete);
    return report;
  }

  async #proveApart(stored: StoredBundle): Promise<FromProver | undefined> {
    const { prove, turns, log } = this.#options;
    if (prove === undefined || this.#isUnwanted(keyOf(stored))) return undefined;
    const verdict = await turns.unlessStopped(prove(stored.directory));
    if ("digest" in verdict) {
      const rowMs = Number(verdict.rowMs.toFixed(3));
      log("info", "a version is proved in a process of its own, and is loaded", { ...fieldsOf(stored), row_ms: rowMs });
    }
    return verdict;
  }

  async #open(stored: StoredBundle, verdict: Verdict | undefined): Promise<Servable | ProofReport> {
    const { registry, executors, turns, listener } = this.#options;
    if (this.#isUnwanted(keyOf(stored))) return { ...unwanted, servable: undefined };
    if (verdict !== undefined && "fault" in verdict) return { ...verdict, servable: undefined };
    let isOther = false;
    const found = await loadServable(stored, executors, turns, {
      ...listener,
      onRead(servable) {
        isOther = verdict !== undefined && verdict.digest !== servable.contract.bundle.digest;
        if (isOther) throw new BundleError(stored.directory, ["it changed between two reads"], "incomplete");
        registry.add(servable);
        listener.onRead(servable);
      },
    });
    return isOther && !(found instanceof Servable) ? { ...found, servable: undefined } : found;
  }

  /**
   * Warms a proved version and takes it into service, in turn.
   *
   * @returns Why it doesn't serve; undefined if it does.
   */
  async serve(servable: Servable): Promise<ProofReport | undefined> {
    const { executors, turns, listener } = this.#options;
    let report: ProofReport | undefined;
    if (!this.#isUnwanted(servable.key)) report = await warmServable(servable, executors.now, turns);
    if (this.#isUnwanted(servable.key)) report ??= { ...unwanted, servable };
    if (report === undefined) {
      listener.onServing(servable);
      servable.transition("ready");
      return undefined;
    }
    await unloadServable(servable, executors);
    const { name, number, contract } = servable;
    this.#refuse({ name, version: number, directory: contract.bundle.directory }, report, false);
    return report;
  }

  /**
   * Gives back what a version holds that nothing works with, and puts another one in its place at once. Resolves when
   * nothing is left of it; what is loaded from then on comes after that.
   */
  evict(servable: Servable, cold: UnreadVersion): Promise<void> {
    const { registry, executors, listener, log } = this.#options;
    const { name, number } = servable;
    log("info", "a version is evicted: its memory is needed", { model: name, version: number });
    const drained = servable.drain();
    registry.add(cold);
    return this.inTurn(async () => {
      await drained;
      await unloadServable(servable, executors);
      servable.transition("closed");
      listener.onGone(servable);
    });
  }

  #isUnwanted(key: string): boolean {
    return this.#unwanted.has(key);
  }

  async #close(servable: Servable): Promise<void> {
    const { executors, log } = this.#options;
    const { name, number } = servable;
    log("info", "a version is taken out of service", { model: name, version: number });
    await servable.drain();
    await unloadServable(servable, executors);
    servable.transition("closed");
    this.#leave(name, number);
  }

  #leave(name: string, number: number): void {
    const { registry, listener } = this.#options;
    const before = registry.entry(`${name}/${number}`);
    if (before instanceof Servable) listener.onGone(before);
    const left = new UnreadVersion(name, number);
    left.leave("it was taken out of service");
    registry.add(left);
  }

  #refuse(stored: StoredBundle, { fault, problems, servable }: ProofReport, wasIncomplete: boolean): void {
    const { registry, log } = this.#options;
    const { name, version: number, directory } = stored;
    servable?.fail(problems, fault === "failed" ? "failed" : "refused");
    if (this.#isUnwanted(keyOf(stored))) {
      this.#leave(name, number);
      return;
    }
    if (servable !== undefined) {
      log("error", "a version is refused: it won't serve", { model: name, version: number, problems });
      return;
    }
    const unread = new UnreadVersion(name, number);
    unread.fail(fault === "failed" ? "damaged" : fault, problems);
    registry.add(unread);
    const fields = { model: name, version: number, directory, problems };
    if (fault === "incomplete") this.#incomplete.add(unread.key);
    if (fault !== "incomplete") log("error", `a bundle is refused: it is ${unread.reason}`, fields);
    else if (!wasIncomplete) log("warn", `a version isn't whole yet, and is looked at again: ${problems[0]}`, fields);
  }
}

function noResult(): void {}

function fieldsOf({ name, version, directory }: StoredBundle) {
  return { model: name, version, directory };
}

const unwanted = { fault: "failed", problems: ["it was taken out of service before it was loaded"] } as const;
