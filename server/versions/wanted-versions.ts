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

/**
 * @param stored - In any order.
 * @param held - What is known of versions.
 * @returns By model in the order of the alphabet, newest first.
 */
export function wantedVersions(
  stored: readonly StoredBundle[],
  held: readonly HeldVersion[],
  { policyOf, without, pinned, named }: Desires,
): WantedVersion[] {
  const ready = new Map<string, HeldVersion[]>();
  for (const one of held) if (one.state === "ready") ready.set(one.model, [...(ready.get(one.model) ?? []), one]);
  const inStore = new Map<string, Map<number, string>>();
  for (const { name, version, directory } of stored) {
    if (!inStore.has(name)) inStore.set(name, new Map());
    inStore.get(name)!.set(version, directory);
  }
  return [...new Set([...inStore.keys(), ...ready.keys()])].sort().flatMap((model) => {
    const folders = inStore.get(model) ?? new Map<number, string>();
    const numbers = [...folders.keys()];
    const excluded = new Set(numbers.filter((version) => without.has(keyOf({ name: model, version }))));
    const routed = numbers.filter((version) => !excluded.has(version) && named?.has(keyOf({ name: model, version })));
    const chosen = new Set([...versionsWanted(policyOf(model), numbers, excluded), ...routed]);
    const wanted = [...chosen].map((version) => ({
      model,
      version,
      directory: folders.get(version)!,
    }));
    const serving = (ready.get(model) ?? []).sort((a, b) => b.version - a.version);
    const kept = serving.filter(
      ({ version }, place) => pinned.has(keyOf({ name: model, version })) || (place === 0 && !folders.has(version)),
    );
    const also = kept
      .filter(({ version }) => !wanted.some((one) => one.version === version))
      .map(({ version, directory }) => ({ model, version, directory }));
    return [...wanted, ...also].sort((a, b) => b.version - a.version);
  });
}
