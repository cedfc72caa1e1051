/** Whether this server can serve a route: its versions are ready, and know the feature that it assigns by. */

import { isDeepStrictEqual } from "node:util";
import type { Route } from "../routing/route.js";
import { versionsOf } from "../routing/route-table.js";
import type { Registry } from "../versions/registry.js";
import type { Servable } from "../versions/servable.js";

/** States of versions that the store has and that were taken out of service: they come back when they are asked for. */
const left: ReadonlySet<string> = new Set(["unloaded", "draining", "closed"]);

/** @returns Why not, in one sentence; undefined if it can. */
export function findFault(registry: Registry, modelName: string, route: Route): string | undefined {
  const name = JSON.stringify(modelName);
  const model = registry.models.find(([known]) => known === modelName);
  if (model === undefined) return `there is no model ${name}; GET /models names them`;
  for (const number of versionsOf(route)) {
    const version = model[1].find((one) => one.number === number);
    const ready = version && registry.find(modelName, String(number));
    if (ready === undefined) {
      const state = version === undefined ? "not in the store" : version.state;
      const path = `/models/${modelName}`;
      const advice = left.has(state) ? `load it by POST ${path}/versions/${number}/load` : `see ${path}`;
      return `version ${number} of ${name} is ${state}: a route takes versions that are ready; ${advice}`;
    }
    const { feature } = route.assign_by ?? {};
    if (feature !== undefined && !ready.rowSchema.features.some((one) => one.name === feature))
      return `version ${number} of ${name} has no feature ${JSON.stringify(feature)}, by which the route assigns`;
  }
  const champion = registry.find(modelName, String(route.champion))!;
  for (const { version } of route.shadows ?? []) {
    const shadow = registry.find(modelName, String(version))!;
    if (!isDeepStrictEqual(outputsOf(shadow), outputsOf(champion)))
      return `version ${version} of ${name} has other outputs than version ${route.champion}: they can't be compared`;
  }
  return undefined;
}

function outputsOf({ postprocessor: { names, labels, hasProbabilities } }: Servable) {
  return { names, labels, hasProbabilities };
}
