/** The champion is the version that the model's route names, or none; models without a route go on as they did. */

import { answers, type RoutingPolicy } from "./policy.js";
import type { RouteTable } from "./route-table.js";

export function routed(table: RouteTable, otherwise: RoutingPolicy): RoutingPolicy {
  return (modelName, candidates) => {
    const route = table.of(modelName);
    if (route === undefined) return otherwise(modelName, candidates);
    for (const candidate of candidates)
      if (candidate.number === route.champion) return answers(candidate) ? candidate : undefined;
    return undefined;
  };
}
