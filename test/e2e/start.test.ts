/**
 * Goal: a server starts with what it can prove, says in a sentence what it can't, and never seems to serve when it
 * doesn't.
 */

import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess as StartedProcess } from "../../scripts/server-process.mjs";
import { type Answer, ask, post } from "../support/http-client.js";
import { echoModel, lookupModel, type ModelStore, rootModel, writeStore } from "../support/model-store.js";
import { endServers, ServerProcess, serverProgram, startServer, startToEnd } from "../support/server-process.js";
import type { TinyBundle } from "../support/tiny-bundle.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
});

describe("what it says when it is ready", () => {
  test("is where it listens, what it serves, and a line to try, which works", async () => {
    const server = await startServer(store.directory);
    const [first, second] = server.stdout.split("\n");
    expect(first).toBe(
      `Plumb listens on http://127.0.0.1:${server.httpPort} (predictions) and http://127.0.0.1:${server.adminPort} (metrics)`,
    );
    expect(second).toMatch(/^ {2}echo\/1 {2}ready {2}256 golden rows proved on inline and pool$/);
    const [, address, body] = /curl -s (\S+) -H 'content-type: application\/json' -d '([^']*)'/.exec(server.stdout)!;
    const { port, pathname } = new URL(address!);
    expect((await post(Number(port), pathname, body)).json).toMatchObject({
      model: "echo",
      prediction: JSON.parse(body!).value,
    });
    expect(await server.untilLogged(({ message }) => message === "ready")).toMatchObject({
      level: "info",
      http_port: server.httpPort,
    });
  });
});

test("while it loads, it lives and isn't ready, and a prediction is to be tried again", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  await once(taken.close(), "close");
  const server = new ServerProcess(["--models", store.directory, "--http-port", String(port)]);
  const seen = new Set<string>();
  for (let answer: Answer | undefined; answer?.status !== 200; ) {
    // Nobody listens yet in the first moments.
    answer = await post(port, "/models/echo/predict", { value: 1 }).catch(() => undefined);
    if (answer === undefined) continue;
    seen.add(`${answer.status} ${answer.json.error?.code ?? "prediction"}`);
    if (answer.status === 503) {
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
      expect((await ask(port, "/health/live")).status).toBe(200);
    }
  }
  seen.delete("503 not_ready");
  expect([...seen]).toEqual(["200 prediction"]);
  expect((await ask(port, "/health/ready")).status).toBe(200);
  await server.end();
});

describe("an address that is taken stops the start with a sentence and exit code 1", () => {
  test.each(["http", "admin"])("for the %s listener, by a stranger", async (name) => {
    const stranger = createServer().listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;
    const { code, stdout, stderr } = await startToEnd("--models", store.directory, `--${name}-port`, String(port));
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      new RegExp(`^plumb serve: the ${name} listener can't listen on 127\\.0\\.0\\.1:${port}: is the port in use`, "m"),
    );
    expect(stderr).not.toMatch(/^\s+at /m);
    stranger.close();
  });

  test.each(["http", "admin"])("for the %s listener, by another server of ours: they don't share it", async (name) => {
    const server = await startServer(store.directory);
    const port = name === "http" ? server.httpPort : server.adminPort;
    const { code, stderr } = await startToEnd("--models", store.directory, `--${name}-port`, String(port));
    expect(code).toBe(1);
    expect(stderr).toContain(`the ${name} listener can't listen on 127.0.0.1:${port}`);
    expect((await post(server.httpPort, "/predict", { value: 1 })).json.prediction).toBe(1);
  });

  test("for both listeners, by each other", async () => {
    const server = await startServer(store.directory);
    const port = String(server.httpPort);
    await server.end();
    const { code, stderr } = await startToEnd("--models", store.directory, "--http-port", port, "--admin-port", port);
    expect(code).toBe(1);
    expect(stderr).toContain(`the admin listener can't listen on 127.0.0.1:${port}`);
  });

  test("or isn't one of this machine", async () => {
    const { code, stderr } = await startToEnd("--models", store.directory, "--host", "192.0.2.1");
    expect(code).toBe(1);
    expect(stderr).toContain("the http listener can't listen on 192.0.2.1:0");
  });
});

