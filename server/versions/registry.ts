/** The versions that this server holds, by model. The only place that knows them all. */

import type { DecodeLimits } from "../codec/json.js";
import { ServeError } from "../errors.js";
import { chooseVersion } from "../routing/newest-ready.js";
import type { Version } from "./version.js";

/** What a body may be before it is known which model it is for. */
export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly decode: DecodeLimits;
}

const unknownModelLimits: BodyLimits = { bodyBytesMax: 1_048_576, decode: { rowsMax: 10_000, containersMax: 10_002, membersMax: 2000 } };

/** Models that an error names: a reply and a log line for each typing mistake can't hold hundreds. */
const namedModelsMax = 20;

export class Registry {
  readonly #models = new Map<string, Version[]>();
  readonly #defaultModel: string | undefined;
  readonly #expected = new Set<string>();

  /** @param defaultModel - What `/predict` answers for; undefined means "the only model, if there is just one". */
  constructor(defaultModel: string | undefined) {
    this.#defaultModel = defaultModel;
  }

  /** A model that is in the store, whether or not a bundle of it can be read. */
  expect(name: string): void {
    this.#expected.add(name);
  }

  add(version: Version): void {
    const versions = this.#models.get(version.name) ?? [];
    versions.push(version);
    versions.sort((a, b) => b.number - a.number);
    this.#models.set(version.name, versions);
  }

  /** Names in the order of the alphabet, versions newest first. */
  get models(): readonly (readonly [string, readonly Version[]])[] {
    return [...this.#models].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  get versions(): readonly Version[] {
    return [...this.#models.values()].flat();
  }

  /** @throws {@link ServeError} model_not_found. */
  model(name: string): readonly Version[] {
    const versions = this.#models.get(name);
    if (versions === undefined) throw new ServeError("model_not_found", `there is no model ${JSON.stringify(name)}: ${this.#known()}`);
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
    return chooseVersion(name, this.model(name), versionName);
  }

  /** What the body of a call to this address may be: known before the body is read. */
  limits(modelName: string | undefined, versionName: string | undefined): BodyLimits {
    const name = modelName ?? (this.#models.has(this.#defaultModel ?? "") ? this.#defaultModel : this.#onlyName());
    const versions = this.#models.get(name ?? "");
    const version =
      versionName === undefined
        ? versions?.find(({ state }) => state === "ready")
        : versions?.find(({ number }) => String(number) === versionName);
    return version?.bodyLimits ?? unknownModelLimits;
  }

  /** Every model of the store has a version that is ready: a server that lost one shouldn't take the place of one that has it. */
  get ready(): boolean {
    const names = new Set([...this.#models.keys(), ...this.#expected]);
    return names.size > 0 && [...names].every((name) => this.#models.get(name)?.some(({ state }) => state === "ready"));
  }

  #onlyName(): string | undefined {
    return this.#models.size === 1 ? [...this.#models.keys()][0] : undefined;
  }

  #defaultName(): string {
    if (this.#defaultModel !== undefined && this.#models.has(this.#defaultModel)) return this.#defaultModel;
    const only = this.#onlyName();
    if (only !== undefined) return only;
    const lack = this.#defaultModel === undefined ? "none is set" : `${JSON.stringify(this.#defaultModel)} isn't loaded`;
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
