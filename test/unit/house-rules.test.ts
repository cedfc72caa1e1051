/**
 * The rules of the house, held over every file; and each rule held to a made-up breach, so that none passes because it
 * is blind.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type Directions,
  deadSources,
  type Files,
  forbiddenLines,
  importCircles,
  importsOf,
  type LineRule,
  longFiles,
  looseLock,
  looseRequirements,
  looseVersions,
  type Owners,
  wrongDirections,
  wrongOwners,
} from "../support/house-rules.js";

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((path) => path !== "" && existsSync(path));
const read = (paths: readonly string[]): Files => new Map(paths.map((path) => [path, readFileSync(path, "utf8")]));

const code = read(tracked.filter((path) => /\.(ts|mjs|js|py)$/.test(path)));
const sources: Files = new Map(
  [...code].filter(([path]) =>
    /^(preprocessing|bundle|server|cli|loadtest|bench|conformance)\/.*(?<!\.d)\.ts$/.test(path),
  ),
);
const texts = read(tracked.filter((path) => !/\.(onnx|png|csv|jsonl)$/.test(path) && path !== "LICENSE"));

/**
 * preprocessing <- bundle <- server <- cli; the load test meets a server on the wire alone. The benchmark takes its
 * generators and statistics, and preprocesses rows as the server does; the comparison of engines calls them as it does.
 * The conformance suite takes its command line and tables, and knows nothing of the server that it asks.
 */
const directions: Directions = {
  folders: {
    preprocessing: [],
    bundle: ["preprocessing"],
    server: ["bundle", "preprocessing"],
    cli: ["server", "bundle", "preprocessing"],
    loadtest: [],
    conformance: ["loadtest"],
    bench: ["loadtest", "preprocessing"],
    "bench/engines": ["loadtest", "server", "preprocessing"],
  },
  packages: { preprocessing: ["zod"], bundle: ["zod", "node:"], cli: ["node:"] },
};

const owners: Owners = {
  "onnxruntime-node": ["server/inference/session.ts", "bench/bare-onnx.ts", "bench/servers/fastify.ts"],
  pbf: ["server/inference/tree/onnx-file.ts", "server/inference/onnx-outline.ts"],
  piscina: ["server/inference/pool.ts", "server/inference/worker.ts"],
  "@opentelemetry/api": ["server/observe/call-spans.ts"],
  "@opentelemetry/sdk-trace": ["server/observe/otlp.ts"],
  "@opentelemetry/resources": ["server/observe/otlp.ts"],
  "@opentelemetry/exporter-trace-otlp-proto": ["server/observe/otlp.ts"],
  "prom-client": ["server/observe/process-metrics.ts"],
  "uWebSockets.js": ["server/transport/http/uws.ts", "bench/servers/raw.ts"],
  fastify: ["bench/servers/fastify.ts"],
  autocannon: ["loadtest/generators.ts"],
  "@grpc/grpc-js": ["conformance/grpc-client.ts"],
  "@grpc/proto-loader": ["conformance/grpc-client.ts"],
  // Concrete classes meet in server.ts alone; everybody else sees their interfaces. A worker has no server, and a
  // command is one of its own. Nobody but the one who chooses knows the engines, and the one who measures them.
  "server/inference/session.ts": ["server/inference/engines.ts", "bench/engines/measure-model.ts"],
  "server/inference/tree/tree-engine.ts": ["server/inference/engines.ts", "bench/engines/measure-model.ts"],
  "server/inference/pool.ts": ["server/inference/pools.ts"],
  "server/inference/process-pool.ts": ["server/inference/pools.ts"],
  "server/inference/pools.ts": ["server/server.ts"],
  "server/inference/scheduler.ts": ["server/server.ts"],
  "server/admission.ts": ["server/server.ts"],
  // Who makes work in slices doesn't know who takes them.
  "server/path/slices.ts": ["server/path/predict.ts", "server/server.ts"],
  // Steps are put together there and, without a server, for proof and command line.
  "server/path/predict.ts": ["server/server.ts", "server/path/local-path.ts"],
  // The route chooses the protocol. Proof and command line speak one, and nobody else knows which there are.
  "server/protocol/predict-json/protocol.ts": [
    "server/transport/routes.ts",
    "server/path/local-path.ts",
    "cli/predict.ts",
  ],
  "server/protocol/typed-proto/protocol.ts": ["server/transport/routes.ts"],
  "server/protocol/typed-proto/grpc.ts": ["server/transport/grpc/typed-services.ts"],
  "server/routing/routes.ts": ["server/server.ts"],
  "server/observe/metrics.ts": ["server/server.ts"],
  "server/observe/logs.ts": ["server/server.ts", "server/planes/primary.ts"],
  "server/observe/access-log.ts": ["server/server.ts", "server/planes/primary.ts"],
  "server/observe/traces.ts": ["server/server.ts"],
  "server/observe/otlp.ts": ["server/server.ts"],
  // Each is loaded where it serves, and nowhere else.
  "server/transport/http/uws.ts": ["server/transport/http/load.ts"],
  "server/transport/http/node.ts": ["server/transport/http/load.ts"],
  // Nothing of gRPC is loaded where it isn't switched on.
  "server/transport/grpc/services.ts": ["server/listeners.ts"],
  "server/transport/grpc/listener.ts": ["server/transport/grpc/services.ts"],
  "server/versions/registry.ts": ["server/server.ts"],
  "server/versions/model-store.ts": ["server/server.ts"],
  "server/versions/manager.ts": ["server/versions/model-store.ts"],
  "server/versions/store-loader.ts": ["server/versions/model-store.ts"],
  "server/versions/store-control.ts": ["server/versions/model-store.ts"],
  "server/versions/prover.ts": ["server/versions/model-store.ts"],
  // A policy is chosen where the server is put together.
  "server/routing/newest-ready.ts": ["server/server.ts"],
  "server/server.ts": ["server/alone.ts", "server/planes/serving.ts"],
  // Nothing of several processes is loaded where one serves.
  "server/planes/main.ts": ["server/main.ts"],
  "server/planes/primary.ts": ["server/planes/main.ts"],
  // All that a route needs is put together there.
  "server/release/release.ts": ["server/server.ts"],
  "server/release/route-store.ts": ["server/release/release.ts", "server/planes/shared-routes.ts"],
  "server/planes/shared-routes.ts": ["server/planes/primary.ts"],
  "server/release/shadows.ts": ["server/release/release.ts"],
  "server/routing/arms.ts": ["server/release/release.ts"],
  "server/observe/arm-metrics.ts": ["server/release/release.ts"],
};

