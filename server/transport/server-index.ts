/** What `GET /` says: what is served, in which state, and how to call it; for people and for programs. */

import { exampleRow } from "../example-row.js";
import type { Registry } from "../versions/registry.js";
import { manifestOf } from "./describe.js";
import { renderIndexPage, type ServerIndex } from "./index-page.js";
import type { ServedAddress } from "./router.js";
import { publicRoutes } from "./routes.js";

/**
 * Models whose calls and features are shown in full; those of a server that has more are named, and have an address of
 * their own.
 */
const shownModelsMax = 20;

/** Both forms, written anew when a state has changed: the page of many models takes a millisecond. */
export class IndexAnswers {
  readonly #registry: Registry;
  readonly #isReady: () => boolean;
  readonly #version: string;
  readonly #baseUrl: () => string;
  readonly #routes: readonly ServedAddress[];
  #states = "";
  #html: string | undefined;
  #json: string | undefined;

  /**
   * @param version - Of Plumb.
   * @param baseUrl - Where the listener is, for a page that doesn't know where it was found: `http://127.0.0.1:8080`.
   */
  constructor(
    registry: Registry,
    isReady: () => boolean,
    version: string,
    baseUrl: () => string,
    routes: readonly ServedAddress[] = publicRoutes,
  ) {
    this.#registry = registry;
    this.#isReady = isReady;
    this.#version = version;
    this.#baseUrl = baseUrl;
    this.#routes = routes;
  }

  html(): string {
    this.#forgetOld();
    this.#html ??= renderIndexPage(this.#index(), this.#baseUrl());
    return this.#html;
  }

  json(): string {
    this.#forgetOld();
    this.#json ??= `${JSON.stringify(describeIndex(this.#index()))}\n`;
    return this.#json;
  }

  #forgetOld(): void {
    const versions = this.#registry.models.flatMap(([name, all]) =>
      all.map(({ number, state }) => `${name}/${number} ${state}`),
    );
    const states = [this.#isReady(), ...versions].join();
    if (states === this.#states) return;
    this.#states = states;
    this.#html = undefined;
    this.#json = undefined;
  }

  #index(): ServerIndex {
    const models = this.#registry.models.map(([name, versions], index) => {
      const champion = this.#registry.champion(name);
      const isShown = champion !== undefined && index < shownModelsMax;
      return {
        name,
        task: manifestOf(versions)?.task ?? null,
        serving: champion?.number ?? null,
        versions: versions.map(({ number, state }) => ({ version: number, state })),
        problem: versions[0]!.problems[0],
        call: isShown ? { row: exampleRow(champion.contract), features: champion.rowSchema.features } : undefined,
      };
    });
    return {
      version: this.#version,
      ready: this.#isReady(),
      defaultModel: this.#defaultModel(),
      models,
      addresses: this.#routes.map(({ verb, address, what }) => ({ verb, address, what })),
    };
  }

  #defaultModel(): string | undefined {
    try {
      return this.#registry.choose(undefined, undefined).name;
    } catch {
      return undefined;
    }
  }
}

function describeIndex({ version, ready, defaultModel, models, addresses }: ServerIndex): object {
  return {
    server: "plumb",
    version,
    ready,
    default_model: defaultModel ?? null,
    models: models.map(({ name, task, serving, versions, call }) => ({
      name,
      task,
      serving,
      versions,
      predict: `/models/${name}/predict`,
      describe: `/models/${name}`,
      example: call?.row === undefined ? null : JSON.parse(call.row),
    })),
    addresses,
  };
}
