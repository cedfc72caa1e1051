/**
 * Goal: a release goes by itself over two processes: a good version is promoted, bad ones are taken back, and each call
 * meanwhile is answered once, by a version that the route had.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, ask, post } from "../support/http-client.js";
import { type LedgerEntry, LedgerLoad } from "../support/ledger-load.js";
import { echoModel, lookupModel, type ModelStore, type TestModel, writeStore } from "../support/model-store.js";
import { endServers, type LogLine, type ServerProcess, startServer } from "../support/server-process.js";

const name = "demand";
/** For each plan; on a quiet machine it takes about 3 s. */
const patienceMs = 60_000;
/** Nothing is guarded that hangs on how busy the machine is; few calls are to be enough. */
const plan = {
  steps: [
    { share: 0.1, seconds_min: 0, calls_min: 10, needs: "no_harm" },
    { share: 0.5, seconds_min: 0, calls_min: 50 },
  ],
  guards: {
    errors: { margin: 0.1 },
    invalid: { margin: 0.1 },
    fallbacks: { margin: 0.1 },
    latency: false,
    latency_p95: false,
    prediction_mean: { margin: 0.5 },
  },
  decision_calls: 300,
  rollback_window: { seconds: 1, holdback: 0.5 },
};
/** Answers as the golden rows say, which are from 0 to 64, and fails on every row of these tests. */
const failing = lookupModel({ name, version: 4, raw: Math.trunc });
const constant: TestModel = {
  ...echoModel({ name, version: 3, raw: () => 7 }),
  graph: {
    ...echoModel().graph,
    nodes: [
      { op: "Mul", inputs: ["X", "none"], outputs: ["zero"] },
      { op: "Add", inputs: ["zero", "seven"], outputs: ["Y"] },
    ],
    constants: { none: { shape: [], values: [0] }, seven: { shape: [], values: [7] } },
  },
};

let store: ModelStore;
let server: ServerProcess;
let load: LedgerLoad | undefined;

beforeAll(async () => {
  store = await writeStore(echoModel({ name }), echoModel({ name, version: 2 }), constant, failing);
  await writeFile(join(store.directory, "routes.json"), JSON.stringify({ routes: { [name]: { champion: 1 } } }));
  const flags = ["--processes", "2", "--versions-per-model", "4", "--drain-quiet-ms", "0"];
  server = await startServer(store.directory, ...flags);
});
afterAll(async () => {
  await load?.stop();
  await endServers();
  await store.remove();
});

/** Versions that the route may have had from a moment on. */
const phases: { readonly sinceMs: number; readonly versions: readonly number[] }[] = [];
const begin = (...versions: number[]) => phases.push({ sinceMs: performance.now(), versions });

/** A failure doesn't say whose it is; of these versions it can only be one's. */
function versionOf(answer: LedgerEntry["answer"]): number | undefined {
  return answer?.status === 500 ? failing.version : answer?.version;
}

/** Starts a plan, and waits for the end that it comes to by itself; the route that it leaves holds in each process. */
async function release(
  canary: number,
  champion: number,
): Promise<{ plan: string; last: LogLine; verdict: Answer["json"] }> {
  begin(champion, canary);
  const began = await post(server.adminPort, `/routes/${name}/plan`, { ...plan, canary });
  expect([began.status, began.json.status]).toEqual([201, "running"]);
  const ends = ["promoted", "rolled_back", "held", "paused"].map((event) => `release plan: ${event}`);
  const id: string = began.json.plan;
  const last = await server.until(
    ({ log }) => log.find((line) => line.plan === id && ends.includes(line.message)),
    patienceMs,
  );
  const { json: route } = await ask(server.adminPort, `/routes/${name}`);
  // To set what holds changes nothing, and is answered when every process has it.
  const set = () => post(server.adminPort, `/routes/${name}`, route, { method: "PUT" });
  await expect.poll(async () => (await set()).status, { timeout: patienceMs }).toBe(200);
  begin(route.champion);
  const { json: verdict } = await ask(server.adminPort, `/routes/${name}/verdict`);
  expect(verdict.plan).toBe(id);
  return { plan: id, last, verdict };
}

test("a good version is promoted, bad ones are taken back, and no call is lost or answered by another", async () => {
  begin(1);
  load = new LedgerLoad(server.httpPort, `/models/${name}/predict`, { clients: 4, values: 50, from: 1000 });
  const good = await release(2, 1);
  expect([good.last.message, good.verdict.verdict, good.verdict.status], JSON.stringify(good)).toEqual([
    "release plan: promoted",
    "promote",
    "promoted",
  ]);
  const alike = await release(3, 2);
  expect([alike.last.message, alike.verdict.verdict, alike.verdict.status], JSON.stringify(alike)).toEqual([
    "release plan: rolled_back",
    "rollback",
    "rolled_back",
  ]);
  expect(alike.verdict.sentence).toMatch(/constant: all \d+ answers are alike/);
  const fails = await release(4, 2);
  expect([fails.last.message, fails.verdict.verdict, fails.verdict.status], JSON.stringify(fails)).toEqual([
    "release plan: rolled_back",
    "rollback",
    "rolled_back",
  ]);
  expect(fails.verdict.sentence).toMatch(/only_fails: all \d+ calls fail/);
  // What is answered after the last end is a part of it.
  const { entries } = load;
  const seen = entries.length;
  await expect.poll(() => entries.length, { timeout: patienceMs }).toBeGreaterThan(seen + 20);
  await load.stop();

  expect(load.refused).toBe(0);
  const expected: Record<number, (value: number) => [number, unknown]> = {
    1: (value) => [200, value],
    2: (value) => [200, value],
    3: () => [200, 7],
    4: () => [500, undefined],
  };
  const isWrong = ({ answer, value, sentMs, answeredMs }: LedgerEntry) => {
    const version = versionOf(answer);
    if (answer === undefined || version === undefined) return true;
    const { status, prediction } = answer;
    const [first, last] = [sentMs, answeredMs].map((ms) => phases.findLastIndex(({ sinceMs }) => sinceMs <= ms));
    const wanted = expected[version]!(value);
    const mayAnswer = phases.slice(first, last! + 1).some(({ versions }) => versions.includes(version));
    return !mayAnswer || status !== wanted[0] || prediction !== wanted[1];
  };
  expect(entries.filter(isWrong)).toEqual([]);
  expect(new Set(entries.map(({ answer }) => versionOf(answer)))).toEqual(new Set([1, 2, 3, 4]));

  const { json } = await ask(server.adminPort, `/routes/${name}/history`);
  const changes: { to: { champion: number; canary?: { version: number } }; why: string }[] = json.changes.reverse();
  expect(changes.map(({ to, why }) => [to.champion, to.canary?.version, /\(plan (.*)\)$/.exec(why)?.[1]])).toEqual(
    expect.arrayContaining([
      [1, 2, good.plan],
      [2, 1, good.plan],
      [2, undefined, good.plan],
      [2, 3, alike.plan],
      [2, undefined, alike.plan],
      [2, 4, fails.plan],
      [2, undefined, fails.plan],
    ]),
  );
  expect(changes.find(({ to, why }) => to.canary === undefined && why.includes(alike.plan))!.why).toContain("constant");
  expect(changes.find(({ to, why }) => to.canary === undefined && why.includes(fails.plan))!.why).toContain(
    "only_fails",
  );
}, 300_000);
