/** What `/models` and `/models/{m}` say: of every version that the store names, its state, and why it isn't served. */

import type { ListedVersion, Registry } from "../versions/registry.js";
import { Servable } from "../versions/servable.js";

export function describeModels(registry: Registry): object {
  return {
    models: registry.models.map(([name, versions]) => ({
      name,
      task: manifestOf(versions)?.task ?? null,
      serving: registry.champion(name)?.number ?? null,
      versions: versions.map(({ number, state, reason }) => ({
        version: number,
        state,
        ...(reason !== undefined && { reason }),
      })),
    })),
  };
}

/** @throws {@link ServeError} model_not_found. */
export function describeModel(registry: Registry, name: string): object {
  const versions = registry.model(name);
  const champion = registry.champion(name);
  return {
    name,
    serving: champion?.number ?? null,
    versions: versions.map((version) => ({
      version: version.number,
      state: version.state,
      reason: version.reason ?? null,
      role: version === champion ? "champion" : "standby",
      ...describe(version),
      problems: version.problems,
    })),
    schema: (champion ?? firstRead(versions))?.rowSchema.document ?? firstCold(versions)?.schema ?? null,
  };
}

function describe(version: ListedVersion) {
  if (version instanceof Servable) return describeRead(version);
  if (version.facts === undefined) return nothingRead;
  const { digest, manifest } = version.facts;
  const { created, task, parity, slo, limits, fallback } = manifest;
  return { ...nothingRead, digest, created, task, parity, slo, limits, fallback: fallback.kind };
}

function describeRead(version: Servable) {
  const { digest, manifest } = version.contract.bundle;
  return {
    digest,
    engine: version.engine ?? null,
    engines: version.engines.map(({ model, engine, reason }) => ({ model, engine, reason: reason ?? null })),
    created: manifest.created,
    task: manifest.task,
    outputs: version.postprocessor.names ?? null,
    parity: manifest.parity,
    slo: manifest.slo,
    limits: manifest.limits,
    fallback: manifest.fallback.kind,
    proof: version.proof ?? null,
  };
}

/** The same members, of a version that couldn't be read or isn't read yet. */
const nothingRead: Readonly<Record<keyof ReturnType<typeof describeRead>, null | readonly never[]>> = {
  digest: null,
  engine: null,
  engines: [],
  created: null,
  task: null,
  outputs: null,
  parity: null,
  slo: null,
  limits: null,
  fallback: null,
  proof: null,
};

function firstCold(versions: readonly ListedVersion[]) {
  for (const version of versions)
    if (!(version instanceof Servable) && version.facts !== undefined) return version.facts;
  return undefined;
}

/** Of the first version of which it is known. */
export function manifestOf(versions: readonly ListedVersion[]) {
  return firstRead(versions)?.contract.bundle.manifest ?? firstCold(versions)?.manifest;
}

function firstRead(versions: readonly ListedVersion[]): Servable | undefined {
  return versions.find((version) => version instanceof Servable);
}
