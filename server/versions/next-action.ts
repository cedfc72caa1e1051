/**
 * What is to be done next, so that what is held becomes what is wanted. Pure, and idempotent over snapshots: an action
 * that is under way shows in what is held, and isn't asked for again.
 *
 * What always holds:
 * - One version is loaded at a time.
 * - With a memory budget a version is loaded only if it fits beside what is held. To make room, the one that was used
 *   least recently is evicted; never one that is in use, being loaded, or kept on purpose. A version for which nobody
 *   asks evicts no other one, so nothing is evicted and loaded in turn without a call.
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
  /** What it holds once it is loaded, as far as it is known. */
  readonly bytes?: number;
  /** Who asks for it: a call that waits; a route, or a model whose older version serves; nobody. Default: nobody. */
  readonly askedBy?: Asker;
}

export type Asker = "call" | "release" | "nobody";

/** A version as it stands: plain data. */
export interface HeldVersion extends WantedVersion {
  readonly state: Candidate["state"];
  /** Calls and batches that work with it. */
  readonly references?: number;
  /** Grows with each use. */
  readonly lastUse?: number;
  /** It was loaded on purpose, or the store doesn't have it any more: it is never evicted. */
  readonly isKept?: boolean;
  /** A route names it: it is evicted for a call alone, and after all others. */
  readonly isNamed?: boolean;
}

export type Action =
  | { readonly load: WantedVersion }
  | { readonly drain: WantedVersion }
  | { readonly evict: WantedVersion };

const underWay: ReadonlySet<HeldVersion["state"]> = new Set(["loading", "proving"]);

/** Of a version that is loaded, or about to be. */
export const heldStates: ReadonlySet<HeldVersion["state"]> = new Set([...underWay, "ready", "draining"]);

const key = ({ model, version }: WantedVersion) => keyOf({ name: model, version });

/**
 * @param wanted - What shall serve, in the order in which it is loaded.
 * @param held - Versions; one in another state than {@link heldStates} is as good as not there.
 * @param budgetBytes - What loaded versions may hold together.
 * @returns Undefined where there is nothing to do, or nothing before what is under way has ended.
 */
export function nextAction(
  wanted: readonly WantedVersion[],
  held: readonly HeldVersion[],
  budgetBytes = Number.POSITIVE_INFINITY,
): Action | undefined {
  const states = new Map(held.map((one) => [key(one), one.state]));
  const isHeld = (one: WantedVersion) => heldStates.has(states.get(key(one)) ?? "closed");
  const missing = held.some(({ state }) => underWay.has(state)) ? [] : wanted.filter((one) => !isHeld(one));
  const within = withinBudget(missing, held, budgetBytes);
  if (within !== undefined) return within;
  const wantedKeys = new Set(wanted.map(key));
  const served = new Set(wanted.map(({ model }) => model));
  for (const one of wanted) if (states.get(key(one)) !== "ready") served.delete(one.model);
  const leaver = held.find((one) => one.state === "ready" && !wantedKeys.has(key(one)) && served.has(one.model));
  return leaver && { drain: { model: leaver.model, version: leaver.version, directory: leaver.directory } };
}

const askers: readonly Asker[] = ["call", "release", "nobody"];

/** What to load, or to evict before; undefined where nothing that is missing has room. */
function withinBudget(
  missing: readonly WantedVersion[],
  held: readonly HeldVersion[],
  budgetBytes: number,
): Action | undefined {
  if (budgetBytes === Number.POSITIVE_INFINITY) return missing[0] && { load: missing[0] };
  const holding = held.filter(({ state }) => heldStates.has(state));
  const heldBytes = sumOf(holding);
  // Loaded on purpose, versions may take more than there is.
  if (heldBytes > budgetBytes) {
    const victim = victimsFor(holding, "call")[0];
    if (victim !== undefined) return { evict: plain(victim) };
  }
  for (const asker of askers) {
    // The same ones whatever is missing, only in another order: with a thousand versions to sort they are summed once.
    const roomBytes = sumOf(victimsFor(holding, asker));
    for (const one of missing) {
      if ((one.askedBy ?? "nobody") !== asker) continue;
      const overBytes = heldBytes + (one.bytes ?? 0) - budgetBytes;
      if (overBytes <= 0) return { load: one };
      // In part it would be for nothing.
      if (roomBytes >= overBytes) return { evict: plain(victimsFor(holding, asker, one.model)[0]!) };
    }
  }
  return undefined;
}

/** Versions that may be evicted, the first one first. */
function victimsFor(holding: readonly HeldVersion[], asker: Asker, model?: string): HeldVersion[] {
  if (asker === "nobody") return [];
  const last = (one: HeldVersion) => (one.isNamed === true ? 2 : one.model === model ? 1 : 0);
  return holding
    .filter(({ state, references = 0, isKept }) => state === "ready" && references === 0 && isKept !== true)
    .filter(({ isNamed }) => asker === "call" || isNamed !== true)
    .sort((a, b) => last(a) - last(b) || (a.lastUse ?? 0) - (b.lastUse ?? 0));
}

function sumOf(versions: readonly WantedVersion[]): number {
  return versions.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
}

function plain({ model, version, directory }: WantedVersion): WantedVersion {
  return { model, version, directory };
}
