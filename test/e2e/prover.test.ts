/** Goal: the time that a proof may take is the proof's alone, and a child that never begins doesn't hold others up. */

import { resolve } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { Prover } from "../../server/versions/prover.js";

const timeoutMs = 20_000;
let prover: Prover;

afterEach(() => {
  vi.useRealTimers();
  prover.close();
});

/** Begins a proof by a child that was started and can't have run yet, under a clock that moves by hand. */
async function begin(): Promise<{ proof: ReturnType<Prover["prove"]> }> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  prover = new Prover({ engine: "auto", timeoutMs });
  const proof = prover.prove(resolve("models/demand/1"));
  await Promise.resolve();
  expect(prover.pid).toBeGreaterThan(0);
  return { proof };
}

test("the start of the process doesn't count", async () => {
  const { proof } = await begin();
  vi.advanceTimersByTime(2 * timeoutMs);
  expect(await proof).toMatchObject({ digest: expect.any(String), rowMs: expect.any(Number) });
});

test("a process that doesn't begin is given up", async () => {
  const { proof } = await begin();
  process.kill(prover.pid!, "SIGSTOP");
  vi.advanceTimersByTime(60_000);
  expect(await proof).toEqual({
    fault: "failed",
    problems: ["the process that proves it didn't begin within 60000 ms"],
  });
});
