/**
 * Goal: a plan goes through its steps by the route store alone, whatever happens between: restarts at any moment, a route
 * that somebody else changes, a write that fails, gates that refuse or don't answer.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ExperimentFigures } from "../../../../../server/release/experiment/arm-figures.js";
import { PlanFiles } from "../../../../../server/release/plan/plan-files.js";
import { isOver } from "../../../../../server/release/plan/plan-state.js";
import { PlanRunner } from "../../../../../server/release/plan/runner.js";
import { Webhooks } from "../../../../../server/release/plan/webhooks.js";
import { RouteStore } from "../../../../../server/release/route-store.js";
import { createRandom, goodTraffic, more, type Traffic } from "../../../../support/simulated-arms.js";

const byHand = { who: "ada", why: "by hand", ifMatch: "", ifNoneMatch: "" };
const ada = { who: "ada", why: "" };
const plan = {
  canary: 2,
  steps: [
    { share: 0.05, seconds_min: 2, calls_min: 100, needs: "no_harm" },
    { share: 0.25, seconds_min: 2, calls_min: 1000 },
  ],
  rollback_window: { seconds: 5, holdback: 0.05 },
};

let folder: string;
let nowMs: number;
let store: RouteStore;
let runner: PlanRunner;
let traffic: { one: Traffic; two: Traffic };
let random: () => number;
let counted: Map<string, ExperimentFigures>;
let webhookReply: () => Response | Promise<Response>;
let sent: { url: string; event: Record<string, unknown> }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumb-plans-"));
  nowMs = Date.UTC(2026, 11, 1);
  traffic = { one: goodTraffic, two: goodTraffic };
  random = createRandom(3);
  sent = [];
  webhookReply = () => new Response(null, { status: 204 });
  await begin();
  await store.put("demand", { champion: 1 }, byHand);
});
afterEach(async () => {
  await end();
  await rm(folder, { recursive: true });
});

/** All of the control plane, as a start makes it; what was counted before is gone. */
async function begin(): Promise<void> {
  const file = join(folder, "routes.json");
  counted = new Map();
  store = new RouteStore({
    file,
    findFault: () => undefined,
    onSwap: () => {},
    log: () => {},
    wallClock: () => new Date(nowMs),
  });
  await store.open();
  runner = new PlanRunner({
    routes: store,
    figures: async () => figures(),
    flips: async () => undefined,
    files: new PlanFiles(file),
    webhooks: new Webhooks({
      hosts: ["hooks.test"],
      onTrouble: () => {},
      send: async (url, init) => {
        sent.push({ url: String(url), event: JSON.parse(init!.body as string) });
        return await webhookReply();
      },
    }),
    wallClock: () => new Date(nowMs),
    log: () => {},
  });
  await runner.open();
}

async function end(): Promise<void> {
  await runner.close();
  store.close();
}

function figures(): ExperimentFigures | undefined {
  const { champion, canary } = store.routes.demand ?? {};
  return canary === undefined ? undefined : counted.get(`${champion}/${canary.version}`);
}

/** A second passes, with its calls; then the plan is looked at. */
async function second(calls = 4000): Promise<void> {
  nowMs += 1000;
  const { champion, canary } = store.routes.demand!;
  if (canary !== undefined && calls > 0) {
    const of = (version: number) => (version === 1 ? traffic.one : traffic.two);
    const key = `${champion}/${canary.version}`;
    const release = { champion: of(champion), canary: of(canary.version), random };
    const added = more(counted.get(key), release, { calls, share: canary.share, sinceMs: nowMs - 500 });
    counted.set(key, { ...added, champion, canary: canary.version });
  }
  await runner.tick();
}

async function seconds(count: number, calls?: number): Promise<void> {
  for (let i = 0; i < count; i++) await second(calls);
}

