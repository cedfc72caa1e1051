/** What `/`, `/models` and `/models/{m}` say. */

import type { Feature } from "../../bundle/index.js";
import { exampleRow } from "../example-row.js";
import type { Registry } from "../versions/registry.js";
import type { Version } from "../versions/version.js";
import { publicAddresses, type ServedAddress } from "./addresses.js";

/** Models of a server that has many whose calls are shown in full; the others have a page of their own. */
const examplesMax = 20;

export interface IndexedModel {
  readonly name: string;
  readonly task: string;
  /** The version that answers; null while none is ready. */
  readonly serving: number | null;
  readonly versions: readonly { readonly version: number; readonly state: string }[];
  /** Why its newest version failed, if it did. */
  readonly problem: string | undefined;
  /** JSON text of a row to try; undefined where none is shown. */
  readonly example: string | undefined;
  readonly features: readonly Feature[];
}

/** What is served, and how to call it. */
export interface ServerIndex {
  /** Of Plumb. */
  readonly version: string;
  readonly ready: boolean;
  /** What `/predict` answers for, if that is settled. */
  readonly defaultModel: string | undefined;
  readonly models: readonly IndexedModel[];
  readonly addresses: readonly ServedAddress[];
}

export function indexServer(registry: Registry, ready: boolean, version: string): ServerIndex {
  const models = registry.models.map(([name, versions], index) => {
    const champion = serving(versions);
    const shown = champion !== undefined && index < examplesMax;
    return {
      name,
      task: versions[0]!.bundle.manifest.task,
      serving: champion?.number ?? null,
      versions: versions.map(({ number, state }) => ({ version: number, state })),
      problem: versions[0]!.problems[0],
      example: shown ? (exampleRow(champion) ?? "{...}") : undefined,
      features: (champion ?? versions[0]!).rowSchema.features,
    };
  });
  return { version, ready, defaultModel: defaultModel(registry), models, addresses: publicAddresses };
}

function defaultModel(registry: Registry): string | undefined {
  try {
    return registry.choose(undefined, undefined).name;
  } catch {
    return undefined;
  }
}

/** The index for programs. */
export function describeIndex({ version, ready, defaultModel, models, addresses }: ServerIndex): object {
  return {
    server: "plumb",
    version,
    ready,
    default_model: defaultModel ?? null,
    models: models.map(({ name, task, serving, versions, example }) => ({
      name,
      task,
      serving,
      versions,
      predict: `/models/${name}/predict`,
      describe: `/models/${name}`,
      example: example === undefined || example === "{...}" ? null : JSON.parse(example),
    })),
    addresses,
  };
}

export function describeModels(registry: Registry): object {
  return {
    models: registry.models.map(([name, versions]) => ({
      name,
      task: versions[0]!.bundle.manifest.task,
      serving: serving(versions)?.number ?? null,
      versions: versions.map(({ number, state }) => ({ version: number, state })),
    })),
  };
}

/** @throws {@link ServeError} model_not_found. */
export function describeModel(registry: Registry, name: string): object {
  const versions = registry.model(name);
  const champion = serving(versions);
  return {
    name,
    serving: champion?.number ?? null,
    versions: versions.map((version) => ({
      version: version.number,
      state: version.state,
      role: version === champion ? "champion" : "standby",
      digest: version.bundle.digest,
      engine: version.engine ?? null,
      engines: version.engines.map(({ model, engine, reason }) => ({ model, engine, reason: reason ?? null })),
      created: version.bundle.manifest.created,
      task: version.bundle.manifest.task,
      outputs: version.postprocessor.names ?? null,
      parity: version.bundle.manifest.parity,
      slo: version.bundle.manifest.slo,
      limits: version.bundle.manifest.limits,
      fallback: version.bundle.manifest.fallback.kind,
      proof: version.proof ?? null,
      problems: version.problems,
    })),
    schema: (champion ?? versions[0]!).rowSchema.document,
  };
}

function serving(versions: readonly Version[]): Version | undefined {
  return versions.find(({ state }) => state === "ready");
}
