/** Goal: what isn't switched on isn't loaded, so that a plain start doesn't pay for it and doesn't need it. */

import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { endServers, ServerProcess } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));

afterEach(endServers);

async function loaded(...flags: readonly string[]): Promise<string[]> {
  const server = new ServerProcess(["--models", models, ...flags], { before: ["loaded-modules.mjs"] });
  await server.untilServing();
  return server.log.flatMap(({ message, url }) => (message === "module" ? [url as string] : []));
}

const isOptional = (url: string) =>
  /\/transport\/grpc\/|\/typed-proto\/(?:grpc|descriptor)\.|^node:http2$|\/node_modules\/@grpc\//.test(url);

test("a plain start loads nothing of gRPC, and one with gRPC nothing but its own and Node's", async () => {
  const plain = await loaded();
  expect(plain.some((url) => url.endsWith("/server/server.js"))).toBe(true);
  expect(plain.filter(isOptional)).toEqual([]);
  const withGrpc = await loaded("--grpc-port", "0");
  expect(withGrpc.filter(isOptional)).toContain("node:http2");
  expect(withGrpc.filter((url) => url.includes("/node_modules/@grpc/"))).toEqual([]);
});
