/**
 * Goal: a version comes and goes while others serve, in threads, in processes and on the event loop; whatever goes wrong
 * with it costs no call of another, and when it is gone no worker holds anything of it.
 */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { StoredBundle } from "../../bundle/index.js";
import { Servable } from "../../server/versions/servable.js";
import { versionStates } from "../../server/versions/states.js";
import { createManagerRig, statesEntered } from "../support/manager-rig.js";
import {
  echoModel,
  type ModelStore,
  rootModel,
  slowModel,
  spinModel,
  type TestModel,
  writeStore,
} from "../support/model-store.js";

const quickly = { interval: 5, timeout: 20_000 };
const wrongAnswer: TestModel["change"] = (bundle) => {
  const golden = bundle.files["golden.jsonl"] as string;
  bundle.files["golden.jsonl"] = golden.replaceAll('"prediction":3}', '"prediction":3.0000002}');
};
const noModel: TestModel["change"] = (bundle) => (bundle.files["model.onnx"] = new Uint8Array(2048).fill(7));

let store: ModelStore;
let rig: ReturnType<typeof createManagerRig>;

beforeAll(async () => {
  store = await writeStore(
    ...[1, 2, 3].map((version) => echoModel({ version })),
    rootModel(),
    rootModel({ version: 2, change: wrongAnswer! }),
    rootModel({ version: 3, change: noModel! }),
    spinModel(),
    spinModel({ version: 2 }),
    slowModel(),
  );
});
afterEach(async () => {
  await rig.close();
});
afterAll(async () => {
  await store.remove();
  // Whatever the list of states names was entered above by loading and unloading alone.
  expect([...statesEntered].sort()).toEqual([...versionStates].sort());
});

const stored = (name: string, version: number): StoredBundle => ({
  name,
  version,
  directory: join(store.directory, name, String(version)),
});
async function add(name: string, version: number): Promise<Servable> {
  const found = await rig.manager.add(stored(name, version));
  if (!(found instanceof Servable)) throw new Error(found.problems.join("\n"));
  return found;
}
const statesOf = (name: string) => rig.registry.model(name).map(({ number, state }) => [number, state]);

describe.each([
  ["pool", 2],
  ["auto", 1],
  ["inline", 0],
] as const)("%s with %i workers", (execution, workers) => {
  test("versions are added and removed under load, and no call is lost", async () => {
    rig = createManagerRig(execution, workers);
    await add("echo", 1);
    await add("echo", 2);
    let isOver = false;
    const answers = new Map<string, number>();
    const callers = Array.from({ length: 8 }, async (_, i) => {
      for (let k = 0; !isOver; k++) {
        const { status, body } = await rig.predict("echo", i + k);
        expect([status, body.prediction]).toEqual([200, i + k]);
        answers.set(`version ${body.version}`, (answers.get(`version ${body.version}`) ?? 0) + 1);
      }
    });
    const third = await add("echo", 3);
    await expect.poll(() => answers.get("version 3"), quickly).toBeGreaterThan(50);
    await rig.manager.remove("echo/3");
    // Its last calls are answered; their callers look once a turn.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    const lastOfThird = answers.get("version 3");
    await rig.manager.remove("echo/1");
    const before = answers.get("version 2")!;
    await expect.poll(() => answers.get("version 2"), quickly).toBeGreaterThan(before + 50);
    isOver = true;
    await Promise.all(callers);
    expect(answers.get("version 3")).toBe(lastOfThird);
    expect([third.state, third.references, third.lane, third.intake]).toEqual(["closed", 0, undefined, undefined]);
    expect(statesOf("echo")).toEqual([
      [3, "unloaded"],
      [2, "ready"],
      [1, "unloaded"],
    ]);
    expect(rig.gone).toEqual(["echo/3", "echo/1"]);
    expect(await rig.predict("echo", 1, "3")).toMatchObject({
      status: 404,
      body: { error: { code: "model_not_found" } },
    });
    for (const key of ["echo/1", "echo/3"])
      expect(await rig.sessionsOf(key)).toEqual(Array(workers).fill(`this worker doesn't hold ${key}`));
    expect(await rig.sessionsOf("echo/2")).toEqual(Array(workers).fill("runs it"));
    expect(rig.troubles).toEqual([]);
  });

  test("one whose proof fails, and one that is no model, leave the others alone and nothing behind", async () => {
    rig = createManagerRig(execution, workers);
    await add("root", 1);
    const refused = await rig.manager.add(stored("root", 2));
    expect(refused).toMatchObject({
      fault: "refused",
      problems: [expect.stringContaining("3.0000002"), ...refused.problems!.slice(1)],
    });
    expect(await rig.manager.add(stored("root", 3))).toMatchObject({
      fault: "failed",
      problems: [expect.stringContaining("its model can't be loaded")],
    });
    expect(statesOf("root")).toEqual([
      [3, "failed"],
      [2, "failed"],
      [1, "ready"],
    ]);
    expect(await rig.predict("root", 9)).toMatchObject({ status: 200, body: { version: 1, prediction: 3 } });
    for (const key of ["root/2", "root/3"])
      expect(await rig.sessionsOf(key)).toEqual(Array(workers).fill(`this worker doesn't hold ${key}`));
    expect(rig.registry.ready).toBe(true);
    await expect(rig.manager.remove("root/2")).rejects.toThrow("root/2 isn't held: it is failed");
  });
});

