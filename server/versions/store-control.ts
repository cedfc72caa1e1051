/**
 * Keeps what is served as the store and the policies want it, while the server serves; and does what operators ask for.
 *
 * A scan only looks. Then, step by step, what is held becomes what is wanted: `nextAction` decides, the manager does it.
 *
 * What always holds:
 * - A version that isn't whole, or failed, is looked at and not read again until its folder looks otherwise. One whose
 *   bytes aren't those of its manifest, though their sizes are, may be one that is being written: it is read once more.
 * - What serves is never replaced in place: other contents under its number are refused while it serves.
 * - A store, or a model's folder, that can't be read changes nothing.
 */

import {
  BundleError,
  folderSignature,
  listBundles,
  lookAtBundle,
  manifestSignature,
  readDigest,
  type StoredBundle,
} from "../../bundle/index.js";
import { ServeError } from "../errors.js";
import { StoppedError, type Turns } from "../turns.js";
import type { ColdVersions } from "./cold-versions.js";
import type { ProofReport } from "./load-servable.js";
import type { Manager } from "./manager.js";
import { type HeldVersion, heldStates, nextAction, type WantedVersion } from "./next-action.js";
import type { ListedVersion, Registry } from "./registry.js";
import { Servable } from "./servable.js";
import type { StoreReads } from "./store-reads.js";
import { UnreadVersion } from "./unread-version.js";
import type { ScanReport, StoreChange, VersionControl } from "./version-control.js";
import { keyOf } from "./version-key.js";
import { type PolicyOf, whyNotWanted } from "./version-policy.js";
import { contentsOf, type StoreContents, wantedVersions } from "./wanted-versions.js";

export interface StoreControlOptions {
  /** The store's folder. */
  readonly models: string;
  /** How often the store is looked at, milliseconds; 0 for only when that is asked for. */
  readonly pollMs: number;
  readonly policyOf: PolicyOf;
  /** Keys of versions that a route names. */
  readonly named: () => ReadonlySet<string>;
  readonly registry: Registry;
  readonly manager: Manager;
  readonly turns: Turns;
  /** What came of those that were read at the start; kept here from then on. */
  readonly reads: StoreReads;
  readonly cold?: ColdVersions | undefined;
  readonly log: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}

/** Sentences of a report about what is passed over. */
const strayMax = 20;

