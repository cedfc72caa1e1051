/**
 * Goal: every version that a store names is shown with its state and its reason wherever versions are shown, and
 * nothing bad in a store costs another model.
 */

import { execFileSync } from "node:child_process";
import { cp, mkdir, rename, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, rootModel, type TestModel, writeStore } from "../support/model-store.js";
import { parsePrometheus } from "../support/prometheus-text.js";
import { endServers, type ServerProcess, startServer, startToEnd } from "../support/server-process.js";

const stores: ModelStore[] = [];
const makeStore = async (...models: readonly TestModel[]): Promise<string> => {
  const store = await writeStore(...models);
  stores.push(store);
  return store.directory;
};

afterEach(endServers);
afterAll(async () => {
  for (const store of stores) await store.remove();
});

const wrongAnswer: TestModel["change"] = (bundle) => {
  const golden = bundle.files["golden.jsonl"] as string;
  bundle.files["golden.jsonl"] = golden.replaceAll('"prediction":3}', '"prediction":3.0000002}');
};

/** Where each version's state is shown. */
async function shown(server: ServerProcess, key: string) {
  const [name, number] = key.split("/") as [string, string];
  const { json: all } = await ask(server.httpPort, "/models");
  const { json: one } = await ask(server.adminPort, `/models/${name}`);
  const families = parsePrometheus((await ask(server.adminPort, "/metrics")).text);
  const ofList = all.models
    .find((model: { name: string }) => model.name === name)
    .versions.find((v: { version: number }) => v.version === Number(number));
  const ofModel = one.versions.find((v: { version: number }) => v.version === Number(number));
  const ready = families
    .get("plumb_version_ready")!
    .samples.find(({ labels }) => labels.model === name && labels.version === number);
  return { ofList, ofModel, ready: ready?.value };
}

