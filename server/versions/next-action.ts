/**
 * What is to be done next, so that what is held becomes what is wanted. Pure, and idempotent over snapshots: an action
 * that is under way shows in what is held, and isn't asked for again.
 *
 * What always holds:
 * - One version is loaded at a time.
 * - A version is drained only once everything that is wanted of its model serves, and that is at least one version. So
 *   a model that has a version which serves never loses its last one here.
 */

import type { Candidate } from "../routing/policy.js";
import { keyOf } from "./version-key.js";

/** A version that is to be loaded: plain data. */
export interface WantedVersion {
  readonly model: string;
  readonly version: number;
  /** The bundle's folder, absolute. */
  readonly directory: string;
}

/** A version as it stands: plain data. */
export interface HeldVersion extends WantedVersion {
  readonly state: Candidate["state"];
}

export type Action = { readonly load: WantedVersion } | { readonly drain: WantedVersion };

const underWay: ReadonlySet<HeldVersion["state"]> = new Set(["loading", "proving"]);

/** Of a version that is loaded, or about to be. */
export const heldStates: ReadonlySet<HeldVersion["state"]> = new Set([...underWay, "ready", "draining"]);

const key = ({ model, version }: WantedVersion) => keyOf({ name: model, version });

/**
 * @param wanted - What shall serve, in the order in which it is loaded.
 * @param held - Versions; one in another state than {@link heldStates} is as good as not there.
 * @returns Undefined where there is nothing to do, or nothing before what is under way has ended.
 */
export function nextAction(wanted: readonly WantedVersion[], held: readonly HeldVersion[]): Action | undefined {
  const states = new Map(held.map((one) => [key(one), one.state]));
  const isHeld = (one: WantedVersion) => heldStates.has(states.get(key(one)) ?? "closed");
  const missing = held.some(({ state }) => underWay.has(state)) ? undefined : wanted.find((one) => !isHeld(one));
  if (missing !== undefined) return { load: missing };
  const wantedKeys = new Set(wanted.map(key));
  const served = new Set(wanted.map(({ model }) => model));
  for (const one of wanted) if (states.get(key(one)) !== "ready") served.delete(one.model);
  const leaver = held.find((one) => one.state === "ready" && !wantedKeys.has(key(one)) && served.has(one.model));
  return leaver && { drain: { model: leaver.model, version: leaver.version, directory: leaver.directory } };
}
