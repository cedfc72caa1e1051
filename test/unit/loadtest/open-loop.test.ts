/** Goal: no coordinated omission. Requests leave when planned, and every wait counts. */

import { describe, expect, test } from "vitest";
import type { Clock } from "../../../loadtest/clock.js";
import type { Transport } from "../../../loadtest/connection-pool.js";
import { runOpenLoop } from "../../../loadtest/open-loop.js";
import { RequestLog } from "../../../loadtest/request-log.js";
import type { Planned } from "../../../loadtest/schedule.js";
import type { Outcome } from "../../../loadtest/tally.js";
import { createFakeClock } from "../../support/fake-clock.js";

const everyTenMs = (count: number): Planned[] =>
  Array.from({ length: count }, (_, i) => ({ atMs: i * 10, rowCount: 1 }));
const requestFor = (rowCount: number) => Buffer.from(String(rowCount));
const run = (
  plan: readonly Planned[],
  transport: Transport,
  clock: Clock,
  drainMs: number,
  log = new RequestLog(plan),
) => runOpenLoop({ plan, requestFor, transport, clock, drainMs, log });

/** A transport whose replies are given by hand. */
function createHandWorkedTransport() {
  const open: ((outcome: Outcome) => void)[] = [];
  const sent: string[] = [];
  const transport: Transport = {
    send: (request, done) => {
      sent.push(request.toString());
      open.push(done);
    },
    close: () => {},
  };
  return { transport, open, sent, answer: (outcome: Outcome = { status: 200 }) => open.shift()!(outcome) };
}

describe("the open loop", () => {
  test("sends at the planned times, whether or not anything is answered", async () => {
    const clock = createFakeClock();
    const { transport, sent, answer } = createHandWorkedTransport();
    const running = run(everyTenMs(5), transport, clock, 100);
    const sentBy = [0, 9, 10, 25, 40].map((atMs) => {
      clock.moveTo(1000 + atMs);
      return sent.length;
    });
    expect(sentBy).toEqual([1, 1, 2, 3, 5]);
    for (let i = 0; i < 5; i++) answer();
    expect((await running).plain.ok).toBe(5);
  });

  test("counts latency from the planned time: a pause of one second is in every request planned during it", async () => {
    const clock = createFakeClock();
    const { transport, open, answer } = createHandWorkedTransport();
    const running = run(everyTenMs(100), transport, clock, 5000);
    clock.moveTo(2000); // the server stalls through the whole plan ...
    while (open.length > 0) answer(); // ... and then answers all at once
    const { plain } = await running;
    expect(plain.latencyMs!.max).toBeCloseTo(1000, -1);
    expect(plain.latencyMs!.p99).toBeCloseTo(990, -1);
    expect(plain.latencyMs!.p50).toBeCloseTo(500, -1);
  });

  test("counts a late generator into the latency and says how late it was", async () => {
    const clock = createFakeClock();
    const { transport, open, answer } = createHandWorkedTransport();
    const late = { ...clock, at: (timeMs: number, callback: () => void) => clock.at(timeMs + 7, callback) };
    const running = run([{ atMs: 0, rowCount: 1 }], transport, late, 100);
    clock.moveTo(1007);
    while (open.length > 0) answer();
    const { plain, sendLagMs } = await running;
    expect(plain.latencyMs!.p50).toBeCloseTo(7, 1);
    expect(sendLagMs.max).toBeCloseTo(7, 1);
  });

  test("tallies large requests apart", async () => {
    const clock = createFakeClock();
    const { transport, sent, answer } = createHandWorkedTransport();
    const plan = [
      { atMs: 0, rowCount: 1 },
      { atMs: 5, rowCount: 1000 },
    ];
    const running = run(plan, transport, clock, 100);
    clock.moveTo(1001);
    answer();
    clock.moveTo(1055);
    answer({ status: 503 });
    const { plain, big } = await running;
    expect(sent).toEqual(["1", "1000"]);
    expect(plain).toMatchObject({ requests: 1, ok: 1, errors: {} });
    expect(big).toMatchObject({ requests: 1, ok: 0, errors: { "status 503": 1 } });
  });

  test("ends a bounded time after the last planned one, and what is open then is unanswered", async () => {
    const clock = createFakeClock();
    const { transport, answer } = createHandWorkedTransport();
    const running = run(everyTenMs(3), transport, clock, 500);
    clock.moveTo(1030);
    answer();
    clock.moveTo(1520);
    const { plain } = await running;
    expect(plain).toMatchObject({ requests: 3, ok: 1, errors: { unanswered: 2 } });
    expect(plain.latencyMs!.max).toBeCloseTo(510, -1);
    answer(); // too late to change anything
    expect(plain.requests).toBe(3);
  });

  test("ends at once where the transport fails at once, and where there's nothing to send", async () => {
    const clock = createFakeClock();
    const transport: Transport = { send: (_, done) => done({ failure: "ECONNREFUSED" }), close: () => {} };
    const running = run(everyTenMs(2), transport, clock, 500);
    clock.moveTo(1010);
    expect((await running).plain.errors).toEqual({ ECONNREFUSED: 2 });
    expect((await run([], transport, clock, 500)).plain.requests).toBe(0);
  });
});
