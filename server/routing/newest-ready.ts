/**
 * Which version answers a call that names none: the newest that is ready. A call that names a version gets that one or
 * an error. Pure.
 */

import { ServeError } from "../errors.js";
import type { UnreadState } from "../versions/unread-version.js";
import type { VersionState } from "../versions/version.js";

export interface Candidate {
  readonly number: number;
  readonly state: VersionState | UnreadState;
  /** Why it isn't served, where that is known. */
  readonly reason?: string | undefined;
}

/** Longest reason that an error repeats, in UTF-16 units: `/models/{m}` has all of it. */
const reasonUnitsMax = 300;

/** The one that serves; undefined where {@link chooseVersion} says why there is none. */
export function findReady<T extends Candidate>(
  candidates: readonly T[],
  versionName: string | undefined,
): T | undefined {
  for (const candidate of candidates) {
    const isMeant = versionName === undefined || String(candidate.number) === versionName;
    if (isMeant && candidate.state === "ready") return candidate;
  }
  return undefined;
}

/**
 * @param candidates - All versions of the model, newest first.
 * @param versionName - As it stands in the address; undefined for "the one that serves".
 * @throws {@link ServeError} model_not_found for a version that isn't there, not_ready for one that doesn't serve.
 */
export function chooseVersion<T extends Candidate>(
  modelName: string,
  candidates: readonly T[],
  versionName: string | undefined,
): T {
  const ready = findReady(candidates, versionName);
  if (ready !== undefined) return ready;
  if (versionName === undefined) {
    const loaded = candidates.filter(({ state }) => state !== "unloaded");
    const states = loaded.map((candidate) => `${candidate.number} ${describe(candidate)}`).join(", ");
    throw new ServeError(
      "not_ready",
      `model "${modelName}" isn't ready: its versions are ${states}; see /models/${modelName}`,
    );
  }
  const found = candidates.find(({ number }) => String(number) === versionName);
  if (found === undefined || found.state === "unloaded") {
    const known = candidates
      .filter(({ state }) => state !== "unloaded")
      .map(({ number }) => number)
      .join(", ");
    throw new ServeError(
      "model_not_found",
      `model "${modelName}" has no version ${JSON.stringify(versionName)}: it has ${known}`,
    );
  }
  throw new ServeError(
    "not_ready",
    `model "${modelName}" version ${found.number} is ${describe(found)}; see /models/${modelName}`,
  );
}

function describe({ state, reason }: Candidate): string {
  if (reason === undefined) return state;
  return `${state} (${reason.length > reasonUnitsMax ? `${reason.slice(0, reasonUnitsMax)}…` : reason})`;
}
