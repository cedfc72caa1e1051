/**
 * Goal: a row has the same bits at every door of the server: in every protocol and form, of every bundle that is shipped
 * and of one with strings, dates, nulls and lists, over each member of HTTP.
 */

import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readBundle } from "../../bundle/index.js";
import { type Door, openDoors } from "../support/doors.js";
import { goldenRows, predictRows, type SentRow } from "../support/golden-rows.js";
import { GrpcClient } from "../support/grpc-client.js";
import { members } from "../support/http-members.js";
import { makeMixedBundle } from "../support/mixed-bundle.js";
import { callsOf } from "../support/row-tensors.js";
import { endServers, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const mixed = makeMixedBundle("mixed");
cpSync(models, mixed.store, { recursive: true });
const names = readdirSync(mixed.store);

afterAll(async () => {
  await endServers();
  mixed.remove();
});

// Of a server, one model answers at /invocations: another one on each.
const servers = members.map(({ name }, index) => ({ http: name, defaultModel: ["mixed", "breast-cancer"][index]! }));

describe.each(servers)("over $http, $defaultModel by default", ({ http, defaultModel }) => {
  let httpPort: number;
  let grpcPort: number;
  let grpc: GrpcClient;

  beforeAll(async () => {
    const flags = ["--http", http, "--default-model", defaultModel, "--grpc-port", "0", "--access-log", "off"];
    const server = await startServer(mixed.store, ...flags, "--drain-quiet-ms", "0");
    const ready = await server.untilLogged(({ message }) => message === "ready");
    httpPort = server.httpPort;
    grpcPort = ready.grpc_port as number;
    grpc = new GrpcClient(grpcPort);
  });

  afterAll(() => grpc.close());

  test.each(names)("golden rows of %s have the bits of /predict at every door", async (name) => {
    const bundle = await readBundle(join(mixed.store, name, "1"));
    const isDefault = name === defaultModel;
    const doors = await openDoors({ httpPort, grpcPort, grpc, bundle, isDefault });
    const golden = goldenRows(bundle);
    const calls = [...callsOf(bundle.rowSchema.features, golden), ...golden.slice(0, 12).map((one) => [one])];
    const check = async (door: Door, rows: readonly SentRow[], expected: unknown) => {
      expect(await door.answer(rows), `${door.name}, ${rows.length} rows`).toEqual(expected);
    };
    expect(doors.map((door) => door.name)).toHaveLength(isDefault ? 16 : 14);
    for (const rows of calls) {
      const expected = await predictRows(httpPort, name, rows);
      expect(expected.predictions).toHaveLength(rows.length);
      await Promise.all(doors.map((door) => check(door, rows, expected)));
    }
  });
});
