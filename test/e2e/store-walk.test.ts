/**
 * Goal: whatever happens to a store, in whatever order, with real workers: a model that had a version which serves still
 * has one, no version is in a state outside the lists, and no worker holds anything of what is gone.
 */

import { cp, mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../loadtest/random.js";
import { heldStates } from "../../server/versions/next-action.js";
import { Servable } from "../../server/versions/servable.js";
import { versionStates } from "../../server/versions/states.js";
import { StoreControl } from "../../server/versions/store-control.js";
import { createManagerRig } from "../support/manager-rig.js";
import { echoModel, type ModelStore, rootModel, type TestModel, writeStore } from "../support/model-store.js";

const versions = [1, 2, 3, 4, 5];
const wrongAnswer: TestModel["change"] = (bundle) => {
  const golden = bundle.files["golden.jsonl"] as string;
  bundle.files["golden.jsonl"] = golden.replaceAll('"prediction":3}', '"prediction":3.0000002}');
};
/** Of `echo`, versions that are sound; of `root`, two that aren't too. */
const models = [
  ...versions.map((version) => echoModel({ version })),
  ...versions.map((version) => rootModel({ version, ...(version % 2 === 0 && { change: wrongAnswer! }) })),
];

let source: ModelStore;
let store: ModelStore;

beforeAll(async () => {
  source = await writeStore(...models);
});
afterAll(() => source.remove());

const known = new Set<string>([...versionStates, "incomplete", "unloaded"]);

test.each([1, 2, 3])(
  "a random walk over what may happen, seed %i",
  async (seed) => {
    store = await writeStore();
    const rig = createManagerRig("auto", 1);
    const random = createRandom(seed);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random.uniform() * all.length)]!;
    const { registry, manager, turns } = rig;
    const control = new StoreControl({
      models: store.directory,
      pollMs: 0,
      policyOf: () => ({ kind: "latest", count: 2 }),
      named: () => new Set(),
      registry,
      manager,
      turns,
      reads: new Map(),
      log: () => {},
    });
    const folder = (key: string) => join(store.directory, key);
    const ignoring = (order: Promise<unknown>) => order.catch(() => {});
    const steps: Record<string, (key: string) => Promise<unknown>> = {
      copyHalf: async (key) => {
        await mkdir(folder(key), { recursive: true });
        await cp(join(source.directory, key, "manifest.json"), join(folder(key), "manifest.json"));
      },
      finish: (key) => cp(join(source.directory, key), folder(key), { recursive: true }),
      add: (key) => cp(join(source.directory, key), folder(key), { recursive: true }),
      cut: (key) => truncate(join(folder(key), "model.onnx"), 5).catch(() => {}),
      damage: (key) => writeFile(join(folder(key), "card.md"), "# Tinx\n").catch(() => {}),
      remove: (key) => rm(folder(key), { recursive: true, force: true }),
      replace: (key) => writeFile(join(folder(key), "manifest.json"), "{}").catch(() => {}),
      load: (key) => ignoring(control.load(key.split("/")[0]!, Number(key.split("/")[1]))),
      unload: (key) => ignoring(control.unload(key.split("/")[0]!, Number(key.split("/")[1]))),
    };
    const serving = (model: string) =>
      registry.versions.filter(({ name, state }) => name === model && state === "ready");
    const trail: string[] = [];
    try {
      for (let step = 0; step < 40; step++) {
        const key = `${pick(["echo", "root"])}/${pick(versions)}`;
        const what = pick([...Object.keys(steps), "add", "add", "finish"]);
        const [model] = key.split("/") as [string];
        const servedBefore = serving(model).map((version) => version.key);
        trail.push(`${what} ${key}`);
        await steps[what]!(key);
        await control.scan();
        await control.settled();
        const wasLast = what === "unload" && servedBefore.join() === key;
        if (servedBefore.length > 0 && !wasLast) expect(serving(model), trail.join(", ")).not.toEqual([]);
        for (const version of registry.listed) {
          expect(known.has(version.state), `${version.key} ${version.state}: ${trail.join(", ")}`).toBe(true);
          if (version instanceof Servable && version.state !== "draining")
            expect(version.lane !== undefined, `${version.key} ${version.state}`).toBe(version.state === "ready");
        }
        // What is drained is gone in a moment.
        const isHeldAsSaid = async (each: string) => {
          const [answer] = await rig.sessionsOf(each);
          const isHeld = heldStates.has(registry.entry(each)?.state ?? "closed");
          return answer === (isHeld ? "runs it" : `this worker doesn't hold ${each}`);
        };
        if (rig.pools.threads !== undefined)
          for (const each of models.map(({ name, version }) => `${name}/${version}`))
            await expect.poll(() => isHeldAsSaid(each), { timeout: 20_000, interval: 5 }).toBe(true);
      }
      expect(rig.troubles).toEqual([]);
      expect(
        registry.versions.some(({ state }) => state === "ready"),
        trail.join(", "),
      ).toBe(true);
    } finally {
      await rig.close();
      await store.remove();
    }
  },
  120_000,
);
