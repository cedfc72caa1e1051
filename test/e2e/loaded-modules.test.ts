/** Goal: what isn't switched on isn't loaded, so that a plain start doesn't pay for it and doesn't need it. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { endServers, ServerProcess } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));

afterEach(endServers);

/** Modules as the process loads them, and in place of a file of dist/plumb/ the sources that it is made of. */
async function loaded(...flags: readonly string[]): Promise<string[]> {
  const server = new ServerProcess(["--models", models, ...flags], { before: ["loaded-modules.mjs"] });
  await server.untilServing();
  const urls = server.log.flatMap(({ message, url }) => (message === "module" ? [url as string] : []));
  return urls.flatMap((url) => {
    if (!url.includes("/dist/plumb/") || !url.endsWith(".js")) return [url];
    const sources = [...readFileSync(fileURLToPath(url), "utf8").matchAll(/^\/\/ ((?:dist|node_modules)\/\S+)$/gm)];
    return sources.map((source) => source[1]!);
  });
}

const isOptional = (source: string) =>
  /\/planes\/|\/release\/mirror\/mirrors\.|\/transport\/grpc\/|\/typed-proto\/(?:grpc|descriptor)\.|^node:http2$|(^|\/)node_modules\/@grpc\//.test(
    source,
  );

test("a plain start loads nothing of gRPC, and one with gRPC nothing but its own and Node's", async () => {
  const plain = await loaded();
  expect(plain.some((source) => source.endsWith("/server/server.js"))).toBe(true);
  expect(plain.filter(isOptional)).toEqual([]);
  const withGrpc = await loaded("--grpc-port", "0");
  expect(withGrpc.filter(isOptional)).toContain("node:http2");
  expect(withGrpc.some((source) => source.endsWith("/transport/grpc/services.js"))).toBe(true);
  expect(withGrpc.filter((source) => source.includes("node_modules/@grpc/"))).toEqual([]);
});