describe("a store with one version of each state", () => {
  const states: readonly (readonly [key: string, state: string, reason: RegExp])[] = [
    ["damaged/1", "failed", /^damaged: card\.md: expected sha256/],
    ["half/1", "incomplete", /^incomplete: model\.onnx: expected \d+ bytes, as manifest\.json says, got 10/],
    ["empty/1", "incomplete", /^incomplete: manifest\.json: expected this file, got none/],
    ["begun/1", "incomplete", /^incomplete: manifest\.json: expected JSON/],
    ["unlisted/1", "failed", /^refused: notes\.txt: expected only files that manifest\.json lists/],
    ["wrong/1", "failed", /^refused: .*expected 3\.0000002, got 3/],
    ["nomodel/1", "failed", /^failed: its model can't be loaded/],
  ];

  test("shows them in /models, /models/{m}, the metrics, the log and the greeting; their models answer 503 with the reason, others serve", async () => {
    const named = (name: string, change?: TestModel["change"]) => echoModel({ name, ...(change && { change }) });
    const store = await makeStore(
      named("good"),
      named("damaged", (bundle) => (bundle.tamper["card.md"] = "# Tinx\n")),
      named("half"),
      named("unlisted", (bundle) => (bundle.tamper["notes.txt"] = "hello")),
      rootModel({ name: "wrong", change: wrongAnswer! }),
      named("nomodel", (bundle) => (bundle.files["model.onnx"] = new Uint8Array(2048).fill(7))),
    );
    await truncate(join(store, "half/1/model.onnx"), 10);
    await mkdir(join(store, "empty/1"), { recursive: true });
    await cp(join(store, "good"), join(store, "begun"), { recursive: true });
    await truncate(join(store, "begun/1/manifest.json"), 100);
    const server = await startServer(store);
    expect((await post(server.httpPort, "/models/good/predict", { value: 2 })).json).toMatchObject({
      model: "good",
      prediction: 2,
    });
    for (const [key, state, reason] of states) {
      const [name] = key.split("/");
      const { ofList, ofModel, ready } = await shown(server, key);
      expect(ofList, key).toMatchObject({ state, reason: expect.stringMatching(reason) });
      expect(ofModel, key).toMatchObject({
        state,
        reason: expect.stringMatching(reason),
        problems: [expect.any(String), ...ofModel.problems.slice(1)],
      });
      expect(ready, key).toBe(0);
      for (const path of [`/models/${name}/predict`, `/models/${name}/versions/1/predict`]) {
        const { status, json } = await post(server.httpPort, path, { value: 1 });
        expect([status, json.error.code, json.error.message], path).toEqual([
          503,
          "not_ready",
          expect.stringContaining(state),
        ]);
        expect(json.error.message).toContain(ofList.reason.slice(0, 60));
      }
      expect(server.stdout).toMatch(new RegExp(`^  ${key}  ${state}  `, "m"));
      const told = await server.untilLogged(
        ({ model, version, level }) => `${model}/${version}` === key && level !== "info",
      );
      expect(told.level).toBe(state === "incomplete" ? "warn" : "error");
    }
    expect((await shown(server, "good/1")).ready).toBe(1);
    const ready = await server.untilLogged(({ message }) => message === "ready");
    expect((ready.models as { key: string }[]).map(({ key }) => key).sort()).toEqual(
      ["good/1", ...states.map(([key]) => key)].sort(),
    );
    // Not every model of the store can answer.
    expect((await ask(server.httpPort, "/health/ready")).status).toBe(503);
    expect((await ask(server.httpPort, "/health/live")).status).toBe(200);
  });
});

test("a version that fails takes no place: the newest sound ones are loaded, and older ones are said to be unloaded", async () => {
  const damaged: TestModel["change"] = (bundle) => (bundle.tamper["card.md"] = "# Tinx\n");
  const store = await makeStore(
    ...[1, 2, 3].map((version) => echoModel({ version })),
    echoModel({ version: 4, change: damaged! }),
    rootModel({ name: "echo", version: 5, change: wrongAnswer! }),
  );
  const server = await startServer(store);
  const { json } = await ask(server.httpPort, "/models");
  expect(
    json.models[0].versions.map(({ version, state }: { version: number; state: string }) => [version, state]),
  ).toEqual([
    [5, "failed"],
    [4, "failed"],
    [3, "ready"],
    [2, "ready"],
    [1, "unloaded"],
  ]);
  expect((await post(server.httpPort, "/predict", { value: 1 })).json).toMatchObject({ version: 3 });
  expect((await post(server.httpPort, "/models/echo/versions/1/predict", { value: 1 })).status).toBe(404);
  expect(await shown(server, "echo/1")).toMatchObject({
    ofModel: { state: "unloaded", reason: expect.stringContaining("newest 2 versions") },
    ready: undefined,
  });
  expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
});

test("a version that is copied while the server runs is waited for, and serves once it is whole", async () => {
  const store = await makeStore(echoModel(), echoModel({ version: 2 }));
  const [manifest, away] = [join(store, "echo/2/manifest.json"), join(store, ".manifest.json")];
  await rename(manifest, away);
  const server = await startServer(store);
  expect(await shown(server, "echo/2")).toMatchObject({ ofList: { state: "incomplete" }, ready: 0 });
  expect((await post(server.httpPort, "/predict", { value: 1 })).json.version).toBe(1);
  await rename(away, manifest);
  await expect
    .poll(async () => (await post(server.httpPort, "/predict", { value: 1 })).json.version, {
      timeout: 25_000,
      interval: 200,
    })
    .toBe(2);
  expect(await shown(server, "echo/2")).toMatchObject({ ofList: { state: "ready" }, ready: 1 });
});

describe("a default model", () => {
  test("that isn't in the store stops the start with a sentence", async () => {
    const store = await makeStore(echoModel());
    const { code, stdout, stderr } = await startToEnd("--models", store, "--default-model", "demand");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      /^plumb serve: the default model "demand" isn't in the model store .*: expected one of echo; /m,
    );
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("that failed is not ready, and no other model answers in its name", async () => {
    const store = await makeStore(echoModel(), rootModel({ name: "wrong", change: wrongAnswer! }));
    const server = await startServer(store, "--default-model", "wrong");
    const { status, json } = await post(server.httpPort, "/predict", { value: 1 });
    expect([status, json.error.code, json.error.message]).toEqual([
      503,
      "not_ready",
      expect.stringContaining('model "wrong" isn\'t ready'),
    ]);
    expect((await post(server.httpPort, "/models/echo/predict", { value: 1 })).status).toBe(200);
  });

  test("of a config file that doesn't name the store is left out where the store hasn't it", async () => {
    const store = await makeStore(echoModel());
    const config = join(store, "plumb.config.json");
    await writeFile(config, '{ "defaultModel": "demand" }');
    const server = await startServer(store, "--config", config);
    expect((await post(server.httpPort, "/predict", { value: 1 })).json).toMatchObject({ model: "echo" });
  });
});

test("strays of every kind are named in a warning each, and the model beside them serves", async () => {
  const store = await makeStore(echoModel());
  const folders = [
    "lost+found",
    "echo/2.tmp",
    "echo/1.bak",
    "echo/v2",
    "echo/02",
    "__pycache__",
    "@eaDir",
    "my model",
    "Upper/1",
    "notempty/x",
  ];
  for (const folder of folders) await mkdir(join(store, folder), { recursive: true });
  await mkdir(join(store, ".git"));
  await symlink("1", join(store, "echo/latest"));
  execFileSync("mkfifo", [join(store, "pipe"), join(store, "echo/3")]);
  const server = await startServer(store);
  expect((await post(server.httpPort, "/predict", { value: 1 })).json).toMatchObject({ model: "echo", version: 1 });
  expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  const names = [
    "lost+found",
    "echo/2.tmp",
    "echo/1.bak",
    "echo/v2",
    "echo/02",
    "__pycache__",
    "@eaDir",
    "my model",
    "Upper",
    "notempty/x",
    "echo/latest",
    "pipe",
    "echo/3",
  ];
  await server.untilLogged(({ message }) => message === "ready");
  const warned = server.log.filter(
    ({ level, message }) => level === "warn" && message.startsWith("passed over in the model store"),
  );
  for (const name of names)
    expect(
      warned.filter(({ message }) => message.includes(`"${name}"`)),
      name,
    ).toHaveLength(1);
  expect(warned).toHaveLength(names.length);
  expect(await server.end()).toEqual({ code: 0, signal: null });
});