describe("with two threads", () => {
  test("nothing keeps a version that is gone: its memory is free", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    rig = createManagerRig("auto", 2);
    await add("echo", 1);
    const comeAndGo = async () => {
      const second = await add("echo", 2);
      await Promise.all([1, 2, 3].map((value) => rig.predict("echo", value)));
      await rig.manager.remove("echo/2");
      return [new WeakRef(second), new WeakRef(second.contract), new WeakRef(second.contract.bundle.models[0]!)];
    };
    const left = await comeAndGo();
    const kept = () => {
      collectGarbage();
      return left.filter((one) => one.deref() !== undefined).length;
    };
    await expect.poll(kept, quickly).toBe(0);
    expect(await rig.predict("echo", 1)).toMatchObject({ status: 200, body: { version: 1 } });
  });

  test("a version whose batch runs answers it before it is gone", async () => {
    rig = createManagerRig("pool", 2);
    const slow = await add("slow", 1);
    const running = rig.predict("slow", 5000);
    await expect.poll(() => slow.references, quickly).toBe(2);
    const removed = rig.manager.remove("slow/1");
    const again = rig.manager.remove("slow/1");
    expect([slow.state, rig.pools.threads!.idle]).toEqual(["draining", 1]);
    expect(await rig.predict("slow", 1)).toMatchObject({ status: 503, body: { error: { code: "not_ready" } } });
    expect(await rig.predict("slow", 1, "1")).toMatchObject({
      status: 503,
      body: { error: { message: 'model "slow" version 1 is draining; see /models/slow' } },
    });
    await expect(rig.manager.add(stored("slow", 1))).rejects.toThrow("slow/1 is held already: it is draining");
    expect(await running).toMatchObject({ status: 200, body: { prediction: 5000 } });
    await Promise.all([removed, again]);
    expect([slow.state, rig.pools.threads!.idle]).toEqual(["closed", 2]);
    expect(await rig.sessionsOf("slow/1")).toEqual(Array(2).fill("this worker doesn't hold slow/1"));
  });

  test("one that is removed while it is loaded never serves, and the next one is loaded all the same", async () => {
    rig = createManagerRig("auto", 2);
    await add("echo", 1);
    const second = rig.manager.add(stored("echo", 2));
    const third = rig.manager.add(stored("echo", 3));
    const removed = rig.manager.remove("echo/2");
    expect(await second).toMatchObject({
      fault: "failed",
      problems: ["it was taken out of service before it was loaded"],
    });
    expect(await third).toBeInstanceOf(Servable);
    await removed;
    expect(statesOf("echo")).toEqual([
      [3, "ready"],
      [2, "unloaded"],
      [1, "ready"],
    ]);
    // While its model is in a worker.
    const again = rig.manager.add(stored("echo", 2));
    while (!(rig.registry.entry("echo/2") instanceof Servable)) await new Promise(setImmediate);
    await Promise.all([again, rig.manager.remove("echo/2")]);
    expect(await again).toMatchObject({ servable: { state: "failed" } });
    expect(statesOf("echo")[1]).toEqual([2, "unloaded"]);
    expect(await rig.sessionsOf("echo/2")).toEqual(Array(2).fill("this worker doesn't hold echo/2"));
  });

  test("one is added once, and again when it is gone", async () => {
    rig = createManagerRig("auto", 2);
    const first = rig.manager.add(stored("echo", 1));
    await expect(rig.manager.add(stored("echo", 1))).rejects.toThrow("echo/1 is held already: it is loading");
    await first;
    await expect(rig.manager.add(stored("echo", 1))).rejects.toThrow("echo/1 is held already: it is ready");
    await rig.manager.remove("echo/1");
    await expect(rig.manager.remove("echo/1")).rejects.toThrow("echo/1 isn't held: it is unloaded");
    await expect(rig.manager.remove("echo/7")).rejects.toThrow("echo/7 isn't held: there is no such version");
    expect(await rig.predict("echo", 1)).toMatchObject({ status: 404 });
    await add("echo", 1);
    expect(await rig.predict("echo", 1)).toMatchObject({ status: 200, body: { version: 1 } });
  });

  test("a worker that takes the place of another loads what is there, not what is gone", async () => {
    rig = createManagerRig("pool", 2);
    await add("echo", 1);
    await add("slow", 1);
    await add("root", 1);
    await rig.manager.remove("root/1");
    // Its worker is written off, and another one opened.
    const stuck = rig.pools.threads!.run("slow/1", [Float32Array.of(30_000)], 1, 10);
    await expect(stuck).rejects.toThrow("still going");
    await expect.poll(() => rig.pools.threads!.idle, quickly).toBe(2);
    expect(await rig.sessionsOf("echo/1")).toEqual(["runs it", "runs it"]);
    expect(await rig.sessionsOf("root/1")).toEqual(Array(2).fill("this worker doesn't hold root/1"));
  });
});