test.each(["::1", "[::1]"])("an IPv6 address, %s, is listened on and shown as it stands in a URL", async (host) => {
  const server = new ServerProcess(["--models", store.directory, "--host", host, "--admin-host", host]);
  const [shown] = await server.until(({ stdout }) => (/\n {2}curl .*\n/.test(stdout) ? stdout.split("\n") : undefined));
  const [, base, admin] =
    /^Plumb listens on (http:\/\/\[::1\]:\d+) \(predictions\) and (http:\/\/\[::1\]:\d+) \(metrics\)$/.exec(shown!)!;
  const [, address, body] = /curl -s (\S+) -H 'content-type: application\/json' -d '([^']*)'/.exec(server.stdout)!;
  expect(address).toBe(`${base}/models/echo/predict`);
  const answer = await fetch(address!, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: body!,
  });
  expect(await answer.json()).toMatchObject({ prediction: JSON.parse(body!).value });
  expect((await fetch(`${admin}/health/ready`)).status).toBe(200);
  await server.end();
});

describe("surroundings in which nothing runs stop the start with a sentence and exit code 1", () => {
  const inShell = async (script: string) => {
    const shell = new StartedProcess(["sh", "-c", script, "sh", process.execPath, serverProgram, store.directory]);
    const { code } = await shell.ended;
    return { code, stderr: shell.stderr };
  };

  test("too few files", async () => {
    const { code, stderr } = await inShell(
      'ulimit -n 28; exec "$1" "$2" serve --models "$3" --http-port 0 --admin-port 0',
    );
    expect(stderr).toMatch(
      /^plumb: the system lets this process open too few files: raise the limit to 1024 or more \(ulimit -n 1024;.*\n$/,
    );
    expect(code).toBe(1);
  });

  test("a working folder that was deleted", async () => {
    const script =
      'folder=$(mktemp -d); cd "$folder"; rmdir "$folder"; exec "$1" "$2" serve --models "$3" --http-port 0 --admin-port 0';
    expect(await inShell(script)).toEqual({
      code: 1,
      stderr: "plumb: the folder that this command runs in has been deleted: change to one that is there\n",
    });
  });
});

describe("a setting that is wrong stops the start with a sentence and exit code 2", () => {
  const cases: [string, string[], RegExp][] = [
    ["an unknown flag", ["--http-prot", "1"], /"--http-prot" is no flag of serve: did you mean --http-port\?/],
    ["a port beyond all ports", ["--http-port", "65536"], /the flag --http-port: .*65536/],
    ["a flag without its value", ["--models"], /the flag --models needs a value/],
    ["a word for a number", ["--workers", "many"], /the flag --workers: .*"many"/],
    ["a word that isn't one of those known", ["--execution", "gpu"], /the flag --execution: .*"gpu"/],
    [
      "an engine that isn't one",
      ["--engine", "treelite"],
      /the flag --engine: .*"auto"\|"onnxruntime"\|"tree".*"treelite"/,
    ],
    ["a config file that isn't there", ["--config", "missing.json"], /the config file .*missing\.json can't be read/],
  ];
  test.each(cases)("%s", async (_, flags, sentence) => {
    const { code, stdout, stderr } = await startToEnd(...flags);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^plumb serve: /);
    expect(stderr).toMatch(sentence);
  });
});

describe("a store without a bundle stops the start with a sentence and exit code 1", () => {
  test("when it is empty, holds other folders, or isn't there", async () => {
    const empty = await mkdtemp(join(tmpdir(), "plumb-empty-"));
    for (const folder of ["", "missing"]) {
      const { code, stdout, stderr } = await startToEnd("--models", join(empty, folder));
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^plumb serve: (no bundle is in the model store .*|bundle .*\n.*expected a folder that can be read)/m,
      );
      expect(stderr).not.toMatch(/^\s+at /m);
    }
    await rm(empty, { recursive: true });
  });
});

type BadBundle = [string, (bundle: TinyBundle) => void, RegExp];

/** Bundles that can't be read, and what is said of them. */
const unreadable: BadBundle[] = [
  ["a changed byte", (bundle) => (bundle.tamper["card.md"] = "# Tinx\n"), /card\.md/],
  ["an unlisted file", (bundle) => (bundle.tamper["notes.txt"] = "hello"), /notes\.txt/],
  ["a missing file", (bundle) => (bundle.tamper["baseline.json"] = null), /baseline\.json/],
  [
    "a graph that can't be planned",
    (bundle) => (bundle.files["preprocessing.json"].nodes[0].inputs = ["unheard"]),
    /unheard/,
  ],
];

/** Bundles that can be read, but not proved. */
const unproved: BadBundle[] = [
  [
    "a golden answer that doesn't come out",
    (bundle) =>
      (bundle.files["golden.jsonl"] = (bundle.files["golden.jsonl"] as string).replaceAll(
        '"prediction":3}',
        '"prediction":3.0000002}',
      )),
    /golden\.jsonl line \d+ \(sample\), prediction.*expected 3\.0000002, got 3, \d+ ulp/,
  ],
  [
    "a model that is no model",
    (bundle) => (bundle.files["model.onnx"] = new Uint8Array(2048).fill(7)),
    /its model can't be loaded|model/,
  ],
  [
    "a model whose tensors have other names",
    (bundle) => renameInput(bundle),
    /declares the inputs \["Z"\], the file has \["X"\]|Z/,
  ],
];

