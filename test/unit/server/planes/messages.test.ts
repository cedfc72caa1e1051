/** Goal: what crosses between processes is what it should be, and what isn't is refused with a sentence. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../../../server/config.js";
import { Channel, unsentMax } from "../../../../server/planes/channel.js";
import { readFromServing, readToServing } from "../../../../server/planes/messages.js";

function settings(...flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "plumb-messages-"));
  try {
    return readConfig(flags, {}, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const order = (config: object) => ({
  kind: "start",
  process: "2",
  config,
  machine: { processors: 0.5, memoryBytes: 1e9 },
  listensWhenReady: true,
  routes: { demand: { champion: 1, canary: { version: 2, share: 0.1 }, assign_by: { header: "x-user" } } },
  beatEveryMs: 1000,
});

test("an order carries every setting as it is", () => {
  for (const config of [
    settings(),
    { ...settings("--grpc-port", "0", "--processes", "auto", "--default-model", "x"), defaultModelIsLoose: true },
  ])
    expect(readToServing(structuredClone(order(config)))).toEqual(order(config));
});

test.each([
  [undefined, "Invalid input"],
  [{ kind: "elect" }, "kind"],
  [order({ ...settings(), httpPort: -1 }), "config.httpPort"],
  [{ ...order(settings()), more: 1 }, "more"],
  [{ kind: "scrape", id: 1.5 }, "id"],
  [{ kind: "order", id: 1, order: { kind: "load", model: "demand" } }, "order.version"],
  [{ kind: "routes", id: 1, routes: { demand: { champion: 0 } } }, "routes.demand.champion"],
])("a serving process refuses %#: it names %s", (message, named) => {
  expect(() => readToServing(message)).toThrow(named);
});

test.each([
  [{ kind: "beat", state: "asleep", connections: 0, callsInFlight: 0, stuckWorkers: 0 }, "state"],
  [{ kind: "refused", id: 1, code: "no_such_code", message: "" }, "code"],
  [{ kind: "metrics", id: 1, metrics: { text: "", merges: { a: "average" } } }, "metrics.merges.a"],
])("a primary refuses %#: it names %s", (message, named) => {
  expect(() => readFromServing(message)).toThrow(named);
});

test("an end that reads nothing is sent a bounded number of messages, and more once it reads", () => {
  const unread: (() => void)[] = [];
  const port = {
    on: () => {},
    send: (_message: object, _handle: undefined, _options: object, done: () => void) => unread.push(done),
  };
  const channel = new Channel(port, { read: readToServing, take: () => {}, onBad: () => {} });
  let done = 0;
  const send = () =>
    channel.send({ kind: "scrape", id: 1 }, undefined, () => {
      done++;
    });
  const sent = Array.from({ length: unsentMax + 10 }, send);
  expect(sent.filter(Boolean)).toHaveLength(unsentMax);
  // Who was refused is told so at once.
  expect(done).toBe(10);
  unread.shift()!();
  expect(send()).toBe(true);
  expect(send()).toBe(false);
});

test("a bad message is reported and dropped; those behind it are taken", () => {
  let arrive!: (message: unknown, handle: unknown) => void;
  const port = {
    on: (_event: string, take: typeof arrive) => {
      arrive = take;
    },
  };
  const taken: unknown[] = [];
  const bad: string[] = [];
  const onBad = ({ message }: Error) => bad.push(message);
  new Channel(port, { read: readToServing, take: (message, handle) => taken.push(message, handle), onBad });
  const socket = {};
  arrive({ kind: "nonsense" }, undefined);
  arrive({ kind: "socket", of: "http" }, socket);
  expect(taken).toEqual([{ kind: "socket", of: "http" }, socket]);
  expect(bad).toHaveLength(1);
});
