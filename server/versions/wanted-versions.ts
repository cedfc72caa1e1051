/**
 * What shall serve, by what the store holds: pure. The result is plain data, which may be sent to whoever does it.
 *
 * Beside what the policies want, that is each version that was loaded on purpose and serves, and a model's champion that
 * is gone from the store: it serves until something takes its place.
 */

import type { StoredBundle } from "../../bundle/index.js";
import type { HeldVersion, WantedVersion } from "./next-action.js";
import { keyOf } from "./version-key.js";
import { type PolicyOf, versionsWanted } from "./version-policy.js";

export interface Desires {
  readonly policyOf: PolicyOf;
  /** Keys of versions that take no place: they failed, aren't whole, or were unloaded on purpose. */
  readonly without: ReadonlySet<string>;
  /** Keys of versions that were loaded on purpose. */
  readonly pinned: ReadonlySet<string>;
  /** Keys of versions that a route names: wanted whatever the policy says, where the store has them. */
  readonly named?: ReadonlySet<string>;
}

/** The versions of each model, newest first. */
export type StoreContents = ReadonlyMap<string, readonly StoredBundle[]>;

/** @param bundles - In any order. */
export function contentsOf(bundles: readonly StoredBundle[]): StoreContents {
  const models = new Map<string, StoredBundle[]>();
  for (const bundle of bundles) {
    if (!models.has(bundle.name)) models.set(bundle.name, []);
    models.get(bundle.name)!.push(bundle);
  }
  for (const versions of models.values()) versions.sort((a, b) => b.version - a.version);
  return models;
}

/**
 * @param held - What is known of versions.
 * @returns By model in the order of the alphabet, newest first.
 */
export function wantedVersions(
  contents: StoreContents,
  held: readonly HeldVersion[],
  { policyOf, without, pinned, named }: Desires,
): WantedVersion[] {
  const ready = new Map<string, HeldVersion[]>();
  for (const one of held) if (one.state === "ready") ready.set(one.model, [...(ready.get(one.model) ?? []), one]);
  return [...new Set([...contents.keys(), ...ready.keys()])].sort().flatMap((model) => {
    const stored = contents.get(model) ?? [];
    const isOut = (one: StoredBundle) => without.has(keyOf(one));
    const chosen = new Set([
      ...versionsWanted(policyOf(model), stored, isOut),
      ...(named === undefined || named.size === 0 ? [] : stored.filter((one) => named.has(keyOf(one)) && !isOut(one))),
    ]);
    const wanted = [...chosen].map(({ version, directory }) => ({ model, version, directory }));
    const serving = (ready.get(model) ?? []).sort((a, b) => b.version - a.version);
    const isPinned = (version: number) => pinned.has(keyOf({ name: model, version }));
    const isGone = (version: number) => !stored.some((one) => one.version === version);
    const kept = serving.filter(({ version }, place) => isPinned(version) || (place === 0 && isGone(version)));
    const also = kept
      .filter(({ version }) => !wanted.some((one) => one.version === version))
      .map(({ version, directory }) => ({ model, version, directory }));
    return [...wanted, ...also].sort((a, b) => b.version - a.version);
  });
}
