/** What `/models` and `/models/{m}` say. */

import type { Registry } from "../versions/registry.js";
import type { Version } from "../versions/version.js";

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
