/**
 * A routing policy of one's own: models that are pinned to a version answer with that one or not at all, all others as
 * they did.
 *
 * In the server it would be `server/routing/pinned-version.ts`, and a word in `server/server.ts`:
 * `new Registry(config.defaultModel, pinnedVersion({ demand: 1 }, newestReady))`.
 */

import type { RoutingPolicy } from "../../server/routing/policy.js";

/** @param pins - Version numbers, by the models' names. */
export function pinnedVersion(pins: Readonly<Record<string, number>>, otherwise: RoutingPolicy): RoutingPolicy {
  const pinned = new Map(Object.entries(pins));
  return (modelName, candidates) => {
    const pin = pinned.get(modelName);
    if (pin === undefined) return otherwise(modelName, candidates);
    return candidates.find(({ number, state }) => number === pin && state === "ready");
  };
}
