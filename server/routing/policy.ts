/** What a routing policy is, and what it sees. */

import type { VersionState } from "../versions/states.js";
import type { UnreadState } from "../versions/unread-version.js";

/** A version as it stands now. */
export interface Candidate {
  readonly number: number;
  readonly state: VersionState | UnreadState;
  /** Why it isn't served, where that is known. */
  readonly reason?: string | undefined;
  /** Whether calls for it wait until it is loaded. */
  readonly wakes?: boolean;
}

/** Whether a version answers calls: at once, or once it is loaded. */
export function answers({ state, wakes }: Pick<Candidate, "state" | "wakes">): boolean {
  return state === "ready" || wakes === true;
}

/**
 * Chooses a model's champion: the version that answers calls that name none. Pure, and asked for each call, so it has to
 * be quick.
 *
 * @param candidates - All versions of the model, newest first.
 * @returns One of those that answer ({@link answers}); undefined for "none of them".
 */
export type RoutingPolicy = <T extends Candidate>(modelName: string, candidates: readonly T[]) => T | undefined;
