/** Goal: one request open on each connection at any time, and an end whatever the server does. */

import { describe, expect, test } from "vitest";
import { runClosedLoop } from "../../../loadtest/closed-loop.js";
import type { Transport } from "../../../loadtest/connection-pool.js";
import type { Outcome } from "../../../loadtest/tally.js";
import { createFakeClock } from "../../support/fake-clock.js";

function start(connections: number) {
  const clock = createFakeClock();
  const open: ((outcome: Outcome) => void)[] = [];
  const sent: string[] = [];
  const transport: Transport = {
    send: (request, done) => {
      sent.push(request.toString());
      open.push(done);
    },
    close: () => {},
  };
  const requests = ["a", "b", "c"].map((text) => Buffer.from(text));
  const running = runClosedLoop({ requests, connections, durationS: 1, drainMs: 200 }, transport, clock);
  return { clock, open, sent, running };
}

describe("the closed loop", () => {
  test("sends the next request when one is answered, in turn", async () => {
    const { clock, open, sent, running } = start(2);
    expect(sent).toEqual(["a", "b"]);
    for (let i = 1; i <= 10; i++) {
      clock.moveTo(1000 + i * 100);
      open.shift()!({ status: 200 });
    }
    expect(sent).toEqual([..."abcabcabcab"]);
    clock.moveTo(2050);
    open.shift()!({ status: 200 });
    const { summary, okPerSecond } = await running;
    expect(summary).toMatchObject({ requests: 11, ok: 11, errors: {} });
    expect(okPerSecond).toBeCloseTo(11 / 1.05, 6);
  });

  test("lets a refused connection pause before it asks again, or stops it where the time is over", async () => {
    const { clock, open, sent, running } = start(1);
    open.shift()!({ status: 503 });
    expect(sent).toEqual(["a"]);
    clock.moveTo(1001);
    expect(sent).toEqual(["a", "b"]);
    clock.moveTo(1999.5);
    open.shift()!({ status: 503 });
    clock.moveTo(2001);
    expect((await running).summary.errors).toEqual({ "status 503": 2 });
  });

  test("ends where every connection has failed", async () => {
    const { open, running } = start(3);
    while (open.length > 0) open.shift()!({ failure: "ECONNRESET" });
    expect((await running).summary.errors).toEqual({ ECONNRESET: 3 });
  });

  test("ends a bounded time after its duration where nothing is answered", async () => {
    const { clock, running } = start(2);
    clock.moveTo(2200);
    const { summary, okPerSecond } = await running;
    expect(summary.errors).toEqual({ unanswered: 2 });
    expect(okPerSecond).toBe(0);
  });
});
