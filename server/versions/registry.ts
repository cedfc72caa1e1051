/** The versions that this server holds, by model. The only place that knows them all. */

import { ServeError } from "../errors.js";
import type { BodyLimits } from "../protocol/protocol.js";
import { chooseVersion, findReady } from "../routing/newest-ready.js";
import type { UnreadVersion } from "./unread-version.js";
import { Version } from "./version.js";

/** A version that the store names: loaded, or not. */
export type ListedVersion = Version | UnreadVersion;

/** What a body may be before it is known which model it is for. */
const unknownModelLimits: BodyLimits = {
  bodyBytesMax: 1_048_576,
  decode: { rowsMax: 10_000, containersMax: 10_002, membersMax: 2000 },
};

/** Models that an error names: a reply and a log line for each typing mistake can't hold hundreds. */
const namedModelsMax = 20;

export class Registry {
  readonly #models = new Map<string, ListedVersion[]>();
  #defaultModel: string | undefined;

  /** @param defaultModel - What `/predict` answers for; undefined means "the only model, if there is just one". */
  constructor(defaultModel: string | undefined) {
    this.#defaultModel = defaultModel;
  }

  /** From now on the default is the only model, if there is just one. */
  forgetDefault(): void {
    this.#defaultModel = undefined;
  }

  /** A version that the store names, loaded or not; in the place of what stood for it before. */
  add(version: ListedVersion): void {
    const others = (this.#models.get(version.name) ?? []).filter(({ number }) => number !== version.number);
    this.#models.set(
      version.name,
      [...others, version].sort((a, b) => b.number - a.number),
    );
  }

  /** Names in the order of the alphabet, versions newest first. */
  get models(): readonly (readonly [string, readonly ListedVersion[]])[] {
    return [...this.#models].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** All that the store names. */
  get listed(): readonly ListedVersion[] {
    return [...this.#models.values()].flat();
  }

  /** Those that were read. */
  get versions(): readonly Version[] {
    return this.listed.filter((version) => version instanceof Version);
  }

  /** @throws {@link ServeError} model_not_found. */
  model(name: string): readonly ListedVersion[] {
    const versions = this.#models.get(name);
    if (versions === undefined)
      throw new ServeError("model_not_found", `there is no model ${JSON.stringify(name)}: ${this.#known()}`);
    return versions;
  }

  /**
   * The version that answers.
   *
   * @param modelName - Undefined for the default model.
   * @param versionName - Undefined for the newest that is ready.
   * @throws {@link ServeError} model_not_found, not_ready.
   */
  choose(modelName: string | undefined, versionName: string | undefined): Version {
    const name = modelName ?? this.#defaultName();
    // Nothing but a loaded version is ever ready.
    return chooseVersion(name, this.model(name), versionName) as Version;
  }

  /** The version that answers; undefined where {@link choose} says why there is none. */
  find(modelName: string | undefined, versionName: string | undefined): Version | undefined {
    const versions = this.#models.get(modelName ?? this.#defaultModel ?? this.#onlyName() ?? "");
    return versions && (findReady(versions, versionName) as Version | undefined);
  }

  /** What the body of a call to this address may be: known before the body is read. */
  limits(modelName: string | undefined, versionName: string | undefined): BodyLimits {
    const name = modelName ?? this.#defaultModel ?? this.#onlyName();
    const versions = this.#models.get(name ?? "");
    const version =
      versionName === undefined
        ? versions?.find(({ state }) => state === "ready")
        : versions?.find(({ number }) => String(number) === versionName);
    return version instanceof Version ? version.bodyLimits : unknownModelLimits;
  }

  /**
   * Every model of the store has a version that is ready: a server that lost one shouldn't take the place of one that
   * has it.
   */
  get ready(): boolean {
    return (
      this.#models.size > 0 &&
      [...this.#models.values()].every((versions) => versions.some(({ state }) => state === "ready"))
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
