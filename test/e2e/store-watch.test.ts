/**
 * Goal: a store that changes under a running server changes what it serves, and nothing bad that happens to the store
 * takes a version from callers.
 */

import { readFileSync } from "node:fs";
import { cp, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GrpcClient } from "../support/grpc-client.js";
import { ask, post } from "../support/http-client.js";
import {
  echoModel,
  endlessGoldenModel,
  type ModelStore,
  rootModel,
  type TestModel,
  writeStore,
} from "../support/model-store.js";
import { parsePrometheus } from "../support/prometheus-text.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const soon = { timeout: 30_000, interval: 50 };
const stores: ModelStore[] = [];
let store: string;
let source: string;
let server: ServerProcess;

const write = async (...models: readonly TestModel[]): Promise<string> => {
  const written = await writeStore(...models);
  stores.push(written);
  return written.directory;
};
const wrongAnswer: TestModel["change"] = (bundle) => {
  const golden = bundle.files["golden.jsonl"] as string;
  bundle.files["golden.jsonl"] = golden.replaceAll('"prediction":3}', '"prediction":3.0000002}');
};

beforeAll(async () => {
  store = await write(echoModel());
  source = await write(
    ...[2, 3, 4, 5, 6, 7, 8].map((version) => echoModel({ version })),
    rootModel({ name: "echo", version: 9, change: wrongAnswer! }),
    rootModel(),
    endlessGoldenModel({ name: "endless" }),
    endlessGoldenModel({ name: "killed" }),
  );
  server = await startServer(
    store,
    ...["--store-poll-ms", "0", "--prove-timeout-ms", "10000", "--grpc-port", "0", "--default-model", "echo"],
  );
}, 60_000);
afterAll(async () => {
  await endServers();
  for (const each of stores) await each.remove();
});

/** Puts a version into the store as it should be done: whole, at once. */
async function put(key: string, from = key): Promise<void> {
  await mkdir(join(store, key.split("/")[0]!), { recursive: true });
  await cp(join(source, from), join(store, ".new"), { recursive: true });
  await rename(join(store, ".new"), join(store, key));
}
const scan = async () => (await post(server.adminPort, "/store/scan", "")).json;
async function stateOf(key: string): Promise<{ state: string; reason: string | null; problems: string[] } | undefined> {
  const [name, number] = key.split("/");
  const { json } = await ask(server.adminPort, `/models/${name}`);
  return json.versions?.find(({ version }: { version: number }) => version === Number(number));
}
async function until(key: string, state: string): Promise<void> {
  await expect.poll(async () => (await stateOf(key))?.state, soon).toBe(state);
}
const serving = async () => (await post(server.httpPort, "/predict", { value: 2 })).json.version;
const isReady = async () => (await ask(server.httpPort, "/health/ready")).status === 200;
const change = (key: string, what: string) => {
  const [model, version] = key.split("/");
  return { model, version: Number(version), change: what };
};

