/**
 * Goal: the Dockerfile makes an image that a careful operator would take, and can't become another without this test
 * saying so.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configSchema, readConfig, withSizes } from "../../../server/config.js";
import { imageFaults, instructionsOf } from "../../support/dockerfile.js";

const text = readFileSync("Dockerfile", "utf8");
const instructions = instructionsOf(text);
const restOf = (word: string) =>
  instructions.filter((instruction) => instruction.word === word).map(({ rest }) => rest);

describe("the Dockerfile", () => {
  test("has no fault", () => expect(imageFaults(text)).toEqual([]));

  test("is of the Node and Debian that the documentation names", () => {
    expect(restOf("ARG")).toContain("BASE=node:24-trixie-slim");
    expect(readFileSync("docs/operations.md", "utf8")).toContain("Node 24 on Debian 13");
  });

  test("takes what the stage script makes, and installs by lockfile without scripts of packages", () => {
    expect(restOf("RUN")).toEqual(["npm ci --ignore-scripts", "npm run stage -- /stage"]);
    expect(restOf("COPY").at(-1)).toBe("--from=build /stage ./");
  });

  test("exposes the ports that the server takes by default", () => {
    const { httpPort, adminPort } = configSchema.parse({});
    expect(restOf("EXPOSE")).toEqual([`${httpPort} ${adminPort}`]);
  });

  test("gives the health check more time than its command takes to give up", () => {
    const seconds = Number(/--timeout=(\d+)s/.exec(restOf("HEALTHCHECK")[0]!)![1]);
    const givesUpAfterMs = Number(
      /timeoutMsDefault = ([\d_]+)/.exec(readFileSync("cli/health.ts", "utf8"))![1]!.replace("_", ""),
    );
    expect(seconds * 1000).toBeGreaterThan(2 * givesUpAfterMs);
  });

  test("says the package's own version", () => {
    const { version, license } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(restOf("LABEL").join()).toContain(`image.version="${version}"`);
    expect(restOf("LABEL").join()).toContain(`image.licenses="${license}"`);
  });
});

describe("the manifest for Kubernetes", () => {
  const manifest = readFileSync("deploy/kubernetes/plumb.yaml", "utf8");
  const environment = Object.fromEntries(
    [...manifest.matchAll(/name: (PLUMB_\w+), value: "([^"]*)"/g)].map(([, name, value]) => [name!, value!]),
  );
  const config = readConfig([], environment, "test");

  test("gives settings that the server takes, and as much time as a drain may need", () => {
    expect(Object.keys(environment).length).toBeGreaterThan(2);
    const graceMs = 1000 * Number(/terminationGracePeriodSeconds: (\d+)/.exec(manifest)![1]);
    expect(graceMs).toBeGreaterThan(config.drainDelayMs + config.drainTimeoutMs);
  });

  test("asks the ports and addresses that the server has, within memory that its bodies leave room in", () => {
    for (const port of [config.httpPort, config.adminPort]) expect(manifest).toContain(`containerPort: ${port} }`);
    expect(manifest).toMatch(/readinessProbe: .*\/health\/ready, port: http/);
    expect(manifest).toMatch(/livenessProbe: .*\/health\/live, port: http/);
    const memoryBytes = Number(/limits: { memory: (\d+)Mi }/.exec(manifest)![1]) * 1_048_576;
    const sized = withSizes(config, { processors: 64, memoryBytes });
    expect(2 * sized.bytesMax).toBeLessThan(memoryBytes / 2);
    const requested = Number(/requests: { cpu: "(\d+)"/.exec(manifest)![1]);
    expect(sized.workers).toBe(requested - 1);
  });

  test("is of this version's image, and leads callers to the public port alone", () => {
    expect(manifest).toContain(`image: plumb:${JSON.parse(readFileSync("package.json", "utf8")).version}\n`);
    const [, service] = manifest.split("kind: Service");
    expect(service).toContain(`ports: [{ name: http, port: ${config.httpPort}, targetPort: http }]`);
  });
});

describe("a fault is seen", () => {
  test.each<[RegExp, string, string]>([
    [/node:24-trixie-slim/, "node:latest", "names no version"],
    [/node:24-trixie-slim/, "node", "names no version"],
    [/^USER .*$/m, "", "its user is root"],
    [/^USER .*$/m, "USER root", "its user is root"],
    [/^USER .*$/m, "USER node", "its user is root"],
    [/^USER .*$/m, "USER 0:1000", "its user is root"],
    [/^USER .*$/m, "USER 1000:0", "its user is root"],
    [/^EXPOSE/m, "USER root\nEXPOSE", "its user is root"],
    [/--from=build/, "--chown=1000 --from=build", "its user owns the files"],
    [/^(USER .*)$/m, "$1\nCOPY --from=build /stage/bin bin", "its user owns the files"],
    [/^ENTRYPOINT .*$/m, "ENTRYPOINT node bin/plumb.js", "a shell stands between"],
    [/^CMD .*$/m, "CMD serve", "CMD needs a shell"],
    [/^STOPSIGNAL .*$/m, "STOPSIGNAL SIGKILL", "another signal"],
    [/^HEALTHCHECK .*$/m, "HEALTHCHECK NONE", "nobody asks"],
    [/ CMD \["node".*"health"\]/, " CMD node bin/plumb.js health", "nobody asks"],
    [/--timeout=5s /, "", "has no --timeout"],
    [/NODE_ENV=production/, "NODE_ENV=development", "NODE_ENV"],
    [/^USER/m, "ENV API_TOKEN=x\nUSER", "carries a secret"],
    [/^USER/m, "ARG DB_PASSWORD\nUSER", "carries a secret"],
    [/^USER/m, "RUN npm install left-pad\nUSER", "runs something"],
    [/^USER/m, "COPY scripts scripts\nUSER", "past the stage"],
    [/COPY \. \./, "ADD . .", "ADD unpacks"],
    [/RUN npm ci/, "RUN apt-get update && npm ci", "no lockfile holds"],
  ])("%s -> %j", (what, instead, fault) => {
    const broken = text.replace(what, instead);
    expect(broken).not.toBe(text);
    expect(imageFaults(broken).join("; ")).toContain(fault);
  });

  test("also that of one stage", () => {
    expect(imageFaults(text.replace(/^FROM [\s\S]*^FROM/m, "FROM"))).toContain(
      "it is made in one stage, with what only the build needs",
    );
  });
});

describe(".dockerignore", () => {
  const lines = readFileSync(".dockerignore", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  test("shuts everything out, and lets in by name", () => {
    expect(lines[0]).toBe("*");
    expect(lines.slice(1).every((line) => /^![\w.-]+$/.test(line))).toBe(true);
  });

  test("lets in what is compiled and staged, and nothing that holds more", () => {
    const compiled = (JSON.parse(readFileSync("tsconfig.json", "utf8")).include as string[]).filter(
      (folder) => !["loadtest", "bench", "conformance"].includes(folder),
    );
    const staged = JSON.parse(/own = (\[.*\])/.exec(readFileSync("scripts/image/stage.mjs", "utf8"))![1]!) as string[];
    const built = "dist";
    const forBuild = ["package-lock.json", "tsconfig.json", ".npmrc", "scripts", "kernel"];
    expect(new Set(lines.slice(1).map((line) => line.slice(1)))).toEqual(
      new Set([
        ...compiled,
        ...staged.map((path) => path.split("/")[0]!).filter((path) => path !== built),
        ...forBuild,
      ]),
    );
  });
});
