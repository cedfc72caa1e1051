/** Goal: a store with ten thousand folders, or one that can't be written, is followed in short turns like any other. */

import { chmod, cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Turns } from "../../server/turns.js";
import { StoreControl } from "../../server/versions/store-control.js";
import { createManagerRig } from "../support/manager-rig.js";
import { echoModel, writeStore } from "../support/model-store.js";

test("ten thousand version folders: the newest sound ones serve, and most of them are never looked into", async () => {
  const store = await writeStore(echoModel(), echoModel({ version: 10_001 }), echoModel({ version: 10_002 }));
  const rig = createManagerRig("auto", 1);
  const folders = Array.from({ length: 9999 }, (_, i) => join(store.directory, "echo", String(i + 2)));
  for (let i = 0; i < folders.length; i += 500)
    await Promise.all(folders.slice(i, i + 500).map((folder) => mkdir(folder)));
  const turns = new Turns({ now: () => performance.now(), defer: setImmediate });
  const { registry, manager } = rig;
  const policyOf = () => ({ kind: "latest", count: 2 }) as const;
  const options = { models: store.directory, pollMs: 0, policyOf, registry, manager, turns, reads: new Map() };
  const control = new StoreControl({ ...options, named: () => new Set(), log: () => {} });
  try {
    const found = await control.scan();
    await control.settled();
    expect([found.versions, found.changes.length, found.loading]).toEqual([
      10_002,
      10_002,
      [10_002, 10_001].map((version) => ({ model: "echo", version })),
    ]);
    expect(registry.versions.map(({ number, state }) => [number, state])).toEqual([
      [10_002, "ready"],
      [10_001, "ready"],
    ]);
    expect(options.reads.size).toBe(2);
    expect((await control.scan()).changes).toEqual([]);
    // A store that nobody may write to is as good.
    await chmod(join(store.directory, "echo/1"), 0o555);
    await cp(join(store.directory, "echo/10002"), join(store.directory, "echo/10003"), { recursive: true });
    await control.scan();
    await control.settled();
    // It says in its manifest that it is another one.
    expect([registry.entry("echo/10003")!.state, registry.champion("echo")!.number]).toEqual(["failed", 10_002]);
  } finally {
    await rig.close();
    await store.remove();
  }
}, 120_000);