describe("a store that is looked at when that is asked for", () => {
  test("a new version serves, beside the one before, and the third last is drained", async () => {
    await put("echo/2");
    expect(await scan()).toMatchObject({
      models: 1,
      versions: 2,
      changes: [change("echo/2", "found")],
      loading: [{ model: "echo", version: 2 }],
    });
    await until("echo/2", "ready");
    expect([await serving(), (await stateOf("echo/1"))!.state]).toEqual([2, "ready"]);
    await put("echo/3");
    await scan();
    await until("echo/1", "unloaded");
    expect([await serving(), (await stateOf("echo/1"))!.reason]).toEqual([3, expect.stringContaining("newest 2")]);
    expect(await scan()).toMatchObject({ changes: [], loading: [] });
  });

  test("one that is half copied is waited for, and served when it is whole", async () => {
    await cp(join(source, "echo/4"), join(store, "echo/4"), { recursive: true });
    await truncate(join(store, "echo/4/model.onnx"), 10);
    expect((await scan()).changes).toEqual([change("echo/4", "found"), change("echo/4", "incomplete")]);
    expect(await stateOf("echo/4")).toMatchObject({
      state: "incomplete",
      reason: expect.stringContaining("model.onnx"),
    });
    expect([await serving(), await isReady(), (await scan()).changes]).toEqual([3, true, []]);
    await cp(join(source, "echo/4/model.onnx"), join(store, "echo/4/model.onnx"));
    expect((await scan()).changes).toContainEqual(change("echo/4", "changed"));
    await until("echo/4", "ready");
    expect(await serving()).toBe(4);
  });

  test("one with other bytes of the right size is read twice, then failed; when it changes it is read again", async () => {
    const file = join(store, "echo/5/card.md");
    await put("echo/5");
    const card = readFileSync(file);
    await writeFile(file, Buffer.alloc(card.length, 120));
    await scan();
    await until("echo/5", "incomplete");
    expect((await stateOf("echo/5"))!.reason).toContain("read once more");
    await scan();
    await until("echo/5", "failed");
    expect([(await stateOf("echo/5"))!.reason, await serving(), await isReady()]).toEqual([
      expect.stringContaining("damaged: card.md: expected sha256"),
      4,
      true,
    ]);
    expect((await scan()).changes).toEqual([]);
    await writeFile(file, card);
    await scan();
    await until("echo/5", "ready");
    expect(await serving()).toBe(5);
  });

  test("one whose golden rows come out otherwise is failed everywhere that versions are shown, and the one before serves", async () => {
    await put("echo/9");
    await scan();
    await until("echo/9", "failed");
    expect(await stateOf("echo/9")).toMatchObject({ reason: expect.stringContaining("refused: ") });
    const families = parsePrometheus((await ask(server.adminPort, "/metrics")).text);
    const of = (version: string) =>
      families.get("plumb_version_ready")!.samples.find(({ labels }) => labels.version === version)?.value;
    expect([of("9"), of("5"), await serving(), await isReady()]).toEqual([0, 1, 5, true]);
    await server.untilLogged(({ version, level }) => version === 9 && level === "error");
    await rm(join(store, "echo/9"), { recursive: true });
    expect((await scan()).changes).toEqual([change("echo/9", "gone")]);
    expect(await stateOf("echo/9")).toBe(undefined);
  });

  test("what is replaced in place is refused while it serves, and said; touched files are nothing", async () => {
    const manifest = join(store, "echo/5/manifest.json");
    await utimes(manifest, new Date(), new Date());
    expect((await scan()).changes).toEqual([]);
    const text = readFileSync(manifest, "utf8");
    await writeFile(manifest, `${text}\n`);
    expect((await scan()).changes).toEqual([change("echo/5", "replaced")]);
    expect(await stateOf("echo/5")).toMatchObject({
      state: "ready",
      problems: [expect.stringContaining("other contents")],
    });
    await server.untilLogged(({ message }) => message.startsWith("a version was replaced in the store"));
    expect(await serving()).toBe(5);
    await writeFile(manifest, text);
    await scan();
    expect((await stateOf("echo/5"))!.problems).toEqual([]);
  });

  test("a champion whose folder is gone serves until a newer one takes its place; a store that is gone changes nothing", async () => {
    await rm(join(store, "echo/5"), { recursive: true });
    expect((await scan()).changes).toEqual([change("echo/5", "gone")]);
    expect([await serving(), (await scan()).changes]).toEqual([5, []]);
    await rename(store, `${store}-away`);
    expect(await scan()).toMatchObject({ problem: expect.stringContaining("expected a folder that can be read") });
    await symlink(store, store);
    expect(await scan()).toMatchObject({ problem: expect.any(String) });
    expect([await serving(), await isReady()]).toEqual([5, true]);
    await rm(store);
    await rename(`${store}-away`, store);
    await put("echo/6");
    await scan();
    await until("echo/6", "ready");
    await expect.poll(() => stateOf("echo/5"), soon).toBe(undefined);
    expect([await serving(), (await stateOf("echo/4"))!.state]).toEqual([6, "ready"]);
  });
});

describe("a model that", () => {
  test("never ends is given up in the prover, and the server lives", async () => {
    await put("endless/1");
    await scan();
    await until("endless/1", "failed");
    expect((await stateOf("endless/1"))!.reason).toContain("its proof took longer than 10000 ms");
    expect([await serving(), await isReady()]).toEqual([6, true]);
  });

  test("kills the prover is failed, and the next one is proved by another", async () => {
    await put("killed/1");
    await scan();
    const prover = await proverOf(server.pid!);
    process.kill(prover, "SIGKILL");
    await until("killed/1", "failed");
    expect((await stateOf("killed/1"))!.reason).toContain("the process that proved it died of it: SIGKILL");
    await put("root/1");
    await scan();
    await until("root/1", "ready");
    expect((await post(server.httpPort, "/models/root/predict", { value: 9 })).json.prediction).toBe(3);
  });
});

async function grpcPortOf(of: ServerProcess): Promise<number> {
  return (await of.untilLogged(({ message }) => message === "ready")).grpc_port as number;
}

/** The child that proves, once there is one. */
async function proverOf(pid: number): Promise<number> {
  let found: string | undefined;
  const look = () => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    found = children.find(
      (child) => child !== "" && readFileSync(`/proc/${child}/cmdline`, "utf8").includes("prover-process"),
    );
    return found;
  };
  await expect.poll(look, soon).toBeDefined();
  return Number(found);
}

