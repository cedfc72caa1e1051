/**
 * Which of a model's versions in the store shall be loaded: its policy. Pure.
 *
 * A policy sees numbers alone, so the same question may be asked at any time, wherever the store is known.
 */

import { z } from "zod";

/** `latest`: the newest few. `all`: every one. A list: these, where the store has them. */
export type VersionPolicy =
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "all" }
  | { readonly kind: "list"; readonly versions: readonly number[] };

/** The policy of a model by its name. */
export type PolicyOf = (model: string) => VersionPolicy;

/**
 * @param newestFirst - The model's versions in the store.
 * @param isOut - Whether a version takes no place: it failed, isn't whole, or was unloaded on purpose.
 * @returns Newest first. Of many versions only those are looked at that may be among the wanted ones.
 */
export function versionsWanted<T extends { readonly version: number }>(
  policy: VersionPolicy,
  newestFirst: readonly T[],
  isOut: (one: T) => boolean,
): T[] {
  const wanted: T[] = [];
  const countMax = policy.kind === "latest" ? policy.count : Number.POSITIVE_INFINITY;
  for (const one of newestFirst) {
    if (wanted.length === countMax) break;
    const isListed = policy.kind !== "list" || policy.versions.includes(one.version);
    if (isListed && !isOut(one)) wanted.push(one);
  }
  return wanted;
}

/** Why a sound version isn't loaded. */
export function whyNotWanted(policy: VersionPolicy): string {
  if (policy.kind === "list") return `the versions ${policy.versions.join(", ")} are loaded (versions)`;
  const count = policy.kind === "latest" ? policy.count : 0;
  return `the newest ${count === 1 ? "version is" : `${count} versions are`} loaded (versionsPerModel)`;
}

const latest = /^latest ([1-9]\d{0,2})$/;
type Choice = "all" | `latest ${number}` | number[];

function isChoice(value: unknown): value is Choice {
  if (typeof value === "string") return value === "all" || latest.test(value);
  const isVersion = (one: unknown) => Number.isSafeInteger(one) && (one as number) >= 1;
  return Array.isArray(value) && value.length >= 1 && value.length <= 1000 && value.every(isVersion);
}

const choice = z.custom<Choice>(isChoice, { error: 'expected "all", "latest 3" or a list of versions such as [1, 4]' });

/** Policies by model, as the setting has them: an object in the file, its JSON text in a flag or variable. */
export const versionChoices = z.preprocess(
  (value) => {
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  },
  z.record(z.string().min(1), choice, {
    error: 'expected JSON such as {"demand": "latest 3", "digits": [1, 4], "iris": "all"}',
  }),
);

/** @param perModel - How many of the newest versions are loaded of a model that `choices` doesn't name. */
export function policiesOf(choices: z.infer<typeof versionChoices> | undefined, perModel: number): PolicyOf {
  const policies = new Map(Object.entries(choices ?? {}).map(([model, chosen]) => [model, policyOf(chosen)]));
  const otherwise: VersionPolicy = { kind: "latest", count: perModel };
  return (model) => policies.get(model) ?? otherwise;
}

function policyOf(chosen: Choice): VersionPolicy {
  if (chosen === "all") return { kind: "all" };
  if (typeof chosen === "string") return { kind: "latest", count: Number(latest.exec(chosen)![1]) };
  return { kind: "list", versions: chosen };
}
