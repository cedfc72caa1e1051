/** Goal: no more calls and bytes in flight than were allowed, and a list of them that is right whoever leaves first. */

import { describe, expect, test } from "vitest";
import { Admission } from "../../../server/admission.js";
import type { Call } from "../../../server/path/call.js";
import { makeCall } from "../../support/calls.js";

function callOf(bodyBytes = 10, deadlineMs = Number.POSITIVE_INFINITY): Call {
  const { call } = makeCall();
  call.bodyBytes = bodyBytes;
  call.deadlineMs = deadlineMs;
  return call;
}
const inFlight = (admission: Admission): Call[] => {
  const calls: Call[] = [];
  admission.sweep(Number.POSITIVE_INFINITY, (call) => calls.push(call));
  return calls;
};

describe("a call", () => {
  test("enters and leaves, with its bytes", () => {
    const admission = new Admission({ callsMax: 10, bytesMax: 1000 });
    const [a, b] = [callOf(30), callOf(12)];
    admission.enter(a);
    admission.enter(b);
    expect([admission.calls, admission.bytes]).toEqual([2, 42]);
    admission.leave(a);
    expect([admission.calls, admission.bytes]).toEqual([1, 12]);
    expect(inFlight(admission)).toEqual([b]);
  });

  test("leaves once, however often it says so, and not at all if it never entered", () => {
    const admission = new Admission({ callsMax: 10, bytesMax: 1000 });
    const [inside, outside] = [callOf(), callOf()];
    admission.enter(inside);
    admission.leave(outside);
    expect(admission.calls).toBe(1);
    admission.leave(inside);
    admission.leave(inside);
    expect([admission.calls, admission.bytes]).toEqual([0, 0]);
  });

  test("is refused when too many are in flight, and taken again once one has left", () => {
    const admission = new Admission({ callsMax: 2, bytesMax: 1000 });
    const first = callOf();
    admission.enter(first);
    admission.enter(callOf());
    const third = callOf();
    expect(() => admission.enter(third)).toThrow(
      expect.objectContaining({ code: "overloaded", message: expect.stringContaining("2 calls") }),
    );
    expect(third.admitted).toBe(false);
    admission.leave(third);
    expect(admission.calls).toBe(2);
    admission.leave(first);
    admission.enter(third);
    expect(admission.calls).toBe(2);
  });

  test("is refused when too many bytes are in flight", () => {
    const admission = new Admission({ callsMax: 10, bytesMax: 100 });
    admission.enter(callOf(60));
    expect(() => admission.enter(callOf(41))).toThrow(
      expect.objectContaining({ code: "overloaded", message: expect.stringContaining("60 bytes") }),
    );
    admission.enter(callOf(40));
    expect(admission.bytes).toBe(100);
  });
});

describe("the sweep", () => {
  test("finds the calls whose deadline has passed, oldest first, and no others", () => {
    const admission = new Admission({ callsMax: 10, bytesMax: 1000 });
    const calls = [callOf(1, 30), callOf(1, 10), callOf(1, 20), callOf(1)];
    for (const call of calls) admission.enter(call);
    const expired: Call[] = [];
    admission.sweep(20, (call) => {
      expired.push(call);
      admission.leave(call);
    });
    expect(expired).toEqual([calls[1], calls[2]]);
    expect(inFlight(admission)).toEqual([calls[0], calls[3]]);
  });

  test("goes on when everybody leaves on being found", () => {
    const admission = new Admission({ callsMax: 10, bytesMax: 1000 });
    for (let i = 0; i < 10; i++) admission.enter(callOf(1, 5));
    admission.sweep(5, (call) => admission.leave(call));
    expect(admission.calls).toBe(0);
  });
});

describe("waiting until nobody is in flight", () => {
  test("ends at once when nobody is", async () => {
    await new Admission({ callsMax: 1, bytesMax: 1 }).empty();
  });

  test("ends with the last one", async () => {
    const admission = new Admission({ callsMax: 10, bytesMax: 1000 });
    const [a, b] = [callOf(), callOf()];
    admission.enter(a);
    admission.enter(b);
    let isEmpty = false;
    const empty = admission.empty().then(() => {
      isEmpty = true;
    });
    admission.leave(a);
    await Promise.resolve();
    expect(isEmpty).toBe(false);
    admission.leave(b);
    await empty;
    expect(isEmpty).toBe(true);
  });
});
