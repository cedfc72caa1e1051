/**
 * Goal: Plumb keeps every rule of the Open Inference Protocol, over both members of HTTP and over gRPC; what isn't held
 * to a rule is skipped for a reason that stands here.
 */

import { cpSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Result, Suite } from "../../conformance/suite.js";
import { members } from "../support/http-members.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { endServers, startServer } from "../support/server-process.js";

const shipped = fileURLToPath(new URL("../../models", import.meta.url));
const modelNames = [...readdirSync(shipped), "echo"];
let store: ModelStore;

beforeAll(async () => {
  // Beside what is shipped a model with features of each kind.
  store = await writeStore(echoModel());
  cpSync(shipped, store.directory, { recursive: true });
});

afterAll(async () => {
  await endServers();
  await store?.remove();
});

/** Why cases are skipped, and how many: a line goes when Plumb has what it names. */
const expectedSkips: Readonly<Record<string, number>> = {
  // Features are tensors of FP64, INT64, BOOL and BYTES.
  ...Object.fromEntries(
    ["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16"].map((datatype) => [noInput(datatype), 5]),
  ),
  [noInput("INT32")]: 6,
  [noInput("FP32")]: 6,
  [noInput("FP16")]: 2,
  "the model has more than one input, or sizes that bytes don't tell": 5,
  "the server doesn't list the extension trace": 1,
  "the server doesn't list the extension logging": 1,
  "the server doesn't list the extension parameters": 1,
  "the server doesn't list the extension schedule_policy": 2,
};

function noInput(datatype: string): string {
  return `the model has no input of ${datatype}`;
}

function countSkips(results: readonly Result[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of results) if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

describe.each(members.map(({ name }) => name))("--http %s", (member) => {
  test("passes every case, or skips it for a reason that is known", async () => {
    const flags = ["--http", member, "--grpc-port", "0", "--default-model", "demand", "--access-log", "off"];
    flags.push("--repository-control", "true");
    const server = await startServer(store.directory, ...flags);
    const { grpc_port: port } = await server.untilLogged(({ message }) => message === "ready");
    const suite = await Suite.open({
      url: `http://127.0.0.1:${server.httpPort}`,
      grpc: `127.0.0.1:${port}`,
      models: modelNames,
      mayUnload: true,
      // Not to be refused on a machine that is busy with other things.
      headers: { "x-timeout-ms": "60000" },
    });
    try {
      const results = await suite.run();
      expect(results.filter(({ verdict }) => verdict === "fail")).toEqual([]);
      expect(countSkips(results)).toEqual(expectedSkips);
    } finally {
      suite.close();
      await server.end();
    }
  });
});
