/**
 * The versions that this server holds, by model. The only place that knows them all; which of them answers, and whether
 * the server is ready by them, is decided in `routing/`.
 */

import { ServeError } from "../errors.js";
import type { ServingVersion } from "../path/serving-version.js";
import type { BodyLimits } from "../protocol/protocol.js";
import { findVersion, type Model, refuseVersion } from "../routing/choose-version.js";
import type { RoutingPolicy } from "../routing/policy.js";
import { areServed, isWanted } from "../routing/readiness.js";
import { viewedName } from "./block-view.js";
import { Servable } from "./servable.js";
import type { UnreadVersion } from "./unread-version.js";

/** A version that this server knows of: loaded, or not. */
export type ListedVersion = Servable | UnreadVersion;

/** What a body may be before it is known which model it is for. */
const unknownModelLimits: BodyLimits = {
  bodyBytesMax: 1_048_576,
  decode: { rowsMax: 10_000, containersMax: 10_004, membersMax: 2000 },
};

/** Models that an error names: a reply and a log line for each typing mistake can't hold hundreds. */
const namedModelsMax = 20;

export class Registry {
  readonly #models = new Map<string, Model<ListedVersion>>();
  readonly #byKey = new Map<string, ListedVersion>();
  /** Models that came while the server served. */
  readonly #late = new Set<string>();
  readonly #policy: RoutingPolicy;
  #defaultModel: string | undefined;

  /** @param defaultModel - What `/predict` answers for; undefined means "the only model, if there is just one". */
  constructor(defaultModel: string | undefined, policy: RoutingPolicy) {
    this.#defaultModel = defaultModel;
    this.#policy = policy;
  }

  /** From now on the default is the only model, if there is just one. */
  forgetDefault(): void {
    this.#defaultModel = undefined;
  }

  /** A version, loaded or not; in the place of what stood for it before. */
  add(version: ListedVersion): void {
    const { name, number, key } = version;
    const before = this.#models.get(name)?.candidates ?? [];
    const place = before.findIndex((other) => other.number <= number);
    const at = place === -1 ? before.length : place;
    const candidates = before.toSpliced(at, this.#byKey.has(key) ? 1 : 0, version);
    const replaced = this.#byKey.get(key);
    if (replaced?.wakes) version.takeOver(replaced instanceof Servable ? undefined : replaced.facts);
    this.#byKey.set(key, version);
    if (version instanceof Servable) version.lastGood = () => this.#readyBefore(version);
    this.#models.set(name, { name, candidates, policy: this.#policy });
  }

  /** The newest version that serves, of those that are older than this one. */
  #readyBefore({ name, number }: Servable): Servable | undefined {
    const older = this.#models.get(name)?.candidates.find((other) => other.number < number && other.state === "ready");
    return older as Servable | undefined;
  }

  /** Nothing is known of a version any more; of a model, once it has no version. */
  forget(key: string): void {
    const version = this.#byKey.get(key);
    if (version === undefined) return;
    this.#byKey.delete(key);
    const { name } = version;
    const candidates = this.#models.get(name)!.candidates.filter((other) => other !== version);
    if (candidates.length > 0) this.#models.set(name, { name, candidates, policy: this.#policy });
    else this.#models.delete(name);
  }

