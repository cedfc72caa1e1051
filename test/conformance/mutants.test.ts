/**
 * Goal: every case of the suite can pass and can fail. A server that is right passes all; for each case there is one that
 * is wrong in one thing, and it fails that case and no other.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Case } from "../../conformance/case.js";
import { allCases } from "../../conformance/cases/all.js";
import { type Result, Suite } from "../../conformance/suite.js";
import { grpcFamilies, grpcMutants } from "./mutants-grpc.js";
import { httpFamilies, httpMutants } from "./mutants-http.js";
import { models } from "./reference/model.js";
import { type Mutant, ReferenceServer } from "./reference/server.js";

let server: ReferenceServer;
let suite: Suite;

beforeAll(async () => {
  server = await ReferenceServer.start();
  const names = models.map(({ name }) => name);
  suite = await Suite.open({ url: server.url, grpc: server.grpcAddress, models: names, mayUnload: true });
});

afterAll(async () => {
  suite?.close();
  await server?.end();
});

const isGrpc = ({ id }: Pick<Case, "id">) => id.startsWith("grpc.");

function mutantOf({ id }: Case): Mutant | undefined {
  const fits = ([family]: readonly [RegExp, unknown]) => family.test(id);
  if (isGrpc({ id })) {
    const grpc = grpcMutants[id] ?? grpcFamilies.find(fits)?.[1];
    return grpc && { caseId: id, grpc };
  }
  const http = httpMutants[id] ?? httpFamilies.find(fits)?.[1];
  return http && { caseId: id, http };
}

const wrongOf = (results: readonly Result[]) =>
  results
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ id, verdict, expected, came, reason }) => `${id} ${verdict}: ${reason ?? `${expected}, came ${came}`}`);

test("ids are stable words, each once, and each case has a rule and an address", () => {
  const ids = allCases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThanOrEqual(150);
  for (const { id, rule, source } of allCases) {
    expect(id).toMatch(/^(http|grpc)\.[a-z]+\.[\w-]+$/);
    expect(rule, id).toMatch(/^[A-Z].{20,}\.$/s);
    expect(source, id).toMatch(/^https:\/\/\S+$/);
  }
});

test("a server that is right passes every case", async () => {
  server.become([]);
  expect(wrongOf(await suite.run())).toEqual([]);
});

test("each case has a mutant, and no mutant is without a case", () => {
  expect(allCases.filter((each) => mutantOf(each) === undefined).map(({ id }) => id)).toEqual([]);
  const ids = new Set(allCases.map(({ id }) => id));
  expect([...Object.keys(httpMutants), ...Object.keys(grpcMutants)].filter((id) => !ids.has(id))).toEqual([]);
});

/** Of each case: the runs in which its mutant is there. None's are all among another's. */
const runCount = 11;
const runsOf = Array.from({ length: 2 ** runCount }, (_, code) =>
  Array.from({ length: runCount }, (_, run) => run).filter((run) => code & (1 << run)),
).filter((runs) => runs.length === 5);

/**
 * Of any two cases there is a run with the mutant of the one and without that of the other: if it failed the other case,
 * that run would show it. So a few runs do for what takes one for each mutant otherwise.
 */
test("each mutant fails its case, and no other", { timeout: 180_000 }, async () => {
  expect(runsOf.length).toBeGreaterThan(allCases.length);
  for (let run = 0; run < runCount; run++) {
    const wrong = allCases.filter((_, index) => runsOf[index]!.includes(run));
    server.become(wrong.map((each) => mutantOf(each)!));
    const results = await suite.run();
    const failed = new Set(results.filter(({ verdict }) => verdict === "fail").map(({ id }) => id));
    expect(wrong.map(({ id }) => id).filter((id) => !failed.has(id))).toEqual([]);
    const others = results.filter(({ id }) => !wrong.some((each) => each.id === id));
    expect(wrongOf(others)).toEqual([]);
  }
});
