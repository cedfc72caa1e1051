/** What a routing policy is, and what it sees. */

import type { VersionState } from "../versions/states.js";
import type { UnreadState } from "../versions/unread-version.js";

/** A version as it stands now. */
export interface Candidate {
  readonly number: number;
  readonly state: VersionState | UnreadState;
  /** Why it isn't served, where that is known. */
  readonly reason?: string | undefined;
}

/**
 * Chooses a model's champion: the version that answers calls that name none. Pure, and asked for each call, so it has to
 * be quick.
 *
 * @param candidates - All versions of the model, newest first.
 * @returns One of those that are ready; undefined for "none of them".
 */
export type RoutingPolicy = <T extends Candidate>(modelName: string, candidates: readonly T[]) => T | undefined;