  /** As {@link add}, while the server serves: if no other one of its model is wanted, the server is ready without it. */
  addLate(version: ListedVersion): void {
    if (!isWanted(this.#models.get(version.name)?.candidates ?? [])) this.#late.add(version.name);
    this.add(version);
  }

  /** What stands for a version, by its key. */
  entry(key: string): ListedVersion | undefined {
    return this.#byKey.get(key);
  }

  /** The version that answers calls that name none. */
  champion(modelName: string): Servable | undefined {
    const model = this.#models.get(modelName);
    return model && servableOf(findVersion(model, undefined));
  }

  /** Names in the order of the alphabet, versions newest first. */
  get models(): readonly (readonly [string, readonly ListedVersion[]])[] {
    return [...this.#models.values()]
      .map(({ name, candidates }) => [name, candidates] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** All of them, read or not. */
  get listed(): readonly ListedVersion[] {
    return [...this.#models.values()].flatMap(({ candidates }) => candidates);
  }

  /** Those that were read. */
  get versions(): readonly Servable[] {
    return this.listed.filter((version) => version instanceof Servable);
  }

  /** @throws {@link ServeError} model_not_found. */
  model(name: string): readonly ListedVersion[] {
    return this.#model(name).candidates;
  }

  #model(name: string): Model<ListedVersion> {
    const model = this.#models.get(name);
    if (model === undefined)
      throw new ServeError("model_not_found", `there is no model ${JSON.stringify(name)}: ${this.#known()}`);
    return model;
  }

  /**
   * The version that answers.
   *
   * @param modelName - Undefined for the default model.
   * @param versionName - Undefined for the champion.
   * @throws {@link ServeError} model_not_found, not_ready.
   */
  choose(modelName: string | undefined, versionName: string | undefined): Servable {
    const model = this.#model(modelName ?? this.#defaultName());
    const found = servableOf(findVersion(model, versionName));
    if (found === undefined) throw refuseVersion(model, versionName);
    return found;
  }

  /** The version that answers; undefined where {@link choose} says why there is none. */
  find(modelName: string | undefined, versionName: string | undefined): Servable | undefined {
    const model = this.#models.get(modelName ?? this.#defaultModel ?? this.#onlyName() ?? "");
    return model && servableOf(findVersion(model, versionName));
  }

  /** The version that would answer and isn't loaded: a call for it waits. Names as in {@link findView}. */
  findWaking(modelName: string | undefined, versionName: string | undefined): ListedVersion | undefined {
    const model = this.#models.get(
      this.#viewed(modelName) ?? modelName ?? this.#defaultModel ?? this.#onlyName() ?? "",
    );
    const found = model && findVersion(model, versionName);
    return found?.wakes ? found : undefined;
  }

  /** As {@link choose}; and of `demand.onnx`, where no model has that name, the block view of `demand`'s version. */
  chooseView(modelName: string | undefined, versionName: string | undefined): ServingVersion {
    const viewed = this.#viewed(modelName);
    return viewed === undefined ? this.choose(modelName, versionName) : this.choose(viewed, versionName).blockView;
  }

  /** As {@link find}, with the names of {@link chooseView}. */
  findView(modelName: string | undefined, versionName: string | undefined): ServingVersion | undefined {
    const viewed = this.#viewed(modelName);
    return viewed === undefined ? this.find(modelName, versionName) : this.find(viewed, versionName)?.blockView;
  }

  /** The model whose block view has this name; undefined for any other name. A model's own name comes first. */
  #viewed(name: string | undefined): string | undefined {
    const viewed = name && viewedName(name);
    return viewed && !this.#models.has(name) && this.#models.has(viewed) ? viewed : undefined;
  }

  /** What the body of a call to this address may be: known before the body is read. */
  limits(modelName: string | undefined, versionName: string | undefined): BodyLimits {
    const name = modelName ?? this.#defaultModel ?? this.#onlyName() ?? "";
    const version =
      versionName === undefined
        ? this.champion(name)
        : this.#models.get(name)?.candidates.find(({ number }) => String(number) === versionName);
    if (version instanceof Servable) return version.bodyLimits;
    const waking = this.findWaking(modelName, versionName);
    if (waking instanceof Servable) return waking.bodyLimits;
    const bodyBytesMax = waking?.facts?.manifest.limits.body_bytes_max;
    return bodyBytesMax === undefined ? unknownModelLimits : { ...unknownModelLimits, bodyBytesMax };
  }

  /** The most bytes that any version takes in a body: known before it is known which one. */
  get bodyBytesMax(): number {
    return Math.max(unknownModelLimits.bodyBytesMax, ...this.versions.map(({ bodyLimits }) => bodyLimits.bodyBytesMax));
  }

  /** Whether the server is ready, as far as its models go. */
  get ready(): boolean {
    return areServed(
      [...this.#models.values()].map(({ name, candidates }) => ({
        versions: candidates,
        isAwaited: !this.#late.has(name),
      })),
    );
  }

  #onlyName(): string | undefined {
    return this.#models.size === 1 ? [...this.#models.keys()][0] : undefined;
  }

  #defaultName(): string {
    // Set, it is never another: a caller that means this model must not get another one's answer.
    const name = this.#defaultModel ?? this.#onlyName();
    if (name !== undefined && this.#models.has(name)) return name;
    const lack = name === undefined ? "none is set" : `${JSON.stringify(name)} isn't in the store`;
    throw new ServeError(
      "model_not_found",
      `this address needs a default model, and ${lack}: use /models/{model}/predict; ${this.#known()}`,
    );
  }

  #known(): string {
    const names = [...this.#models.keys()].sort();
    if (names.length === 0) return "none is loaded";
    const others = names.length > namedModelsMax ? ` and ${names.length - namedModelsMax} more (GET /models)` : "";
    return `this server has ${names.slice(0, namedModelsMax).join(", ")}${others}`;
  }
}

/** Nothing but a loaded version is ever ready. */
function servableOf(found: ListedVersion | undefined): Servable | undefined {
  return found?.state === "ready" ? (found as Servable) : undefined;
}