export class StoreControl implements VersionControl {
  readonly #options: StoreControlOptions;
  #stored: readonly StoredBundle[] = [];
  #contents: StoreContents = new Map();
  /** Keys of versions that were loaded, and unloaded, on purpose. */
  readonly #pinned = new Set<string>();
  readonly #unloaded = new Set<string>();
  /** Loads that are under way, by key. */
  readonly #loads = new Map<string, Promise<Servable | ProofReport>>();
  /** What was said in the log and still holds: it isn't said again. */
  readonly #said = new Set<string>();
  #lastScan: Promise<unknown> = Promise.resolve();
  #lastSettling: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: StoreControlOptions) {
    this.#options = options;
    if (options.cold !== undefined) options.cold.onAsked = () => void this.#settle();
  }

  /** Looks at the store from time to time. */
  watch(): void {
    const { pollMs } = this.#options;
    if (pollMs === 0 || this.#isClosed) return;
    const look = () => this.scan().catch((error) => this.#sayUnlessStopped(error));
    this.#timer = setTimeout(() => void look().then(() => this.watch()), pollMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** One scan after the other: each begins after it was asked for. */
  scan(): Promise<ScanReport> {
    const scan = this.#lastScan.then(() => this.#scan());
    this.#lastScan = scan.catch(() => {});
    return scan;
  }

  async #scan(): Promise<ScanReport> {
    const { models, turns } = this.#options;
    const changes: StoreChange[] = [];
    const report = { models: 0, versions: 0, changes, loading: [], passed_over: [] };
    try {
      const { bundles, strays, unread } = await turns.unlessStopped(listBundles(models, turns.pause));
      // Of a model that can't be read now, what was known holds.
      const kept = this.#stored.filter(({ name }) => unread.includes(name));
      this.#stored = [...bundles, ...kept];
      this.#contents = contentsOf(this.#stored);
      this.#said.delete(models);
      await this.#compare(changes);
      await this.#lookAtReads(changes);
      await this.#lookAtNew(changes);
      this.#settle();
      const isCold = (one: WantedVersion) => this.#options.cold?.knows(`${one.model}/${one.version}`) === true;
      const loading = this.#wanted().filter((one) => !this.#isHeld(one.model, one.version) && !isCold(one));
      return {
        models: new Set(this.#stored.map(({ name }) => name)).size,
        versions: this.#stored.length,
        changes,
        loading: loading.map(({ model, version }) => ({ model, version })),
        passed_over: strays.slice(0, strayMax),
      };
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      this.#sayOnce(models, "warn", `the model store can't be read; what is served goes on: ${error.problems[0]}`, {});
      return { ...report, problem: error.problems[0]! };
    }
  }

  /** Versions that came, and those that are gone. */
  async #compare(changes: StoreChange[]): Promise<void> {
    const { registry, manager, turns, reads, policyOf } = this.#options;
    const there = new Set<string>();
    for (const stored of this.#stored) {
      const { name, version } = stored;
      const key = keyOf(stored);
      there.add(key);
      this.#said.delete(`gone ${key}`);
      await turns.pause();
      if (registry.entry(key) !== undefined) continue;
      const found = new UnreadVersion(name, version);
      found.leave(whyNotWanted(policyOf(name)));
      registry.addLate(found);
      changes.push({ model: name, version, change: "found" });
    }
    for (const { key, name, number } of [...registry.listed]) {
      await turns.pause();
      if (there.has(key)) continue;
      if (this.#isHeld(name, number)) {
        const sentence = "a version that serves is gone from the store: it serves until another one takes its place";
        if (this.#sayOnce(`gone ${key}`, "warn", sentence, { model: name, version: number }))
          changes.push({ model: name, version: number, change: "gone" });
        continue;
      }
      manager.forget(key);
      this.#options.cold?.forget(key);
      for (const known of [reads, this.#pinned, this.#unloaded]) known.delete(key);
      changes.push({ model: name, version: number, change: "gone" });
    }
  }

  /** Versions that were read before: whether they are as they were. */
  async #lookAtReads(changes: StoreChange[]): Promise<void> {
    const { registry, turns, reads } = this.#options;
    const folders = new Map(this.#stored.map((stored) => [keyOf(stored), stored]));
    for (const [key, read] of [...reads]) {
      const stored = folders.get(key);
      if (stored === undefined) continue;
      const servable = registry.entry(key);
      if (servable instanceof Servable && heldStates.has(servable.state)) {
        await this.#lookAtServed(stored, servable, changes);
        continue;
      }
      const signature = await turns.unlessStopped(folderSignature(stored.directory));
      if (signature !== read.signature) {
        reads.delete(key);
        this.#options.cold?.forget(key);
        changes.push({ model: stored.name, version: stored.version, change: "changed" });
      } else if (read.fault === "incomplete" && this.#said.delete(`again ${key}`)) {
        reads.set(key, { ...read, fault: undefined });
      }
    }
  }

  async #lookAtServed(stored: StoredBundle, servable: Servable, changes: StoreChange[]): Promise<void> {
    const { turns, reads } = this.#options;
    const { name, version, directory } = stored;
    const key = keyOf(stored);
    const signature = await turns.unlessStopped(manifestSignature(directory));
    if (signature === reads.get(key)!.signature) return;
    reads.set(key, { signature, fault: undefined, problems: [] });
    const digest = await turns.unlessStopped(readDigest(directory));
    servable.problems = [];
    if (digest === undefined || digest === servable.contract.bundle.digest) return;
    const sentence = `the store has other contents under this number (digest ${digest}): they are refused while version ${version} serves; export them under a new number, or unload this version and load it`;
    servable.problems = [sentence];
    this.#options.log("warn", `a version was replaced in the store: ${sentence}`, { model: name, version });
    changes.push({ model: name, version, change: "replaced" });
  }

  /** Versions that are to be read: whether they are whole. One that isn't gives its place to another. */
  async #lookAtNew(changes: StoreChange[]): Promise<void> {
    const looked = new Set<string>();
    const isNew = ({ model, version }: WantedVersion) => {
      const key = `${model}/${version}`;
      return !this.#isHeld(model, version) && !looked.has(key) && !this.#options.cold?.knows(key);
    };
    for (let next = this.#wanted().find(isNew); next !== undefined; next = this.#wanted().find(isNew)) {
      looked.add(`${next.model}/${next.version}`);
      if ((await this.#lookAt(next)) === undefined)
        changes.push({ model: next.model, version: next.version, change: "incomplete" });
    }
  }

  /** @returns The folder's signature; undefined for one that isn't whole, which shows as that from now on. */
  async #lookAt({ model, version, directory }: WantedVersion): Promise<string | undefined> {
    const { registry, turns, reads, log } = this.#options;
    const { signature, lack } = await turns.unlessStopped(lookAtBundle(directory, turns.pause));
    if (lack === undefined) return signature;
    const key = `${model}/${version}`;
    const wasIncomplete = registry.entry(key)?.state === "incomplete";
    reads.set(key, { signature, fault: "incomplete", problems: [lack] });
    const unread = new UnreadVersion(model, version);
    unread.fail("incomplete", [lack]);
    registry.addLate(unread);
    if (!wasIncomplete)
      log("warn", `a version isn't whole yet, and is looked at again: ${lack}`, { model, version, directory });
    return undefined;
  }

  #isHeld(model: string, version: number): boolean {
    const key = `${model}/${version}`;
    const entry = this.#options.registry.entry(key);
    return this.#loads.has(key) || (entry instanceof Servable && heldStates.has(entry.state));
  }

  #held(): HeldVersion[] {
    const { registry } = this.#options;
    const held = registry.versions
      .filter(({ state }) => heldStates.has(state))
      .map(({ name, number, state, contract }) => {
        return { model: name, version: number, directory: contract.bundle.directory, state };
      });
    const isThere = new Set(held.map(({ model, version }) => `${model}/${version}`));
    for (const key of this.#loads.keys()) {
      const [model, version] = key.split("/") as [string, string];
      if (!isThere.has(key)) held.push({ model, version: Number(version), directory: "", state: "loading" });
    }
    const isGone = (one: WantedVersion) => !this.#contents.get(one.model)?.some((it) => it.version === one.version);
    return this.#options.cold?.ofHeld(held, (key, one) => this.#pinned.has(key) || isGone(one)) ?? held;
  }

  #wanted(): WantedVersion[] {
    const { policyOf, reads, named, cold } = this.#options;
    const faulty = [...reads].filter(([, { fault }]) => fault !== undefined).map(([key]) => key);
    const without = new Set([...faulty, ...this.#unloaded]);
    const desires = { policyOf, without, pinned: this.#pinned, named: named() };
    const wanted = wantedVersions(this.#contents, this.#held(), desires);
    return cold?.ofWanted(wanted) ?? wanted;
  }

  /** Resolves when what is held is what is wanted, as far as it is known now; what is drained may still be draining. */
  settled(): Promise<void> {
    return this.#settle();
  }

  /** Makes what is held what is wanted, after what was begun before. */
  #settle(): Promise<void> {
    this.#lastSettling = this.#lastSettling
      .then(() => this.#settleNow())
      .catch((error) => this.#sayUnlessStopped(error));
    return this.#lastSettling;
  }

  async #settleNow(): Promise<void> {
    const { cold } = this.#options;
    for (;;) {
      const wanted = this.#wanted();
      if (await cold?.know(wanted.filter((one) => !this.#isHeld(one.model, one.version)))) continue;
      const action = nextAction(wanted, this.#held(), cold?.budgetBytes);
      if (action === undefined) return cold?.watchUse();
      if ("load" in action) await this.#load(action.load);
      else if ("evict" in action) await this.#evict(action.evict);
      else this.#drain(action.drain).catch((error) => this.#sayUnlessStopped(error));
    }
  }

  async #evict({ model, version }: WantedVersion): Promise<void> {
    const { registry, manager, reads, cold } = this.#options;
    const servable = registry.entry(`${model}/${version}`) as Servable;
    reads.delete(servable.key);
    await manager.evict(servable, cold!.evict(servable));
  }

  async #drain({ model, version }: { model: string; version: number }): Promise<void> {
    const { registry, manager, reads, policyOf } = this.#options;
    const key = `${model}/${version}`;
    await manager.remove(key);
    reads.delete(key);
    const left = registry.entry(key);
    // What the store doesn't have isn't shown any more.
    if (!this.#contents.get(model)?.some((one) => one.version === version)) manager.forget(key);
    else if (left instanceof UnreadVersion && !this.#unloaded.has(key)) left.leave(whyNotWanted(policyOf(model)));
  }

  /** Loads a version, whoever asked for it; once, if several do. */
  #load(wanted: WantedVersion): Promise<Servable | ProofReport> {
    const key = `${wanted.model}/${wanted.version}`;
    const underWay = this.#loads.get(key);
    if (underWay) return underWay;
    const load = this.#loadNow(wanted, key).finally(() => {
      this.#loads.delete(key);
      this.#options.cold?.ended(key);
    });
    this.#loads.set(key, load);
    return load;
  }

  async #loadNow(wanted: WantedVersion, key: string): Promise<Servable | ProofReport> {
    const { manager, reads, turns, cold } = this.#options;
    const { model: name, version, directory } = wanted;
    const signature = await this.#lookAt(wanted);
    if (signature === undefined)
      return { fault: "incomplete", problems: reads.get(key)!.problems, servable: undefined };
    const ofManifest = await turns.unlessStopped(manifestSignature(directory));
    const before = reads.get(key);
    const review = async (report: ProofReport) => {
      const after = await turns.unlessStopped(folderSignature(directory));
      const reviewed = after === signature ? this.#review(report, before, signature) : changedMeanwhile(report);
      // What it was is kept where the folder is as it was, for the comparison when it is read again.
      const isAgain = reviewed.fault === "incomplete" && after === signature && report.fault === "damaged";
      if (isAgain) this.#said.add(`again ${key}`);
      const { problems } = isAgain ? report : reviewed;
      reads.set(key, { signature: after === signature ? signature : "", fault: reviewed.fault, problems });
      return reviewed;
    };
    const found = await manager.add({ name, version, directory }, review, cold?.trusted(key));
    if (found instanceof Servable) reads.set(key, { signature: ofManifest, fault: undefined, problems: [] });
    return found;
  }

  /** Bytes that aren't those of the manifest may be on their way, as long as two reads don't find the same. */
  #review(report: ProofReport, before: { signature: string; problems: readonly string[] } | undefined, now: string) {
    if (report.fault !== "damaged") return report;
    const isSame = before?.signature === now && before.problems.join("\n") === report.problems.join("\n");
    if (isSame) return report;
    return { ...report, fault: "incomplete" as const, problems: [`${report.problems[0]}; it is read once more`] };
  }

  async load(model: string, version: number): Promise<Servable | ProofReport> {
    const key = `${model}/${version}`;
    const stored = await this.#find(model, version);
    const entry = this.#options.registry.entry(key);
    if (entry?.state === "draining") throw new ServeError("not_ready", `${key} is draining: ask again when it is gone`);
    this.#unloaded.delete(key);
    this.#pinned.add(key);
    if (entry instanceof Servable && entry.state === "ready") return entry;
    // Asked for on purpose, it is read again whatever came of it before.
    if (!this.#loads.has(key)) this.#options.reads.delete(key);
    try {
      const found = await this.#load({ model, version, directory: stored.directory });
      if (!(found instanceof Servable)) this.#pinned.delete(key);
      return found;
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
      throw new ServeError("not_ready", "the server stops");
    } finally {
      void this.#settle();
    }
  }

  async unload(model: string, version: number): Promise<void> {
    const key = `${model}/${version}`;
    const entry = this.#known(model, version);
    this.#pinned.delete(key);
    this.#unloaded.add(key);
    if (this.#isLast(entry))
      this.#options.log("warn", "a model's last version is taken out of service, on purpose", { model, version });
    try {
      await this.#loads.get(key)?.catch(() => {});
      if (this.#isHeld(model, version)) await this.#options.manager.remove(key);
      else if (entry instanceof UnreadVersion) entry.leave("it was unloaded on purpose");
      this.#options.reads.delete(key);
    } finally {
      void this.#settle();
    }
  }

  async loadModel(model: string): Promise<readonly string[]> {
    await this.scan();
    const ofModel = this.#stored.filter(({ name }) => name === model);
    if (ofModel.length === 0)
      throw new ServeError("model_not_found", `there is no model ${JSON.stringify(model)} in the store`);
    for (const stored of ofModel) {
      const key = keyOf(stored);
      this.#unloaded.delete(key);
      if (this.#options.reads.get(key)?.fault !== undefined) this.#options.reads.delete(key);
    }
    await this.#settle();
    const { registry } = this.#options;
    if (registry.champion(model) !== undefined) return [];
    return registry.model(model).flatMap(({ key, reason }) => (reason === undefined ? [] : [`${key}: ${reason}`]));
  }

  async unloadModel(model: string): Promise<void> {
    const versions = this.#options.registry.model(model);
    // Before the first is gone, or another would be loaded in its place.
    for (const { key } of versions) this.#unloaded.add(key);
    await Promise.all(versions.map(({ number }) => this.unload(model, number)));
  }

  #isLast(entry: ListedVersion): boolean {
    const serving = this.#options.registry.model(entry.name).filter(({ state }) => state === "ready");
    return serving.length === 1 && serving[0] === entry;
  }

  /** @throws {@link ServeError} model_not_found. */
  #known(model: string, version: number): ListedVersion {
    const entry = this.#options.registry.entry(`${model}/${version}`);
    if (entry !== undefined) return entry;
    throw new ServeError("model_not_found", `there is no version ${version} of a model ${JSON.stringify(model)}`);
  }

  /** @throws {@link ServeError} model_not_found where the store hasn't it, also after a look. */
  async #find(model: string, version: number): Promise<StoredBundle> {
    const find = () => this.#stored.find((one) => one.name === model && one.version === version);
    if (find() === undefined) await this.scan();
    const stored = find();
    if (stored !== undefined) return stored;
    const store = `the store has no version ${version} of a model ${JSON.stringify(model)}`;
    throw new ServeError("model_not_found", store);
  }

  /** @returns Whether it is said now. */
  #sayOnce(key: string, level: "info" | "warn", message: string, fields: Record<string, unknown>): boolean {
    if (this.#said.has(key)) return false;
    this.#said.add(key);
    this.#options.log(level, message, fields);
    return true;
  }

  #sayUnlessStopped(error: unknown): void {
    if (error instanceof StoppedError) return;
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log("error", "the model store could not be followed, and is looked at again", { cause });
  }
}

function changedMeanwhile(report: ProofReport): ProofReport {
  return { ...report, fault: "incomplete", problems: ["it changed while it was read, and is read again"] };
}