/**
 * Where a process or a thread begins; the benchmark's servers are started by their path, and the formats are what
 * scripts/write-proto.mjs reads. The portable mathematics is whole in both languages, whether or not an operator calls
 * each function.
 */
const entries = [
  "cli/main.ts",
  "server/inference/worker.ts",
  "server/inference/process-worker.ts",
  "server/planes/serving.ts",
  "server/versions/prover-process.ts",
  "loadtest/main.ts",
  "conformance/main.ts",
  "bench/main.ts",
  "bench/reloads.ts",
  "bench/servers/raw.ts",
  "bench/servers/node-http.ts",
  "bench/servers/fastify.ts",
  "bench/servers/otlp-sink.ts",
  "bench/servers/grpc-echo.ts",
  "bundle/formats.ts",
  "preprocessing/math/portable.ts",
];

/** Ada is the user of made-up examples. */
const machinePaths: LineRule = {
  pattern: /(?:^|[^\w.$}])\/(?:home(?!\/ada\b)|Users|root|mnt|work|workspace|builds?|tmp)\/[\w.-]/,
  why: "the path of one machine",
};
const registryHosts: LineRule = {
  pattern:
    /"resolve[d]": *"https?:|\bregistry *[=:] *"?https?:|--(?:extra-)?index-url|registry\.npmjs\.org|(?:files\.pythonhosted|pypi)\.org/,
  why: "the address of a package registry",
};
const openEnds: LineRule = { pattern: /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b|not[ ]implemented/, why: "an open end" };
const skippedTests: LineRule = {
  pattern:
    /\b(?:it|test|describe)\.(?:only|skip|todo|skipIf|fails)\b|\bpytest\.mark\.(?:skip|xfail)\b|\bpytest\.xfail\b|\bpytest\.skip\((?!f?")/,
  why: "a test that doesn't run, or runs alone",
};

describe("the project", () => {
  it("has sources to look at", () => {
    expect(sources.size).toBeGreaterThan(50);
    for (const entry of entries) expect(sources.has(entry), entry).toBe(true);
  });

  it("imports in one direction", () => expect(wrongDirections(sources, directions)).toEqual([]));
  it("keeps each library and each concrete class in its owner's hands", () =>
    expect(wrongOwners(sources, owners)).toEqual([]));
  it("has no dead source", () => expect(deadSources(sources, entries)).toEqual([]));
  it("has no circle of imports", () => expect(importCircles(sources)).toEqual([]));
  it("has no file over 450 lines", () => expect(longFiles(code, 450)).toEqual([]));
  it("names no machine and no registry", () =>
    expect(forbiddenLines(texts, [machinePaths, registryHosts])).toEqual([]));
  it("leaves nothing open and skips no test", () => expect(forbiddenLines(code, [openEnds, skippedTests])).toEqual([]));
  it("pins npm packages exactly", () => expect(looseVersions(readFileSync("package.json", "utf8"))).toEqual([]));
  it("locks npm packages by hash, without addresses", () =>
    expect(looseLock(readFileSync("package-lock.json", "utf8"))).toEqual([]));

  it("pins Python packages by hash", () => {
    const files = tracked.filter((path) => /(^|\/)requirements[\w-]*\.txt$/.test(path));
    expect(files).toContain("trainer/requirements.txt");
    for (const file of files) expect(looseRequirements(readFileSync(file, "utf8")), file).toEqual([]);
  });

  it("gives what makes an owner only to files that are there", () => {
    const named = Object.entries(owners).flatMap(([thing, files]) =>
      thing.endsWith(".ts") ? [thing, ...files] : files,
    );
    expect(named.filter((path) => !sources.has(path))).toEqual([]);
  });
});

describe("a rule sees its breach", () => {
  const files = (entries: Record<string, string>): Files => new Map(Object.entries(entries));

  it("finds every form of import, and no other text", () => {
    const text = [
      'import { a } from "./a.js";',
      'import type { B } from "../b.js";',
      'import { type C, type D } from "./c.js";',
      'import { type C, d } from "./d.js";',
      "import {\n  e,\n  f,\n} from './e.js';",
      'import "./f.js";',
      'export * from "./g.js";',
      'const h = await import("./h.js");',
      'const i = require("i/deep.js");',
      'const j = new URL("j.js", import.meta.url);',
      '// import { k } from "./k.js";',
      '/* import { l } from "./l.js"; */',
      'import * as m from "@m/scoped";',
    ].join("\n");
    const found = importsOf("x/y.ts", text);
    expect(
      found
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ specifier }) => specifier)
        .sort(),
    ).toEqual(["./a.js", "./d.js", "./e.js", "./f.js", "./g.js", "./h.js", "i/deep.js", "./j.js", "@m/scoped"].sort());
    expect(found.filter(({ typeOnly }) => typeOnly).map(({ file }) => file)).toEqual(["b.ts", "x/c.ts"]);
  });

  it.each([
    ["preprocessing/a.ts", 'import { x } from "../bundle/x.js";'],
    ["preprocessing/a.ts", 'import type { X } from "../server/x.js";'],
    ["preprocessing/a.ts", 'import { readFileSync } from "node:fs";'],
    ["bundle/a.ts", 'import { x } from "../server/x.js";'],
    ["bundle/a.ts", 'import { x } from "piscina";'],
    ["server/deep/a.ts", 'import { x } from "../../cli/x.js";'],
    ["loadtest/a.ts", 'import { x } from "../server/x.js";'],
    ["loadtest/a.ts", 'import { x } from "../bench/x.js";'],
    ["bench/a.ts", 'import { x } from "../server/x.js";'],
    ["conformance/a.ts", 'import { x } from "../server/x.js";'],
    ["bench/engines/a.ts", 'import { x } from "../../cli/x.js";'],
  ])("a wrong direction: %s, %s", (path, text) => {
    expect(wrongDirections(files({ [path]: text }), directions)).toHaveLength(1);
  });

  it("a right direction is none", () => {
    expect(
      wrongDirections(
        files({
          "cli/a.ts": 'import { x } from "../server/x.js";',
          "bundle/b.ts": 'import { z } from "zod";',
          "bench/engines/c.ts": 'import { x } from "../../server/x.js";\nimport { y } from "../y.js";',
        }),
        directions,
      ),
    ).toEqual([]);
  });

  it.each([
    ["server/predict.ts", 'import { InferenceSession } from "onnxruntime-node";'],
    ["server/server.ts", 'import type { Piscina } from "piscina";'],
    ["server/transport/http-call.ts", 'import { createPath } from "../path/predict.js";'],
    ["server/path/predict.ts", 'import { predictJson } from "../protocol/predict-json/protocol.js";'],
    ["server/predict.ts", 'import { Pool } from "./inference/pool.js";'],
    ["cli/main.ts", 'import { Server } from "../server/server.js";'],
  ])("a wrong owner: %s, %s", (path, text) => {
    expect(wrongOwners(files({ [path]: text }), owners)).toHaveLength(1);
  });

  it("an interface is free to all", () => {
    expect(
      wrongOwners(files({ "server/predict.ts": 'import type { Pool } from "./inference/pool.js";' }), owners),
    ).toEqual([]);
  });

  it("a dead source, and an import of nothing", () => {
    const some = files({ "a.ts": 'import "./b.js";\nimport "./gone.js";', "b.ts": "", "dead.ts": 'import "./a.js";' });
    expect(deadSources(some, ["a.ts"])).toEqual([
      "gone.ts is imported or an entry, but isn't there",
      "dead.ts is reached from no entry",
    ]);
  });

  it("a circle, also of types", () => {
    expect(
      importCircles(
        files({ "a.ts": 'import "./b.js";', "b.ts": 'import { c } from "./c.js";', "c.ts": 'export * from "./b.js";' }),
      ),
    ).toEqual(["b.ts -> c.ts -> b.ts"]);
    expect(importCircles(files({ "a.ts": 'import "./b.js";', "b.ts": 'import type { A } from "./a.js";' }))).toEqual([
      "a.ts -> b.ts -> a.ts",
    ]);
  });

  it.each([
    [machinePaths, ["", "home", "ann", "plumb"].join("/"), "HOME=/home/ada, see https://example.com/home/page"],
    [machinePaths, `"${["", "tmp", "x"].join("/")}"`, "RUN mkdir /app/tmp"],
    [registryHosts, `"${"resolved"}": "https://example.com"`, "the resolved path"],
    [registryHosts, `--${"index-url"} https://example.com`, "the index of a row"],
    [openEnds, `// ${"TO"}DO: later`, "// To do so would cost a copy."],
    [skippedTests, `it.${"only"}("x", () => {})`, "it.each([])"],
    [skippedTests, `@pytest.mark.${"skip"}`, "skipped = 0"],
    [skippedTests, `pytest.${"skip"}()`, `pytest.${"skip"}("needs another processor")`],
  ])("a forbidden line: %#", (rule, bad, good) => {
    expect(forbiddenLines(files({ "a.txt": `fine\n${bad}` }), [rule])).toEqual([`a.txt:2: ${rule.why}`]);
    expect(forbiddenLines(files({ "a.txt": good }), [rule])).toEqual([]);
  });

  it("a long file", () => {
    expect(longFiles(files({ "a.ts": "x\n".repeat(3), "b.ts": "x\n".repeat(2) }), 2)).toEqual([
      "a.ts has 3 lines, 2 is the most",
    ]);
  });

  it("a loose version", () => {
    const dependencies = {
      exact: "1.2.3",
      alias: "npm:other@3.0.6",
      scoped: "npm:@a/b@1.0.0-rc.1",
      caret: "^1.2.3",
      range: "1.x",
      tag: "latest",
      git: "github:a/b",
    };
    expect(looseVersions(JSON.stringify({ dependencies })).map((line) => line.split(":")[0])).toEqual([
      "caret",
      "range",
      "tag",
      "git",
    ]);
  });

  it("a loose lockfile", () => {
    const integrity = "sha512-x";
    const packages = {
      "": { dependencies: { a: "1.0.0" } },
      "node_modules/a": { integrity, dependencies: { b: "1.0.0" }, optionalDependencies: { gone: "1.0.0" } },
      "node_modules/a/node_modules/b": {},
      "node_modules/c": { integrity, resolved: "https://example.com/c.tgz" },
    };
    expect(looseLock(JSON.stringify({ packages }))).toEqual([
      "node_modules/a wants gone, which isn't locked: npm ci will refuse",
      "node_modules/a/node_modules/b has no hash",
      "node_modules/c has an address",
    ]);
  });

  it("a loose requirement", () => {
    const hash = `--hash=sha256:${"0".repeat(64)}`;
    expect(
      looseRequirements(
        `# pinned\na==1.0 \\\n    ${hash} \\\n    # via b\nb[x]==2.0 ; python_version > '3' \\\n    ${hash}\n`,
      ),
    ).toEqual([]);
    expect(looseRequirements(`a>=1.0 ${hash}\nb==1.0\n--find-links x\n`)).toHaveLength(3);
  });
});
