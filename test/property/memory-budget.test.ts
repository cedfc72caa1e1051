/**
 * Goal: whatever is called, loaded versions never take more than the budget, none that is in use is evicted, what a call
 * waits for is loaded as soon as there is room, and without calls nothing is evicted.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeldVersion, nextAction, type WantedVersion } from "../../server/versions/next-action.js";

const budgetBytes = 100;
const models = ["a", "b", "c", "d", "e"];
const step = fc.record({
  model: fc.integer({ min: 0, max: models.length - 1 }),
  what: fc.constantFrom("call", "call", "begin", "end", "settle"),
});
const world = fc.record({
  bytes: fc.array(fc.integer({ min: 10, max: 100 }), { minLength: models.length, maxLength: models.length }),
  named: fc.array(fc.boolean(), { minLength: models.length, maxLength: models.length }),
  steps: fc.array(step, { maxLength: 40 }),
});

test("loaded versions stay within the budget, and none is evicted while it is used or for nobody", () => {
  fc.assert(
    fc.property(world, ({ bytes, named, steps }) => {
      const held = new Map<string, HeldVersion>();
      const waiting = new Set<string>();
      let uses = 0;
      const wanted = (): WantedVersion[] =>
        models.map((model, i) => {
          const askedBy = waiting.has(model) ? "call" : named[i] ? "release" : "nobody";
          return { model, version: 1, directory: model, bytes: bytes[i]!, askedBy };
        });
      const snapshot = () => [...held.values()];
      const heldBytes = () => snapshot().reduce((sum, one) => sum + one.bytes!, 0);
      const settle = () => {
        for (let actions = 0; ; actions++) {
          expect(actions).toBeLessThan(30);
          const action = nextAction(wanted(), snapshot(), budgetBytes);
          expect(nextAction(wanted(), snapshot(), budgetBytes)).toEqual(action);
          if (action === undefined) return;
          if ("evict" in action) {
            const victim = held.get(action.evict.model)!;
            expect([victim.state, victim.references]).toEqual(["ready", 0]);
            expect(waiting.size > 0 || named.includes(true)).toBe(true);
            if (waiting.size === 0) expect(victim.isNamed).toBe(false);
            held.delete(action.evict.model);
            continue;
          }
          const { load } = action as { load: WantedVersion };
          const i = models.indexOf(load.model);
          const one = { ...load, state: "loading", references: 0, lastUse: ++uses, isNamed: named[i]! } as const;
          held.set(load.model, one);
          expect(heldBytes()).toBeLessThanOrEqual(budgetBytes);
          expect(nextAction(wanted(), snapshot(), budgetBytes)).toBe(undefined);
          held.set(load.model, { ...one, state: "ready" });
          waiting.delete(load.model);
        }
      };
      for (const { model: i, what } of steps) {
        const model = models[i]!;
        const one = held.get(model);
        if (what === "call" && one === undefined) waiting.add(model);
        const change = what === "begin" ? 1 : what === "end" ? -1 : 0;
        if (one !== undefined && one.references! + change >= 0)
          held.set(model, { ...one, references: one.references! + change, lastUse: ++uses });
        settle();
        // What still waits can't have room, whoever that isn't in use gives way.
        const inUse = snapshot().filter(({ references }) => references! > 0);
        const usedBytes = inUse.reduce((sum, each) => sum + each.bytes!, 0);
        for (const waited of waiting) expect(usedBytes + bytes[models.indexOf(waited)]!).toBeGreaterThan(budgetBytes);
      }
    }),
    { numRuns: 300 },
  );
});

const of = (text: string): HeldVersion[] =>
  text
    .split(" ")
    .filter(Boolean)
    .map((each) => {
      const [, model, bytes, asked, lastUse, references] = /^(\w)(\d+)([!?]?)@?(\d*)\*?(\d*)$/.exec(each)!;
      const askedBy = asked === "!" ? "call" : asked === "?" ? "release" : "nobody";
      const numbers = { bytes: Number(bytes), lastUse: Number(lastUse), references: Number(references) };
      return { model: model!, version: 1, directory: model!, state: "ready", askedBy, ...numbers };
    });

/** `a40!@3*1`: 40 bytes, a call waits for it (`?`: a route does), used third, one call works with it. */
test.each([
  { name: "what fits is loaded", wanted: "a40 b40", held: "a40@1", next: "load b" },
  { name: "what doesn't fit stays cold", wanted: "a60 b60", held: "a60@1", next: undefined },
  { name: "a smaller one may fit", wanted: "a60 b60 c30", held: "a60@1", next: "load c" },
  {
    name: "for a call the least recently used gives way",
    wanted: "a40 b40 c40!",
    held: "a40@2 b40@1",
    next: "evict b",
  },
  { name: "not one that is in use", wanted: "a40 b40 c40!", held: "a40@2 b40@1*1", next: "evict a" },
  { name: "nor any where all are", wanted: "a40 b40 c40!", held: "a40@2*1 b40@1*1", next: undefined },
  { name: "nor one for nothing", wanted: "a40 b40 c90!", held: "a40@2*1 b40@1", next: undefined },
  { name: "a call comes before what would fit", wanted: "a40 b20 c40!", held: "a40@1", next: "load c" },
  { name: "what is too large takes no other's room", wanted: "a40 b120!", held: "a40@1", next: undefined },
])("$name", ({ wanted, held, next }) => {
  const action = nextAction(of(wanted), of(held), 100);
  expect(action && Object.entries(action).map(([what, one]) => `${what} ${one.model}`)[0]).toBe(next);
});
