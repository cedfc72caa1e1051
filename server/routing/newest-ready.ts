/** The champion is the newest version that is ready, or will be for the call that asks. */

import { answers, type RoutingPolicy } from "./policy.js";

export const newestReady: RoutingPolicy = (_modelName, candidates) => {
  for (const candidate of candidates) if (answers(candidate)) return candidate;
  return undefined;
};
