/** Goal: an order to all processes has one answer, and where they differ it says which process differs. */

import { expect, test } from "vitest";
import type { Answer } from "../../../../server/planes/messages.js";
import { orderAll } from "../../../../server/planes/shared-orders.js";

/** One process for each answer, in the order of places. */
const processes = (...answers: (Partial<Answer> | undefined)[]) =>
  answers.map((answer, index) => ({
    place: index + 1,
    ask: async () => (answer === undefined ? undefined : ({ id: 1, ...answer } as Answer)),
  }));
const done = (answer: object, status = 200): Partial<Answer> => ({
  kind: "ordered",
  status,
  json: JSON.stringify(answer),
});
const unknown: Partial<Answer> = { kind: "refused", code: "model_not_found", message: "there is no such version" };
const load = { kind: "load", model: "demand", version: 2 } as const;

test("an answer that all give is the answer", async () => {
  const answer = { model: "demand", version: 2, state: "ready" };
  expect(await orderAll(processes(done(answer), done(answer)), load)).toEqual({ status: 200, answer });
  await expect(orderAll(processes(unknown, unknown), load)).rejects.toMatchObject({
    code: "model_not_found",
    message: "there is no such version",
  });
  const failed = { error: { code: "failed", message: "demand/2 is failed: no", problems: ["no"] } };
  expect(await orderAll(processes(done(failed, 422), done(failed, 422)), load)).toEqual({
    status: 422,
    answer: failed,
  });
});

test("where one differs, its answer is the answer, with its name", async () => {
  await expect(orderAll(processes(done({}), unknown), load)).rejects.toMatchObject({
    code: "model_not_found",
    message: "serving process 2: there is no such version; it is done in serving process 1",
  });
  const failed = { error: { code: "failed", message: "demand/2 is failed: no", problems: ["no"] } };
  expect(await orderAll(processes(done(failed, 422), done({})), load)).toMatchObject({
    status: 422,
    answer: {
      error: { code: "failed", message: "serving process 1: demand/2 is failed: no; it is done in serving process 2" },
    },
  });
});

test("one that ends before it has answered is named, and none at all is said", async () => {
  await expect(orderAll(processes(done({}), undefined), load)).rejects.toMatchObject({
    code: "not_ready",
    message: expect.stringMatching(/^serving process 2: it ended before it had answered/),
  });
  await expect(orderAll([], load)).rejects.toMatchObject({ code: "not_ready" });
});

test("scans are put together: one may have found before what another finds now", async () => {
  const found = { model: "demand", version: 4, change: "found" };
  const report = { models: 1, versions: 3, changes: [], loading: [], passed_over: ["x"] };
  const { answer } = await orderAll(
    processes(
      done(report),
      done({ ...report, versions: 4, changes: [found], loading: [{ model: "demand", version: 4 }] }),
    ),
    { kind: "scan" },
  );
  expect(answer).toEqual({ ...report, versions: 4, changes: [found], loading: [{ model: "demand", version: 4 }] });
});

test("a version is ready in the index where it is in all", async () => {
  const entry = (version: string, state: string, reason = "") => ({ name: "demand", version, state, reason });
  const both = processes(
    done([entry("1", "READY"), entry("2", "READY")]),
    done([entry("1", "LOADING"), entry("2", "READY")]),
  );
  expect((await orderAll(both, { kind: "index", readyOnly: false })).answer).toEqual([
    entry("1", "LOADING", "in serving process 2: LOADING"),
    entry("2", "READY"),
  ]);
  const ready = processes(done([entry("1", "READY"), entry("2", "READY")]), done([entry("2", "READY")]));
  expect((await orderAll(ready, { kind: "index", readyOnly: true })).answer).toEqual([entry("2", "READY")]);
});
