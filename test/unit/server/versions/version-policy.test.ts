/** Goal: which versions a policy wants, and which settings are none. */

import { describe, expect, test } from "vitest";
import {
  policiesOf,
  type VersionPolicy,
  versionChoices,
  versionsWanted,
  whyNotWanted,
} from "../../../../server/versions/version-policy.js";

const latest = (count: number): VersionPolicy => ({ kind: "latest", count });
const list = (...versions: number[]): VersionPolicy => ({ kind: "list", versions });

test.each([
  { name: "the newest", policy: latest(1), without: [], wanted: [9] },
  { name: "the newest two", policy: latest(2), without: [], wanted: [9, 4] },
  { name: "an older one in the place of one that failed", policy: latest(2), without: [9], wanted: [4, 2] },
  { name: "no more than there are", policy: latest(9), without: [4], wanted: [9, 2] },
  { name: "all", policy: { kind: "all" } as const, without: [], wanted: [9, 4, 2] },
  { name: "all but those that failed", policy: { kind: "all" } as const, without: [9, 2], wanted: [4] },
  { name: "those in the list, as far as they are there", policy: list(2, 7, 9), without: [], wanted: [9, 2] },
  { name: "nothing in the place of one of a list", policy: list(2, 9), without: [9], wanted: [2] },
])("$name", ({ policy, without, wanted }) => {
  const stored = [9, 4, 2].map((version) => ({ version }));
  const found = versionsWanted(policy, stored, ({ version }) => (without as number[]).includes(version));
  expect(found.map(({ version }) => version)).toEqual(wanted);
});

describe("the setting", () => {
  test("is an object, or its JSON text; a model that it doesn't name has the default", () => {
    const chosen = { demand: "latest 3", digits: [1, 4], iris: "all" };
    for (const value of [chosen, JSON.stringify(chosen)]) {
      const policyOf = policiesOf(versionChoices.parse(value), 2);
      expect(["demand", "digits", "iris", "toString"].map(policyOf)).toEqual([
        latest(3),
        list(1, 4),
        { kind: "all" },
        latest(2),
      ]);
    }
    expect(policiesOf(undefined, 5)("demand")).toEqual(latest(5));
  });

  test.each([
    "latest",
    "{",
    '{"demand": "latest 0"}',
    '{"demand": []}',
    '{"demand": [0]}',
    '{"demand": "newest"}',
    "[]",
  ])("isn't %s", (value) => {
    const { error } = versionChoices.safeParse(value);
    expect(error!.issues[0]!.message).toMatch(/^expected /);
  });

  test("says why a version isn't loaded", () => {
    expect(whyNotWanted(latest(1))).toContain("the newest version is loaded");
    expect(whyNotWanted(latest(3))).toContain("the newest 3 versions are loaded");
    expect(whyNotWanted(list(1, 4))).toContain("the versions 1, 4 are loaded");
  });
});
