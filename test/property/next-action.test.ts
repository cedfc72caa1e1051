/**
 * Goal: whatever the store becomes and whichever loads fail, step by step what is held becomes what is wanted; a model
 * with a version that serves never loses its last one on the way; and a question that is asked twice changes nothing.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeldVersion, heldStates, nextAction } from "../../server/versions/next-action.js";
import type { VersionPolicy } from "../../server/versions/version-policy.js";
import { contentsOf, wantedVersions } from "../../server/versions/wanted-versions.js";

const models = ["a", "b"];
const version = fc.record({ model: fc.constantFrom(...models), version: fc.integer({ min: 1, max: 6 }) });
const policy: fc.Arbitrary<VersionPolicy> = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((count) => ({ kind: "latest", count }) as const),
  fc.constant({ kind: "all" } as const),
  fc
    .uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1 })
    .map((versions) => ({ kind: "list", versions }) as const),
);
const keyOf = (one: { model: string; version: number }) => `${one.model}/${one.version}`;
const versions = fc.uniqueArray(version, { selector: keyOf, maxLength: 10 });
const states = fc.constantFrom(...(["loading", "proving", "ready", "draining", "failed", "unloaded"] as const));
const held = fc
  .uniqueArray(fc.tuple(version, states), { selector: ([one]) => keyOf(one), maxLength: 8 })
  .map((all) => all.map(([one, state]): HeldVersion => ({ ...one, directory: keyOf(one), state })));
const keys = versions.map((all) => new Set(all.map(keyOf)));
const world = fc.record({ stored: versions, held, policies: fc.tuple(policy, policy), failing: keys, pinned: keys });

function wantedOf(
  stored: { model: string; version: number }[],
  now: HeldVersion[],
  policies: VersionPolicy[],
  without: Set<string>,
  pinned: Set<string>,
) {
  const bundles = stored.map((one) => ({ name: one.model, version: one.version, directory: keyOf(one) }));
  return wantedVersions(contentsOf(bundles), now, {
    policyOf: (model) => policies[models.indexOf(model)]!,
    without,
    pinned,
  });
}

test("what is held becomes what is wanted, and no model loses its last version", () => {
  fc.assert(
    fc.property(world, ({ stored, held: first, policies, failing, pinned }) => {
      const without = new Set<string>();
      const now = new Map(first.map((one) => [keyOf(one), one]));
      const snapshot = () => [...now.values()];
      const serving = (model: string) => snapshot().filter((one) => one.model === model && one.state === "ready");
      const hadOne = models.filter((model) => serving(model).length > 0);
      // What was under way ends first, well.
      for (const one of snapshot()) {
        if (one.state === "loading" || one.state === "proving") now.set(keyOf(one), { ...one, state: "ready" });
        if (one.state === "draining") now.delete(keyOf(one));
      }
      let steps = 0;
      for (;;) {
        const wanted = wantedOf(stored, snapshot(), policies, without, pinned);
        const action = nextAction(wanted, snapshot());
        expect(nextAction(wanted, snapshot())).toEqual(action);
        if (action === undefined) {
          // Settled: all that is wanted serves, and nothing else of a model that is wanted.
          for (const one of wanted) expect(now.get(keyOf(one))?.state).toBe("ready");
          for (const one of snapshot().filter(({ state }) => state === "ready"))
            if (wanted.some(({ model }) => model === one.model)) expect(wanted.map(keyOf)).toContain(keyOf(one));
          break;
        }
        expect(++steps).toBeLessThan(50);
        if ("load" in action) {
          const { load } = action;
          expect(heldStates.has(now.get(keyOf(load))?.state ?? "closed")).toBe(false);
          now.set(keyOf(load), { ...load, state: "loading" });
          // Under way, it isn't asked for again, nor is another one.
          const meanwhile = nextAction(wanted, snapshot());
          expect(meanwhile !== undefined && "load" in meanwhile).toBe(false);
          const fails = failing.has(keyOf(load));
          now.set(keyOf(load), { ...load, state: fails ? "failed" : "ready" });
          if (fails) without.add(keyOf(load));
        } else {
          // Nothing is evicted without a budget.
          const { drain } = action as Extract<typeof action, { drain: unknown }>;
          expect(now.get(keyOf(drain))?.state).toBe("ready");
          expect(serving(drain.model).length).toBeGreaterThan(1);
          now.set(keyOf(drain), { ...drain, state: "draining" });
          expect(nextAction(wanted, snapshot())).not.toEqual(action);
          now.delete(keyOf(drain));
        }
        for (const model of hadOne) expect(serving(model), model).not.toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

const of = (text: string): HeldVersion[] =>
  text
    .split(" ")
    .filter(Boolean)
    .map((each) => {
      const [key, state = "ready"] = each.split(":") as [string, HeldVersion["state"]?];
      const [model, number] = key.split("/") as [string, string];
      return { model, version: Number(number), directory: key, state };
    });
const told = (action: ReturnType<typeof nextAction>) =>
  action && Object.entries(action).map(([what, one]) => `${what} ${one.directory}`)[0];

test.each([
  { name: "a new version is loaded beside the old one", stored: "a/1 a/2", now: "a/1", next: "load a/2" },
  { name: "which is drained once the new one serves", stored: "a/1 a/2", now: "a/1 a/2", next: "drain a/1" },
  { name: "and not before", stored: "a/1 a/2", now: "a/1 a/2:proving", next: undefined },
  { name: "a champion that is gone from the store keeps serving", stored: "", now: "a/2", next: undefined },
  { name: "also where an older one is there", stored: "a/1", now: "a/1 a/2", next: undefined },
  { name: "until a newer one serves", stored: "a/3", now: "a/2 a/3", next: "drain a/2" },
  { name: "a standby that is gone from the store is drained", stored: "a/2", now: "a/1 a/2", next: "drain a/1" },
  {
    name: "one model's load doesn't keep another's version",
    stored: "a/1 b/2",
    now: "a/1:loading b/1 b/2",
    next: "drain b/1",
  },
])("$name", ({ stored, now, next }) => {
  const wanted = wantedOf(
    of(stored),
    of(now),
    [
      { kind: "latest", count: 1 },
      { kind: "latest", count: 1 },
    ],
    new Set(),
    new Set(),
  );
  expect(told(nextAction(wanted, of(now)))).toBe(next);
});