function renameInput({ manifest, files }: TinyBundle): void {
  manifest.models[0].inputs[0].name = "Z";
  files["preprocessing.json"].outputs[0].name = "Z";
  files["golden.jsonl"] = (files["golden.jsonl"] as string).replaceAll('"features":{"X"', '"features":{"Z"');
}

const everyWay = ["auto", "inline", "pool"].flatMap((execution) =>
  unproved.map(([name, change, reason]) => [`${name} (execution ${execution})`, change, reason, execution] as const),
);

describe("a bundle that isn't sound isn't served", () => {
  const cases = [...unreadable.map((bad) => [...bad, "auto"] as const), ...everyWay];

  test.each(cases)(
    "%s: alone, it stops the start with the reason and exit code 1",
    async (_, change, reason, execution) => {
      const bad = await writeStore(rootModel({ name: "bad", change }));
      const { code, signal, stdout, stderr } = await startToEnd("--models", bad.directory, "--execution", execution);
      expect({ code, signal, stdout }).toEqual({ code: 1, signal: null, stdout: "" });
      expect(stderr).toMatch(/^plumb serve: no model is ready to serve/m);
      expect(stderr).toMatch(reason);
      await bad.remove();
    },
  );

  test.each(cases)(
    "%s: beside a good one, that one serves, and what is wrong is said",
    async (_, change, reason, execution) => {
      const mixed = await writeStore(lookupModel(), rootModel({ name: "bad", change }));
      const server = await startServer(mixed.directory, "--execution", execution);
      expect((await post(server.httpPort, "/models/lookup/predict", { value: 7 })).json.prediction).toBe(7);
      expect(server.stdout).toMatch(/lookup\/1 {2}ready/);
      expect(server.stdout).toMatch(/bad\/1.* (failed|refused)/);
      await server.until(({ stderr }) => reason.test(stderr) || undefined);
      const { status, json } = await post(server.httpPort, "/models/bad/predict", { value: 4 });
      expect([
        [404, "model_not_found"],
        [503, "not_ready"],
      ]).toContainEqual([status, json.error.code]);
      expect((await ask(server.adminPort, "/metrics")).text).not.toMatch(
        /plumb_version_ready\{model="bad",version="1"\} 1/,
      );
      expect(await server.end()).toEqual({ code: 0, signal: null });
      await mixed.remove();
    },
  );
});

test("an older version serves when the newest isn't proved", async () => {
  const [[, change]] = unproved as [BadBundle];
  const versions = await writeStore(echoModel({ version: 1 }), echoModel({ version: 2, change }));
  const server = await startServer(versions.directory);
  expect((await post(server.httpPort, "/predict", { value: 1 })).json).toMatchObject({ prediction: 1, version: 1 });
  const asked = await post(server.httpPort, "/models/echo/versions/2/predict", { value: 1 });
  expect([asked.status, asked.json.error.code]).toEqual([503, "not_ready"]);
  expect(Number(asked.headers["retry-after"])).toBeGreaterThan(0);
  expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  const { json } = await ask(server.httpPort, "/models/echo");
  expect(json).toMatchObject({
    serving: 1,
    versions: [
      { version: 2, state: "failed", proof: null },
      { version: 1, state: "ready" },
    ],
  });
  expect(json.versions[0].problems.join("\n")).toMatch(/expected 3\.0000002, got 3/);
  await versions.remove();
});

test("hidden folders and stray files of a store are passed over, and a folder that should be a bundle, or isn't one, is named", async () => {
  const other = await writeStore(echoModel());
  await mkdir(join(other.directory, ".being-written", "3"), { recursive: true });
  await writeFile(join(other.directory, ".notes"), "notes");
  await mkdir(join(other.directory, "echo", "2"), { recursive: true });
  const server = await startServer(other.directory);
  expect((await post(server.httpPort, "/predict", { value: 1 })).json).toMatchObject({ prediction: 1, version: 1 });
  await server.until(({ stderr }) => /echo\/2.*manifest\.json/.test(stderr) || undefined);
  await server.end();
  await mkdir(join(other.directory, "echo", "newest"), { recursive: true });
  const again = await startServer(other.directory);
  expect((await post(again.httpPort, "/predict", { value: 1 })).json).toMatchObject({ prediction: 1, version: 1 });
  await again.until(({ stderr }) => /"level":"warn".*\\"echo\/newest\\": expected a version/.test(stderr) || undefined);
  await again.end();
  await other.remove();
});
