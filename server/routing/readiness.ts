/**
 * Is a server ready, by its models? Every model has to have a version that serves: a server that lost one shouldn't take
 * the place of one that has it. Pure.
 */

import { answers, type Candidate } from "./policy.js";

export interface ModelSnapshot {
  readonly versions: readonly Pick<Candidate, "state" | "wakes">[];
  /** Of the models with which the server started; one that comes later isn't waited for. */
  readonly isAwaited: boolean;
}

/** A version that nobody wants to serve. */
const gone: ReadonlySet<Candidate["state"]> = new Set(["draining", "closed", "unloaded"]);

/** Whether a model with these versions is missed where none of them serves. */
export function isWanted(versions: ModelSnapshot["versions"]): boolean {
  return versions.some(({ state }) => !gone.has(state));
}

export function areServed(models: readonly ModelSnapshot[]): boolean {
  const isServed = ({ versions }: ModelSnapshot) => versions.some(answers);
  const isMissed = (model: ModelSnapshot) => model.isAwaited && !isServed(model) && isWanted(model.versions);
  return models.some(isServed) && !models.some(isMissed);
}
