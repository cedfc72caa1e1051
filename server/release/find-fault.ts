/** Whether this server can serve a route: its versions are ready, and know the feature that it assigns by. */

import { isDeepStrictEqual } from "node:util";
import type { Route } from "../routing/route.js";
import { versionsOf } from "../routing/route-table.js";
import type { Registry } from "../versions/registry.js";
import type { Servable } from "../versions/servable.js";
import type { MirrorHosts } from "./mirror/hosts.js";

/** States of versions that the store has and that were taken out of service: they come back when they are asked for. */
const left: ReadonlySet<string> = new Set(["unloaded", "draining", "closed"]);

/** @returns Why not, in one sentence; undefined if it can. */
export function findFault(
  registry: Registry,
  modelName: string,
  route: Route,
  mirrorHosts: Pick<MirrorHosts, "fault">,
): string | undefined {
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
  for (const shadow of route.shadows ?? []) {
    const { version } = shadow;
    if (version === undefined) {
      const fault = findMirrorFault(champion, shadow, mirrorHosts);
      if (fault !== undefined) return fault;
      continue;
    }
    const other = registry.find(modelName, String(version))!;
    if (!isDeepStrictEqual(outputsOf(other), outputsOf(champion)))
      return `version ${version} of ${name} has other outputs than version ${route.champion}: they can't be compared`;
  }
  return findRulesFault(champion, route);
}

/** Personal data leaves this server only where the route names the feature. */
function findMirrorFault(
  { key, rowSchema }: Servable,
  { url, features }: NonNullable<Route["shadows"]>[number],
  mirrorHosts: Pick<MirrorHosts, "fault">,
): string | undefined {
  const fault = mirrorHosts.fault(url!);
  if (fault !== undefined) return fault;
  const unknown = features?.find((feature) => !rowSchema.features.some(({ name }) => name === feature));
  if (unknown !== undefined) return `${key} has no feature ${JSON.stringify(unknown)}, which the route sends to ${url}`;
  const missed = rowSchema.features.find(({ pii, required }) => pii && required);
  if (features !== undefined || missed === undefined) return undefined;
  const name = JSON.stringify(missed.name);
  return `feature ${name} of ${key} is required, and personal data ("x-pii"): name in "features" what ${url} may have`;
}

/** What the rules of the comparison name that the champion hasn't, or that nobody is shown. */
function findRulesFault(champion: Servable, { compare = {} }: Route): string | undefined {
  const { key, rowSchema, hiddenFeatures, postprocessor } = champion;
  const { names = [], hasProbabilities } = postprocessor;
  const outputs = hasProbabilities ? [...names, "probabilities"] : names;
  for (const output of compare.ignore_outputs ?? [])
    if (!outputs.includes(output)) return `${key} has no output ${JSON.stringify(output)}, which the route ignores`;
  if (names.length > 0 && names.every((name) => compare.ignore_outputs?.includes(name)))
    return `the route ignores all outputs of ${key}: nothing is left to compare`;
  for (const feature of compare.worst_row_features ?? []) {
    if (!rowSchema.features.some(({ name }) => name === feature))
      return `${key} has no feature ${JSON.stringify(feature)}, which the route shows of the worst rows`;
    if (hiddenFeatures.has(feature))
      return `feature ${JSON.stringify(feature)} of ${key} is personal data ("x-pii"), and never shown`;
  }
  return undefined;
}

function outputsOf({ postprocessor: { names, labels, hasProbabilities } }: Servable) {
  return { names, labels, hasProbabilities };
}
