/** What `/models` and `/models/{m}` say: of every version that the store names, its state, and why it isn't served. */

import type { ListedVersion, Registry } from "../versions/registry.js";
import { Servable } from "../versions/servable.js";

export function describeModels(registry: Registry): object {
  return {
    models: registry.models.map(([name, versions]) => ({
      name,
      task: firstRead(versions)?.contract.bundle.manifest.task ?? null,
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
      ...(version instanceof Servable ? describeRead(version) : nothingRead),
      problems: version.problems,
    })),
    schema: (champion ?? firstRead(versions))?.rowSchema.document ?? null,
  };
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

function firstRead(versions: readonly ListedVersion[]): Servable | undefined {
  return versions.find((version) => version instanceof Servable);
}
