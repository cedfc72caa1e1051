/** The states of a version that was read, and which of them may follow which. Nothing else is ever entered. */

/**
 * `loading`: read, and being loaded. `proving`: its golden rows run. `ready`: it answers calls. `draining`: it takes no
 * new calls and finishes those that it has. `closed`: nothing is left of it in any executor. `failed`: it never served.
 *
 * One that is evicted goes the same way, from `ready` to `closed` while nothing works with it; in its place stands one
 * that wasn't read (`unread-version.ts`), which is `cold`, and which another one that is `loading` replaces when it is
 * called.
 */
export const versionStates = ["loading", "proving", "ready", "draining", "closed", "failed"] as const;

export type VersionState = (typeof versionStates)[number];

/** loading -> proving -> ready -> draining -> closed, and failed from the first two. */
const transitions: Readonly<Record<VersionState, readonly VersionState[]>> = {
  loading: ["proving", "failed"],
  proving: ["ready", "failed"],
  ready: ["draining"],
  draining: ["closed"],
  failed: [],
  closed: [],
};

export function mayFollow(state: VersionState, next: VersionState): boolean {
  return transitions[state].includes(next);
}