const lines = async (name: string) =>
  (await readFile(join(folder, name), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const statusOf = () => runner.of("demand").status;

test("a good canary goes through its steps, is watched, and is champion; each change says who and why", async () => {
  await runner.start("demand", plan, ada);
  await seconds(40);
  expect(runner.of("demand")).toMatchObject({ status: "promoted" });
  expect(store.routes.demand).toEqual({ champion: 2 });
  const changes = (await lines("routes.audit.jsonl")).slice(1);
  const id = runner.of("demand").id;
  expect(changes.map(({ who, to }) => [who, to.champion, to.canary ?? null])).toEqual([
    ["ada", 1, { version: 2, share: 0.05 }],
    [`plan ${id}`, 1, { version: 2, share: 0.25 }],
    [`plan ${id}`, 2, { version: 1, share: 0.05 }],
    [`plan ${id}`, 2, null],
  ]);
  expect(changes[1].why).toMatch(/^no guard is harmed \(plan /);
  const said = await lines("routes.verdicts.jsonl");
  expect(said.map(({ event }) => event).filter((event) => event !== "verdict")).toEqual([
    "started",
    "step",
    "step",
    "promoted",
  ]);
  expect(said.at(-2).verdict.guards.length).toBeGreaterThan(5);
});

test("one that fails is taken back within five seconds, in a step and in the rollback window", async () => {
  traffic.two = { ...goodTraffic, errorShare: 1 };
  await runner.start("demand", plan, ada);
  await seconds(5, 400);
  expect(statusOf()).toBe("rolled_back");
  expect(store.routes.demand).toEqual({ champion: 1 });
  traffic.two = goodTraffic;
  await runner.start("demand", plan, ada);
  for (let i = 0; i < 30 && statusOf() !== "watching"; i++) await second();
  expect(store.routes.demand?.champion).toBe(2);
  traffic.two = { ...goodTraffic, errorShare: 1 };
  await seconds(5, 400);
  expect(statusOf()).toBe("rolled_back");
  expect(store.routes.demand).toEqual({ champion: 1 });
});

test("without calls it waits, for as long as it may be", async () => {
  await runner.start("demand", { ...plan, steps: [{ share: 0.05, seconds_max: 3 }] }, ada);
  await seconds(20, 0);
  expect(runner.of("demand")).toMatchObject({ status: "running", step: 0, verdict: { verdict: "inconclusive" } });
});

test("whoever changes the route by hand pauses the plan; it goes on when it is told to", async () => {
  await runner.start("demand", plan, ada);
  await second();
  await store.put("demand", { champion: 1, canary: { version: 2, share: 0.1 } }, byHand);
  await seconds(5);
  expect(runner.of("demand")).toMatchObject({ status: "paused", sentence: expect.stringMatching(/^somebody changed/) });
  expect(store.routes.demand?.canary?.share).toBe(0.1);
  await runner.act("demand", "resume", ada);
  expect(store.routes.demand?.canary?.share).toBe(0.05);
  await seconds(40);
  expect(statusOf()).toBe("promoted");
});

test("an operator pushes it on, back, or stops it; what isn't a plan is refused", async () => {
  await expect(runner.start("other", plan, ada)).rejects.toThrow('"other" has no route');
  await expect(runner.start("demand", { ...plan, canary: 1 }, ada)).rejects.toThrow("is the champion already");
  await expect(runner.start("demand", { ...plan, colour: 1 }, ada)).rejects.toThrow("the plan: unknown: colour");
  await runner.start("demand", plan, ada);
  await expect(runner.start("demand", plan, ada)).rejects.toThrow("is running: stop it first");
  await runner.act("demand", "promote", ada);
  expect(store.routes.demand?.canary?.share).toBe(0.25);
  await runner.act("demand", "rollback", ada);
  expect(store.routes.demand).toEqual({ champion: 1 });
  await expect(runner.act("demand", "promote", ada)).rejects.toThrow("is over: rolled_back");
  await runner.start("demand", plan, ada);
  await runner.stop("demand", ada);
  await seconds(5);
  expect(store.routes.demand?.canary?.share).toBe(0.05);
});

const hook = "https://hooks.test/release";
const gated = { ...plan, webhooks: [{ url: hook, kind: "gate" }, { url: hook }] };

test("a gate that refuses holds the plan, one that doesn't answer is asked again; events are CloudEvents", async () => {
  webhookReply = () => Response.json({ approve: false, reason: "not on a Friday" });
  await runner.start("demand", gated, ada);
  await seconds(6);
  await expect.poll(statusOf, { interval: 5 }).toBe("held");
  expect(runner.of("demand").sentence).toBe("hooks.test refuses: not on a Friday");
  webhookReply = () => {
    throw new Error("no route to host");
  };
  await runner.act("demand", "resume", ada);
  await seconds(12);
  expect(runner.of("demand")).toMatchObject({ status: "running", step: 0 });
  webhookReply = () => new Response(null, { status: 204 });
  await seconds(60);
  expect(statusOf()).toBe("promoted");
  const { url, event } = sent.at(-1)!;
  expect(url).toBe(hook);
  expect(event).toMatchObject({ specversion: "1.0", type: "plumb.release.promoted", source: "/plumb/models/demand" });
  await expect(
    runner.start("demand", { ...gated, canary: 3, webhooks: [{ url: "http://elsewhere.test/" }] }, ada),
  ).rejects.toThrow('the host "elsewhere.test" isn\'t among those of --webhook-hosts: allowed are hooks.test');
});

test("a slow gate doesn't hold a rollback up", async () => {
  let answerGate!: (reply: Response) => void;
  webhookReply = () => new Promise((resolve) => (answerGate = resolve));
  await runner.start("demand", { ...gated, webhooks: [{ url: hook, kind: "gate" }] }, ada);
  await seconds(4);
  expect(sent.map(({ event }) => event.type)).toEqual(["plumb.release.gate"]);
  traffic.two = { ...goodTraffic, errorShare: 1 };
  await seconds(5);
  expect(statusOf()).toBe("rolled_back");
  answerGate(new Response());
});

test("random walks with restarts, changes by hand and writes that fail keep what always holds", async () => {
  for (let walk = 1; walk <= 12; walk++) {
    const dice = createRandom(walk);
    if (store.routes.demand?.champion !== 1 || store.routes.demand.canary)
      await store.put("demand", { champion: 1 }, byHand);
    traffic.two = walk % 3 === 0 ? { ...goodTraffic, errorShare: 0.5 } : goodTraffic;
    await runner.start("demand", plan, ada);
    for (let step = 0; step < 120 && !isOver(runner.of("demand")); step++) {
      const roll = dice();
      const before = runner.of("demand");
      if (roll < 0.1) {
        await end();
        await begin();
        expect(runner.of("demand")).toMatchObject({ id: before.id, step: before.step, status: before.status });
      } else if (roll < 0.13) {
        const route = { champion: 1, canary: { version: 2, share: 0.1 } };
        await store.put("demand", route, byHand);
        await second();
        expect(statusOf()).toBe("paused");
        expect(store.routes.demand).toEqual(route);
      } else if (roll < 0.18) {
        // A crash between the route's change and its note: the intent stands in the file, the route is changed.
        await crashWhilePromoting();
      } else if (statusOf() === "paused") await runner.act("demand", "resume", ada);
      else await second(dice() < 0.2 ? 0 : 4000);
      const { status, route, intent } = runner.of("demand");
      if (status !== "paused" && intent === null) expect(store.routes.demand).toEqual(route);
    }
    expect(["promoted", "rolled_back"]).toContain(statusOf());
    if (walk % 3 === 0) expect(store.routes.demand).toEqual({ champion: 1 });
  }
});

/** The next start finds the intent, and whether the route has it. */
async function crashWhilePromoting(): Promise<void> {
  if (statusOf() === "paused") return;
  const files = new PlanFiles(join(folder, "routes.json"));
  const put = store.put.bind(store);
  store.put = async (...args) => {
    const text = await readFile(join(folder, "routes.plans.json"), "utf8");
    await put(...args);
    atCrash = text;
    throw new Error("the power is gone");
  };
  let atCrash: string | undefined;
  await runner.act("demand", "promote", ada).catch(() => {});
  await end();
  if (atCrash !== undefined) await files.write(new Map(Object.entries(JSON.parse(atCrash).plans)));
  await begin();
  await second();
  expect(runner.of("demand").intent).toBeNull();
  expect(statusOf()).not.toBe("paused");
}
