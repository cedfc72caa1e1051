/** The champion is the newest version that is ready. */

import type { RoutingPolicy } from "./policy.js";

export const newestReady: RoutingPolicy = (_modelName, candidates) => {
  for (const candidate of candidates) if (candidate.state === "ready") return candidate;
  return undefined;
};
