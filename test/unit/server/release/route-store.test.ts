/** Goal: the file and the admin listener change one thing, whole or not at all, and leave a trail. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RouteStore } from "../../../../server/release/route-store.js";
import { etagOf } from "../../../../server/release/routes-text.js";
import type { Routes } from "../../../../server/routing/route.js";

let folder: string;
let file: string;
let store: RouteStore;
let swapped: Routes[];
let logged: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumb-routes-"));
  file = join(folder, "routes.json");
  open();
});
afterEach(async () => {
  vi.useRealTimers();
  store.close();
  await rm(folder, { recursive: true });
});

function open(): void {
  swapped = [];
  logged = [];
  store = new RouteStore({
    file,
    findFault: (name, { champion }) => (champion > 3 ? `version ${champion} of "${name}" isn't ready` : undefined),
    onSwap: (routes) => swapped.push(routes),
    log: (_level, message) => logged.push(message),
    wallClock: () => new Date("2026-12-01T08:00:00Z"),
  });
}

const unconditional = { who: "ada", why: "a try", ifMatch: "", ifNoneMatch: "" };
const inFile = async () => JSON.parse(await readFile(file, "utf8")).routes;
const audit = async () =>
  (await readFile(join(folder, "routes.audit.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("by the admin listener", () => {
  it("a route is set, changed and removed, in the file and in the audit log", async () => {
    await store.put("demand", { champion: 1 }, unconditional);
    await store.put("demand", { champion: 2 }, { ...unconditional, ifMatch: etagOf({ champion: 1 }) });
    await store.put("spam", { champion: 1 }, unconditional);
    expect(await inFile()).toEqual({ demand: { champion: 2 }, spam: { champion: 1 } });
    await store.remove("demand", unconditional);
    expect(await inFile()).toEqual({ spam: { champion: 1 } });
    expect(swapped.at(-1)).toEqual({ spam: { champion: 1 } });
    const common = { time: "2026-12-01T08:00:00.000Z", who: "ada", why: "a try" };
    expect(await audit()).toEqual([
      { ...common, model: "demand", from: null, to: { champion: 1 }, conditional: false },
      { ...common, model: "demand", from: { champion: 1 }, to: { champion: 2 }, conditional: true },
      { ...common, model: "spam", from: null, to: { champion: 1 }, conditional: false },
      { ...common, model: "demand", from: { champion: 2 }, to: null, conditional: false },
    ]);
    expect((await readdir(folder)).sort()).toEqual(["routes.audit.jsonl", "routes.json"]);
  });

  it("a stale condition, a wrong route and one that can't be served change nothing", async () => {
    await store.put("demand", { champion: 1 }, unconditional);
    const put = (route: unknown, head = {}) => store.put("demand", route, { ...unconditional, ...head });
    await expect(put({ champion: 2 }, { ifMatch: '"old"' })).rejects.toMatchObject({ code: "precondition_failed" });
    await expect(put({ champion: 2 }, { ifNoneMatch: "*" })).rejects.toMatchObject({ code: "precondition_failed" });
    await expect(put({ champion: 2, more: 1 })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(put({ champion: 4 })).rejects.toThrow('version 4 of "demand" isn\'t ready');
    await expect(store.put("a b", { champion: 1 }, unconditional)).rejects.toThrow("expected a model's name");
    await expect(store.remove("spam", unconditional)).rejects.toMatchObject({ code: "model_not_found" });
    expect([await inFile(), swapped.length]).toEqual([{ demand: { champion: 1 } }, 1]);
  });

  it("of two that come at once on the same state, one is stale", async () => {
    await store.put("demand", { champion: 1 }, unconditional);
    const head = { ...unconditional, ifMatch: etagOf({ champion: 1 }) };
    const results = await Promise.allSettled([2, 3].map((champion) => store.put("demand", { champion }, head)));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(store.of("demand")).toEqual({ champion: 2 });
  });

  it("a file that can't be written leaves what held", async () => {
    file = join(folder, "none", "routes.json");
    open();
    await expect(store.put("demand", { champion: 1 }, unconditional)).rejects.toThrow(
      /the routes can't be written, and stay as they were: ENOENT/,
    );
    expect([swapped, store.routes]).toEqual([[], {}]);
  });
});

describe("by the file", () => {
  const write = (text: string) => writeFile(file, text);
  const routesOf = (routes: object) => JSON.stringify({ routes });

  it("a start takes it, does without it, and refuses one that is wrong", async () => {
    await store.open();
    expect(swapped).toEqual([]);
    await write(routesOf({ demand: { champion: 9 } }));
    // Whether version 9 is ready isn't known yet.
    await store.open();
    expect(swapped).toEqual([{ demand: { champion: 9 } }]);
    await write("{");
    await expect(store.open()).rejects.toThrow(/routes\.json can't be taken: expected JSON/);
  });

  it("a change is found, and a wrong one leaves what held until it is right", async () => {
    await write(routesOf({ demand: { champion: 1 } }));
    await store.open();
    store.watch();
    await write(routesOf({ demand: { champion: 2 }, spam: { champion: 1 } }));
    await expect
      .poll(() => swapped.at(-1), { timeout: 10_000 })
      .toEqual({ demand: { champion: 2 }, spam: { champion: 1 } });
    expect((await audit()).map(({ who, model }) => [who, model])).toEqual([
      ["file", "demand"],
      ["file", "spam"],
    ]);
    await write(routesOf({ demand: { champion: 5 } }));
    await expect.poll(() => logged.at(-1), { timeout: 10_000 }).toMatch(/stay as they were: version 5 of "demand"/);
    expect(store.of("demand")).toEqual({ champion: 2 });
    await write(routesOf({ demand: { champion: 3 } }));
    await expect.poll(() => swapped.at(-1), { timeout: 10_000 }).toEqual({ demand: { champion: 3 } });
    await rm(file);
    await expect.poll(() => logged.at(-1), { timeout: 10_000 }).toMatch(/stay as they were: it is gone/);
    expect(store.of("demand")).toEqual({ champion: 3 });
  });

  it("what stands in it goes before a change by the admin listener, however new it is", async () => {
    await write(routesOf({ spam: { champion: 1 } }));
    await store.put("demand", { champion: 1 }, unconditional);
    expect(await inFile()).toEqual({ demand: { champion: 1 }, spam: { champion: 1 } });
  });
});