test("versions in processes come and go, and so does a bundle that isn't there", async () => {
  rig = createManagerRig("auto", 1);
  await add("spin", 1);
  expect(rig.pools.threads).toBe(undefined);
  await add("spin", 2);
  await rig.manager.remove("spin/1");
  expect(await rig.sessionsOf("spin/1")).toEqual(["this worker doesn't hold spin/1"]);
  expect(await rig.predict("spin", 5)).toMatchObject({ status: 200, body: { version: 2 } });
  // Threads that had ended for want of work are started again.
  await add("echo", 1);
  expect(await rig.sessionsOf("echo/1")).toEqual(["runs it"]);
  expect(await rig.predict("echo", 5)).toMatchObject({ status: 200 });
  await rm(join(store.directory, "echo/2"), { recursive: true });
  expect(await rig.manager.add(stored("echo", 2))).toMatchObject({ servable: undefined });
  expect([rig.registry.ready, rig.registry.champion("echo")?.key]).toEqual([true, "echo/1"]);
});

test("a stop ends what is being loaded", async () => {
  rig = createManagerRig("auto", 1);
  const added = rig.manager.add(stored("echo", 1));
  rig.turns.stop();
  await expect(added).rejects.toThrow("told to stop");
  await expect(rig.manager.add(stored("echo", 3))).rejects.toThrow("told to stop");
});
