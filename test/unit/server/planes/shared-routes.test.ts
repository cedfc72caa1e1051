/** Goal: a change of routes is answered for what the serving processes have, whatever each of them does meanwhile. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Answer, Question } from "../../../../server/planes/messages.js";
import { type RoutedProcess, SharedRoutes } from "../../../../server/planes/shared-routes.js";
import type { Routes } from "../../../../server/routing/route.js";

/** A serving process that answers, or doesn't. */
class Puppet implements RoutedProcess {
  readonly place: number;
  isReady = true;
  ending: string | undefined;
  takes = true;
  fault: string | undefined;
  table: Routes = {};
  tables = 0;

  constructor(place: number) {
    this.place = place;
  }

  async ask(question: Question): Promise<Answer | undefined> {
    if (question.kind === "check") return { kind: "checked", id: 1, ...(this.fault && { fault: this.fault }) };
    if (question.kind !== "routes" || !this.takes) return undefined;
    this.table = question.routes;
    this.tables++;
    return { kind: "routed", id: 1 };
  }
}

const head = { who: "ada", why: "", ifMatch: "", ifNoneMatch: "" };
let folder: string;
let processes: Puppet[];
let routes: SharedRoutes;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumb-shared-routes-"));
  processes = [new Puppet(1), new Puppet(2)];
  routes = new SharedRoutes({
    file: join(folder, "routes.json"),
    processes: () => processes,
    isReady: (process) => (process as Puppet).isReady,
    log: () => {},
    wallClock: () => new Date(0),
  });
});
afterEach(async () => {
  routes.close();
  await rm(folder, { recursive: true });
});

test("all have the table once a change is answered, also one that starts", async () => {
  processes[1]!.isReady = false;
  await routes.put("demand", { champion: 2 }, head);
  expect(processes.map(({ table }) => table)).toEqual([{ demand: { champion: 2 } }, { demand: { champion: 2 } }]);
});

test("one that doesn't take it is named, and is sent it when it is heard again, once", async () => {
  processes[1]!.takes = false;
  await expect(routes.put("demand", { champion: 2 }, head)).rejects.toThrow(
    /^the change is written, but serving process 2 didn't take it within 2 s/,
  );
  expect(JSON.parse(await readFile(join(folder, "routes.json"), "utf8")).routes).toEqual({ demand: { champion: 2 } });
  processes[1]!.takes = true;
  for (let beat = 0; beat < 3; beat++) for (const process of processes) routes.heard(process);
  expect(processes.map(({ table, tables }) => [table.demand?.champion, tables])).toEqual([
    [2, 1],
    [2, 1],
  ]);
});

test("one that ended, or only starts, is waited for by nobody", async () => {
  for (const process of processes) process.takes = false;
  processes[0]!.ending = "SIGKILL";
  processes[1]!.isReady = false;
  await expect(routes.put("demand", { champion: 2 }, head)).resolves.toEqual({ champion: 2 });
});

test("a fault is said as it is where all have it, and with its process where one has it", async () => {
  processes[1]!.fault = "version 2 is loading";
  await expect(routes.put("demand", { champion: 2 }, head)).rejects.toThrow("serving process 2: version 2 is loading");
  processes[0]!.fault = "version 2 is loading";
  await expect(routes.put("demand", { champion: 2 }, head)).rejects.toThrow(/^version 2 is loading$/);
  expect(processes.map(({ tables }) => tables)).toEqual([0, 0]);
});

test("without a process that is ready nothing is changed", async () => {
  for (const process of processes) process.isReady = false;
  await expect(routes.put("demand", { champion: 2 }, head)).rejects.toThrow("no serving process is ready");
  expect(routes.routes).toEqual({});
});

test("a process that began with the table isn't sent it again", async () => {
  await routes.put("demand", { champion: 2 }, head);
  const young = new Puppet(2);
  routes.began(young);
  routes.heard(young);
  expect(young.tables).toBe(0);
});
