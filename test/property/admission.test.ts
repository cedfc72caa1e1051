/**
 * Goal: under any order of entering, leaving and sweeping, admission knows exactly who is in flight, in the order in
 * which they came.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Admission } from "../../server/admission.js";
import type { Call } from "../../server/path/call.js";
import { makeCall } from "../support/calls.js";

const step = fc.oneof(
  fc.record({ do: fc.constant("enter" as const), bytes: fc.nat(50), deadlineMs: fc.nat(100) }),
  fc.record({ do: fc.constant("leave" as const), which: fc.nat(1000) }),
  fc.record({ do: fc.constant("sweep" as const), nowMs: fc.nat(100) }),
);

test("the calls in flight are those that entered and haven't left", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 300 }),
      (steps, callsMax, bytesMax) => {
        const admission = new Admission({ callsMax, bytesMax });
        const everybody: Call[] = [];
        let inFlight: Call[] = [];
        const bytesOf = (calls: readonly Call[]) => calls.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
        for (const next of steps) {
          if (next.do === "enter") {
            const { call } = makeCall();
            call.bodyBytes = next.bytes;
            call.deadlineMs = next.deadlineMs;
            everybody.push(call);
            const fits = inFlight.length < callsMax && bytesOf(inFlight) + next.bytes <= bytesMax;
            if (fits) {
              admission.enter(call);
              inFlight.push(call);
            } else expect(() => admission.enter(call)).toThrow(expect.objectContaining({ code: "overloaded" }));
          } else if (next.do === "leave") {
            if (everybody.length === 0) continue;
            const call = everybody[next.which % everybody.length]!;
            admission.leave(call);
            inFlight = inFlight.filter((other) => other !== call);
          } else {
            const expired: Call[] = [];
            admission.sweep(next.nowMs, (call) => {
              expired.push(call);
              admission.leave(call);
            });
            expect(expired).toEqual(inFlight.filter(({ deadlineMs }) => deadlineMs <= next.nowMs));
            inFlight = inFlight.filter(({ deadlineMs }) => deadlineMs > next.nowMs);
          }
          const seen: Call[] = [];
          admission.sweep(Number.POSITIVE_INFINITY, (call) => seen.push(call));
          expect(seen.map((call) => everybody.indexOf(call))).toEqual(inFlight.map((call) => everybody.indexOf(call)));
          expect([admission.calls, admission.bytes]).toEqual([inFlight.length, bytesOf(inFlight)]);
        }
      },
    ),
  );
});