describe("an operator", () => {
  const order = async (key: string, what: "load" | "unload") => {
    const [model, version] = key.split("/");
    return await post(server.adminPort, `/models/${model}/versions/${version}/${what}`, "");
  };

  test("unloads a version, and it isn't loaded again until that is asked for", async () => {
    expect(await order("echo/6", "unload")).toMatchObject({ status: 200, json: { state: "unloaded" } });
    await scan();
    // The next newest that is in the store takes the free place.
    await until("echo/3", "ready");
    expect([await serving(), (await stateOf("echo/6"))!.state]).toEqual([4, "unloaded"]);
    expect(await order("echo/6", "load")).toMatchObject({ status: 200, json: { state: "ready", version: 6 } });
    expect(await order("echo/6", "load")).toMatchObject({ status: 200 });
    expect(await serving()).toBe(6);
  });

  test("loads a version that the policy doesn't want, and it stays", async () => {
    expect(await order("echo/1", "load")).toMatchObject({ status: 200, json: { version: 1 } });
    await scan();
    expect((await stateOf("echo/1"))!.state).toBe("ready");
    expect((await post(server.httpPort, "/models/echo/versions/1/predict", { value: 5 })).json.version).toBe(1);
  });

  test("hears what is wrong", async () => {
    expect(await order("echo/77", "load")).toMatchObject({ status: 404, json: { error: { code: "model_not_found" } } });
    expect(await order("echo/77", "unload")).toMatchObject({ status: 404 });
    expect(await order("none/1", "load")).toMatchObject({ status: 404 });
    expect(await order("echo/x", "load")).toMatchObject({ status: 404 });
    await put("echo/9");
    const refused = await order("echo/9", "load");
    expect(refused).toMatchObject({ status: 422, json: { error: { code: "refused" } } });
    expect(refused.json.error.problems[0]).toContain("3.0000002");
    await cp(join(source, "echo/7"), join(store, "echo/7"), { recursive: true });
    await truncate(join(store, "echo/7/model.onnx"), 10);
    expect(await order("echo/7", "load")).toMatchObject({ status: 409, json: { error: { code: "incomplete" } } });
    for (const key of ["echo/7", "echo/9"]) await rm(join(store, key), { recursive: true });
    expect(await serving()).toBe(6);
  });

  test("unloads a model's last version on purpose, and loads the model again, by the repository extension", async () => {
    const repository = (what: string, body: object = {}) => post(server.adminPort, `/v2/repository/${what}`, body);
    const states = async (body: object) =>
      JSON.parse((await repository("index", body)).text)
        .filter(({ name }: { name: string }) => name === "root")
        .map(({ version, state }: { version: string; state: string }) => [version, state]);
    expect(await states({ ready: true })).toEqual([["1", "READY"]]);
    expect(await repository("models/root/unload")).toMatchObject({ status: 200, text: "{}\n" });
    expect([await states({ ready: true }), await states({})]).toEqual([[], [["1", "UNAVAILABLE"]]]);
    await server.untilLogged(({ message }) => message.includes("last version is taken out of service, on purpose"));
    expect(await repository("models/root/load", { parameters: { config: "{}" } })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining("parameters") },
    });
    expect(await repository("models/root/load")).toMatchObject({ status: 200 });
    expect(await states({ ready: true })).toEqual([["1", "READY"]]);
    expect(await repository("models/none/load")).toMatchObject({ status: 404, json: { error: expect.any(String) } });
    expect(await repository("models/endless/load")).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining("took longer") },
    });
    expect((await ask(server.adminPort, "/v2/repository/index", { method: "POST", body: "[" })).status).toBe(400);
  });

  test("is refused on the listeners of callers unless that is switched on", async () => {
    const extensions = async (of: ServerProcess) => (await ask(of.httpPort, "/v2")).json.extensions;
    const { status, json } = await post(server.httpPort, "/v2/repository/index", {});
    expect([status, json.error]).toEqual([404, expect.stringContaining("--repository-control")]);
    const client = new GrpcClient(await grpcPortOf(server));
    expect((await client.call("RepositoryIndex")).error).toMatchObject({
      code: 12,
      details: expect.stringContaining("--repository-control"),
    });
    client.close();
    expect(await extensions(server)).not.toContain("model_repository");

    const other = await startServer(await write(echoModel()), "--repository-control", "true", "--grpc-port", "0");
    expect(await extensions(other)).toContain("model_repository");
    expect((await post(other.httpPort, "/v2/repository/models/echo/unload", {})).status).toBe(200);
    const grpc = new GrpcClient(await grpcPortOf(other));
    expect((await grpc.call("RepositoryIndex", { ready: true })).reply).toEqual({ models: [] });
    expect((await grpc.call("RepositoryModelLoad", { model_name: "echo" })).reply).toEqual({});
    expect((await grpc.call("RepositoryIndex", {})).reply).toEqual({
      models: [{ name: "echo", version: "1", state: "READY", reason: "" }],
    });
    expect((await grpc.call("ServerMetadata")).reply.extensions).toContain("model_repository");
    expect((await grpc.call("RepositoryModelUnload", { model_name: "none" })).error).toMatchObject({ code: 5 });
    grpc.close();
  });
});

test("a stop while a version is proved ends with exit code 0", async () => {
  await put("endless/2", "endless/1");
  await scan();
  await proverOf(server.pid!);
  expect(await server.end()).toEqual({ code: 0, signal: null });
});
