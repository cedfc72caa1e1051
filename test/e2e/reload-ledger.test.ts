/**
 * Goal: while versions come, go and break, every request is answered once, with the golden answer of the version that
 * the reply names. RELOAD_SECONDS makes it longer.
 */

import { cp, mkdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../loadtest/random.js";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, type TestModel, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const seconds = Number(process.env.RELOAD_SECONDS ?? 10);
const requestsPerSecond = 100;
const versions = [1, 2, 3, 4, 5, 6, 7, 8];

/** Each version has an answer of its own: what it adds to `value`. */
const added = (version: number) => version * 1000;
function adding(version: number): TestModel {
  const { graph } = echoModel();
  return echoModel({
    version,
    graph: {
      ...graph,
      nodes: [{ op: "Add", inputs: ["X", "added"], outputs: ["Y"] }],
      constants: { added: { shape: [1], values: [added(version)] } },
    },
    raw: (value) => Math.fround(Math.fround(value) + added(version)),
  });
}

let source: ModelStore;
let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  source = await writeStore(...versions.map(adding));
  store = await writeStore(adding(1));
  server = await startServer(store.directory, "--store-poll-ms", "50", "--log-sample-share", "0");
}, 60_000);
afterAll(async () => {
  await endServers();
  await Promise.all([source.remove(), store.remove()]);
});

const folder = (version: number) => join(store.directory, "echo", String(version));
const from = (version: number) => join(source.directory, "echo", String(version));

/** What happens to a store, well and badly. */
const events: readonly ((version: number) => Promise<void>)[] = [
  async function comes(version) {
    const made = join(store.directory, ".made");
    await cp(from(version), made, { recursive: true });
    await rm(folder(version), { recursive: true, force: true });
    await rename(made, folder(version));
  },
  async function isHalfCopied(version) {
    await mkdir(folder(version), { recursive: true });
    await cp(join(from(version), "manifest.json"), join(folder(version), "manifest.json"));
  },
  async function isCopiedInPlace(version) {
    await cp(from(version), folder(version), { recursive: true });
  },
  async function isCut(version) {
    await truncate(join(folder(version), "model.onnx"), 20).catch(() => {});
  },
  async function isDamaged(version) {
    await mkdir(folder(version), { recursive: true });
    await writeFile(join(folder(version), "card.md"), "# Tinx\n");
  },
  async function goes(version) {
    await rm(folder(version), { recursive: true, force: true });
  },
];

test(
  "every request is answered once, by the version that the reply names",
  async () => {
    const random = createRandom(20_261_130);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random.uniform() * all.length)]!;
    const agent = new Agent({ keepAlive: true });
    const ledger = new Map<number, string[]>();
    const seen = new Set<string>();
    const begunMs = performance.now();
    const endMs = begunMs + seconds * 1000;
    // A machine that does other work takes longer to prove a version.
    const isOver = () => performance.now() >= endMs + (seen.size > 2 ? 0 : 40_000);
    const changes = (async () => {
      while (!isOver()) {
        // Newer and newer ones come for certain, whatever else happens.
        await pick(events)(pick(versions));
        await delay(40 + 120 * random.uniform());
      }
    })();
    const sent: Promise<void>[] = [];
    for (let id = 0; !isOver(); id++) {
      await delay(Math.max(0, begunMs + (id * 1000) / requestsPerSecond - performance.now()));
      ledger.set(id, []);
      const value = id % 64;
      const headers = { "x-request-id": `request-${id}`, "x-timeout-ms": "60000" };
      sent.push(
        post(server.httpPort, "/predict", { value }, { agent, headers }).then(
          ({ status, headers, json }) => {
            const version = headers["x-plumb-version"] as string;
            seen.add(version);
            const isTrue = status === 200 && json.prediction === value + added(Number(version));
            const isOurs = headers["x-request-id"] === `request-${id}` && json.version === Number(version);
            ledger.get(id)!.push(isTrue && isOurs ? "answered" : `${status} ${version} ${JSON.stringify(json)}`);
          },
          (error: Error) => void ledger.get(id)!.push(error.message),
        ),
      );
    }
    await Promise.all([...sent, changes]);
    agent.destroy();
    expect([...ledger].filter(([, ends]) => ends.length !== 1 || ends[0] !== "answered")).toEqual([]);
    expect(ledger.size).toBeGreaterThan(seconds * 10);
    expect(seen.size).toBeGreaterThan(2);
    expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  },
  (seconds + 60) * 1000,
);
