/**
 * Goal: what the server ran and how busy the machine was come from counters that are read twice, and a server without
 * them says nothing.
 */

import { afterEach, describe, expect, test } from "vitest";
import { createServerSide, difference, othersShare, parseBusy } from "../../../../loadtest/overload/server-side.js";
import { startTestServer } from "../../../support/test-server.js";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function sideOf(pages: readonly string[], pid?: number) {
  let read = 0;
  const server = await startTestServer((response) => response.end(pages[Math.min(read++, pages.length - 1)]));
  ends.push(server.end);
  return createServerSide({ host: "127.0.0.1", port: server.port, path: "/metrics" }, pid);
}

const page = (rows: number) =>
  `plumb_stage_seconds_count{stage="run"} 1\nplumb_batch_rows_sum{model="a",executor="pool"} ${rows}\nplumb_batch_rows_sum{model="a",executor="inline"} 2\nprocess_cpu_seconds_total 1.5\n`;

describe("the server's side", () => {
  test("adds up models and executors", async () => {
    expect(await (await sideOf([page(5)])).read()).toMatchObject({ rowsRun: 7, processorS: 1.5 });
  });

  test("waits until nothing runs any more", async () => {
    expect(await (await sideOf([page(5), page(6), page(9), page(9)])).read()).toMatchObject({ rowsRun: 11 });
  });

  test("of a process that is known takes its time from the system", async () => {
    const counts = await (await sideOf([page(5)], process.pid)).read();
    expect(counts!.processorS).not.toBe(1.5);
    expect(counts!.processorS).toBeGreaterThan(0);
  });

  test("is unknown where there are no metrics", async () => {
    expect(await (await sideOf(["hello"])).read()).toBeUndefined();
  });
});

test("between two readings is their difference, and others' share is of all processors", () => {
  const first = { rowsRun: 10, processorS: 1, othersS: 5, atS: 100 };
  const gone = difference(first, { rowsRun: 25, processorS: 3, othersS: 5.5, atS: 110 });
  expect(gone).toEqual({ rowsRun: 15, processorS: 2, othersS: 0.5, atS: 10 });
  expect(othersShare(gone)).toBeGreaterThan(0);
  expect(othersShare({ ...gone, othersS: -0.1 })).toBe(0);
  expect(othersShare({ ...gone, othersS: undefined })).toBeUndefined();
});

test("busy time is all but idle and waiting, with what other machines took", () => {
  expect(parseBusy("cpu  100 20 30 9999 888 4 5 60 50 0\ncpu0 1 2 3\n")).toBe(2.19);
});
