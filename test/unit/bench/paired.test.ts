/** Goal: every server is measured in every round, in turn first; and its own processor time is told by request. */

import { expect, test } from "vitest";
import { type Contender, pairedRounds } from "../../../bench/paired.js";
import { parseStat, processorSeconds } from "../../../loadtest/process-time.js";

test("each round begins with another server, and gives every server's load", async () => {
  const asked: string[] = [];
  const contender = (name: string): Contender => ({
    target: { host: "127.0.0.1", port: 1, path: `/${name}` },
    pid: process.pid,
    generator: {
      name: "made up",
      saturate: async ({ path }, connections, durationS) => {
        asked.push(path);
        return { requests: connections, requestsPerSecond: durationS, p50Ms: 1, p99Ms: 2, errors: 0 };
      },
    },
  });
  const contenders = { a: contender("a"), b: contender("b"), c: contender("c") };
  const rounds = await pairedRounds({ contenders, connections: 7, rounds: 3, durationS: 2 }, (load) => load);
  expect(asked.join("")).toBe("/a/b/c/b/c/a/c/a/b");
  expect(rounds).toHaveLength(3);
  for (const round of rounds)
    expect(round).toMatchObject({ a: { requests: 7, requestsPerSecond: 2 }, b: { requests: 7 }, c: { requests: 7 } });
});

test("a process's time is user and system, whatever its name", () => {
  expect(parseStat("12 (a (b) c) S 1 12 12 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 11 0 1 1 1")).toBe(3);
});

test("this process has taken time, and one that isn't there is not known", () => {
  const seconds = processorSeconds(process.pid);
  // Where there is no /proc, it isn't known either.
  expect(
    seconds === undefined || Math.abs(seconds - (process.cpuUsage().user + process.cpuUsage().system) / 1e6) < 1,
  ).toBe(true);
  expect(processorSeconds(2 ** 30)).toBeUndefined();
});
