/**
 * Loads a store: of each model its newest sound versions, and says of every other one why it isn't served.
 *
 * A version that fails takes no place: the next older one is tried. Nothing that is wrong with one version, or with a
 * folder, keeps another from being loaded. What comes of each is noted, for who follows the store from then on.
 */

import { folderSignature, listBundles, manifestSignature, type StoredBundle } from "../../bundle/index.js";
import { answers } from "../routing/policy.js";
import type { Turns } from "../turns.js";
import type { ColdVersions } from "./cold-versions.js";
import type { Manager } from "./manager.js";
import type { WantedVersion } from "./next-action.js";
import type { Registry } from "./registry.js";
import { Servable } from "./servable.js";
import type { StoreReads } from "./store-reads.js";
import { UnreadVersion } from "./unread-version.js";
import { keyOf } from "./version-key.js";
import { type PolicyOf, whyNotWanted } from "./version-policy.js";
import { contentsOf, type StoreContents, wantedVersions } from "./wanted-versions.js";

export interface StoreLoaderOptions {
  /** The store's folder. */
  readonly models: string;
  readonly policyOf: PolicyOf;
  /** Which model `/predict` is about, if that is set. */
  readonly defaultModel: string | undefined;
  /** Whether it may be a model that this store hasn't: it was set beside another store. */
  readonly defaultIsLoose: boolean;
  /** Keys of versions that are loaded however old they are. */
  readonly named?: ReadonlySet<string>;
  readonly registry: Registry;
  readonly manager: Manager;
  readonly turns: Turns;
  readonly reads: StoreReads;
  /** With a memory budget. */
  readonly cold?: ColdVersions | undefined;
  readonly log: (level: "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}

/** Versions that are loaded at the same time: one is read while another is in a worker. */
const loadsMax = 3;
/** Strays that get a line each. */
const straysMax = 20;

export class StoreLoader {
  readonly #options: StoreLoaderOptions;
  #contents: StoreContents = new Map();
  /** Those that loading has begun with, by their keys. */
  readonly #begun = new Set<string>();
  /** Those that take no place among the newest. */
  readonly #without = new Set<string>();
  /** Those that are to be warmed. */
  readonly #proved: Servable[] = [];

  constructor(options: StoreLoaderOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every version that is to be loaded is, or has failed.
   *
   * @throws Error with a sentence when the store can't be read, hasn't the default model, or no version is ready.
   */
  async load(): Promise<void> {
    const { registry, manager } = this.#options;
    await this.#list();
    await manager.inTurn(async () => {
      while (this.#next() !== undefined) {
        await Promise.all(Array.from({ length: loadsMax }, () => this.#loadNext()));
        await this.#serveAll();
      }
    });
    this.#leaveOthers();
    if (!registry.listed.some(answers)) {
      const reasons = registry.listed.flatMap(({ key, problems }) => problems.map((problem) => `${key}: ${problem}`));
      throw new Error(`no model is ready to serve:\n${reasons.join("\n")}`);
    }
  }

  async #list(): Promise<void> {
    const { models, registry, defaultModel, defaultIsLoose, turns, log } = this.#options;
    const { bundles, strays } = await turns.unlessStopped(listBundles(models, turns.pause));
    for (const stray of strays.slice(0, straysMax)) log("warn", `passed over in the model store: ${stray}`, {});
    if (strays.length > straysMax)
      log("warn", "more is passed over in the model store", { count: strays.length - straysMax });
    if (bundles.length === 0)
      throw new Error(`no bundle is in the model store ${models}: expected ${models}/<name>/<version>/manifest.json`);
    this.#contents = contentsOf(bundles);
    for (const { name, version } of bundles) {
      registry.add(new UnreadVersion(name, version));
      await turns.pause();
    }
    if (defaultModel === undefined || bundles.some(({ name }) => name === defaultModel)) return;
    if (!defaultIsLoose) {
      const names = registry.models.map(([name]) => name).join(", ");
      throw new Error(
        `the default model ${JSON.stringify(defaultModel)} isn't in the model store ${models}: expected one of ${names}; correct defaultModel, or leave it out`,
      );
    }
    log(
      "warn",
      `the config file's default model ${JSON.stringify(defaultModel)} isn't in this store: there is no default`,
      { models },
    );
    registry.forgetDefault();
  }

  /** Loads one after the other until there is none left. */
  async #loadNext(): Promise<void> {
    for (;;) {
      const next = this.#next();
      if (next === undefined) return;
      this.#begun.add(keyOf(next));
      if ((await this.#options.cold?.admit(next)) !== false) await this.#loadOne(next);
    }
  }

  #next(): StoredBundle | undefined {
    const { policyOf, named, cold } = this.#options;
    return nextToLoad(this.#contents, policyOf, this.#begun, this.#without, named, cold !== undefined);
  }

  /** One after the other, once nothing is loaded any more. */
  async #serveAll(): Promise<void> {
    for (const servable of this.#proved.splice(0))
      if (await this.#options.manager.serve(servable)) this.#leaveOut(servable.key);
  }

  async #loadOne(stored: StoredBundle): Promise<void> {
    const { manager, turns, reads } = this.#options;
    const key = keyOf(stored);
    const signature = await turns.unlessStopped(folderSignature(stored.directory));
    const ofManifest = await turns.unlessStopped(manifestSignature(stored.directory));
    const found = await manager.load(stored);
    if (found instanceof Servable) {
      reads.set(key, { signature: ofManifest, fault: undefined, problems: [] });
      this.#proved.push(found);
      return;
    }
    reads.set(key, { signature, fault: found.fault, problems: found.problems });
    this.#leaveOut(key);
  }

  #leaveOut(key: string): void {
    this.#without.add(key);
    this.#options.cold?.release(key);
  }

  /** Says of those that nobody needs why they aren't loaded. */
  #leaveOthers(): void {
    const { registry, policyOf } = this.#options;
    for (const version of registry.listed)
      if (version instanceof UnreadVersion && version.state === "loading")
        version.leave(whyNotWanted(policyOf(version.name)));
  }
}

/**
 * Which version is loaded next: of those that the policies want or a route names, one that nobody has begun with. Pure, and the
 * same question may be asked again at any time.
 *
 * @param without - Keys of those that failed: they take no place among the newest.
 * @param isNewestFirst - Each model's newest version before all others, since not all may have room.
 */
export function nextToLoad(
  contents: StoreContents,
  policyOf: PolicyOf,
  begun: ReadonlySet<string>,
  without: ReadonlySet<string>,
  named: ReadonlySet<string> = new Set(),
  isNewestFirst = false,
): StoredBundle | undefined {
  const wanted = wantedVersions(contents, [], { policyOf, without, pinned: new Set(), named });
  const left = wanted.filter(({ model, version }) => !begun.has(keyOf({ name: model, version })));
  const isFirst = ({ model }: WantedVersion, place: number) => place === 0 || wanted[place - 1]!.model !== model;
  const newest = isNewestFirst ? new Set(wanted.filter(isFirst)) : undefined;
  const next = (newest && left.find((one) => newest.has(one))) ?? left[0];
  return next && { name: next.model, version: next.version, directory: next.directory };
}
