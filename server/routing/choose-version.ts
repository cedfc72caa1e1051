/**
 * Which version answers a call: the one that it names, or an error; where it names none, the model's champion. Pure.
 */

import { ServeError } from "../errors.js";
import { answers, type Candidate, type RoutingPolicy } from "./policy.js";

/** All versions of a model, newest first, and who chooses its champion. */
export interface Model<T extends Candidate> {
  readonly name: string;
  readonly candidates: readonly T[];
  readonly policy: RoutingPolicy;
}

/** Longest reason that an error repeats, in UTF-16 units: `/models/{m}` has all of it. */
const reasonUnitsMax = 300;

/**
 * @param versionName - As it stands in the address; undefined for the champion.
 * @returns Undefined where {@link refuseVersion} says why there is none; it may be one that isn't loaded yet.
 */
export function findVersion<T extends Candidate>(
  { name, candidates, policy }: Model<T>,
  versionName: string | undefined,
): T | undefined {
  if (versionName === undefined) return policy(name, candidates);
  for (const candidate of candidates)
    if (String(candidate.number) === versionName) return answers(candidate) ? candidate : undefined;
  return undefined;
}

/**
 * Why no version answers.
 *
 * @returns model_not_found for a version that isn't there, not_ready for one that doesn't serve.
 */
export function refuseVersion({ name, candidates }: Model<Candidate>, versionName: string | undefined): ServeError {
  const loaded = candidates.filter(({ state }) => state !== "unloaded");
  if (loaded.length === 0)
    return new ServeError("model_not_found", `model "${name}" has no version that is loaded; see /models/${name}`);
  if (versionName === undefined) {
    const states = loaded.map((candidate) => `${candidate.number} ${describe(candidate)}`).join(", ");
    return new ServeError("not_ready", `model "${name}" isn't ready: its versions are ${states}; see /models/${name}`);
  }
  const found = loaded.find(({ number }) => String(number) === versionName);
  if (found === undefined) {
    const known = loaded.map(({ number }) => number).join(", ");
    const sentence = `model "${name}" has no version ${JSON.stringify(versionName)}: it has ${known}`;
    return new ServeError("model_not_found", sentence);
  }
  return new ServeError(
    "not_ready",
    `model "${name}" version ${found.number} is ${describe(found)}; see /models/${name}`,
  );
}

function describe({ state, reason }: Candidate): string {
  if (reason === undefined) return state;
  return `${state} (${reason.length > reasonUnitsMax ? `${reason.slice(0, reasonUnitsMax)}…` : reason})`;
}
