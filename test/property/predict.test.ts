/**
 * Goal: however arrivals, runs, failures, expiries and departures interleave, each call is answered once or had left,
 * its record is read once, and its place is given back once.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ServeError } from "../../server/errors.js";
import { PredictionCache } from "../../server/path/cache.js";
import type { Call } from "../../server/path/call.js";
import { createPath } from "../../server/path/predict.js";
import type { Servable } from "../../server/versions/servable.js";
import type { MadeCall } from "../support/calls.js";
import { createHandPath } from "../support/hand-path.js";
import { linearRule } from "../support/tiny-bundle.js";
import { makeVersion } from "../support/versions.js";

/** Alone; with a fallback that can't answer for a `2`; with answers that are kept. */
const versions: Record<string, () => Servable> = {
  plain: () => makeVersion({ sloMs: 20 }),
  "with a constant": () => makeVersion({ sloMs: 20, fallback: { kind: "constant", prediction: 5 } }),
  "with a rule": () => makeVersion({ sloMs: 20, fallback: rule }),
  "with a cache": () => {
    const version = makeVersion({ sloMs: 20, fallback: rule });
    version.cache = new PredictionCache(version.contract, 1000);
    return version;
  },
};
const rule = linearRule({ feature: "x", coef: 1e308, intercept: 0 });

type Step =
  | { do: "send"; body: string; model: string | undefined; timeoutMs: number; isAnnounced: boolean }
  | { do: "run"; which: number; how: "ok" | "nan" | "failed" | "error" | "twice" }
  | { do: "leave" | "fail"; which: number }
  | { do: "sweep"; afterMs: number };

const which = fc.nat(1000);
const body = fc.constantFrom(
  '{"x": 1}',
  '{"x": 1}',
  '{"rows": [{"x": 1}, {"x": 2}]}',
  '{"partial": true, "rows": [{"x": 1}, {}]}',
  '{"partial": true, "rows": [{}]}',
  '{"x": "a"}',
  "{",
  "",
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      body,
      model: fc.constantFrom(undefined, undefined, "tiny", "none"),
      timeoutMs: fc.constantFrom(0, 0, 5, 50),
      isAnnounced: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      which,
      how: fc.constantFrom("ok", "ok", "nan", "failed", "error", "twice"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("leave" as const, "fail" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const), afterMs: fc.constantFrom(0, 3, 10, 200) }) },
);

test.each(Object.keys(versions))("each call of a version %s ends once, and gives back what it held", (which) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, callsMax) => {
      const version = versions[which]!();
      const { parts, send, submitted, observed, admission, clock } = createHandPath([version], {
        limits: { callsMax, bytesMax: 200 },
      });
      const made: MadeCall[] = [];
      const entered = new Map<Call, number>();
      const left = new Map<Call, number>();
      const counting = createPath({
        ...parts,
        admission: {
          enter(call: Call) {
            admission.enter(call);
            entered.set(call, (entered.get(call) ?? 0) + 1);
          },
          leave(call: Call) {
            if (call.admitted) left.set(call, (left.get(call) ?? 0) + 1);
            admission.leave(call);
          },
        },
      });
      const ran = (call: Call, how: Extract<Step, { do: "run" }>["how"]) => {
        if (how === "error") call.error ??= new ServeError("model_failed", "the worker died, twice");
        call.raw = [new Float32Array(call.rowCount).fill(how === "nan" ? Number.NaN : 1)];
        if (how === "failed") call.failedRows = [0];
        call.onRun(call);
        if (how === "twice") call.onRun(call);
      };
      for (const next of steps) {
        if (next.do === "send") {
          const { model, timeoutMs, isAnnounced } = next;
          const predict = (call: Call) => {
            if (!isAnnounced || counting.announce(call, call.bodyBytes) !== undefined) counting.predict(call);
          };
          made.push(
            send({ body: next.body, timeoutMs, ...(model !== undefined && { model }) }, { ...counting, predict }),
          );
        } else if (next.do === "run") {
          if (submitted.length > 0) ran(submitted.splice(next.which % submitted.length, 1)[0]!, next.how);
        } else if (next.do === "sweep") {
          clock.advance(next.afterMs);
          admission.sweep(clock.nowMs, (call) =>
            counting.fail(call, new ServeError("deadline_exceeded", "the deadline passed")),
          );
        } else if (made.length > 0) {
          const { call } = made[next.which % made.length]!;
          if (next.do === "leave") counting.abandon(call);
          else counting.fail(call, new Error("a fault"));
        }
        const inFlight = made.filter(({ call }) => call.admitted);
        expect(admission.calls).toBe(inFlight.length);
        expect(admission.calls).toBeLessThanOrEqual(callsMax);
        expect(admission.bytes).toBe(inFlight.reduce((sum, { call }) => sum + call.bodyBytes, 0));
        expect(inFlight.every(({ call }) => !call.finished)).toBe(true);
        // Each holds its version until its record was read.
        expect(version.references).toBe(inFlight.length);
      }
      for (const call of submitted.splice(0)) ran(call, "ok");

      expect([admission.calls, admission.bytes, version.references]).toEqual([0, 0, 0]);
      expect(observed).toHaveLength(made.length);
      expect(new Set(observed).size).toBe(made.length);
      for (const { call, sent } of made) {
        expect(call.finished).toBe(true);
        // Who left after the answer had it; who left before gets nothing.
        expect(sent.length).toBeLessThanOrEqual(1);
        if (sent.length === 0) expect(call.abandoned).toBe(true);
        expect(left.get(call) ?? 0).toBe(entered.get(call) ?? 0);
        expect(entered.get(call) ?? 0).toBeLessThanOrEqual(1);
        const [answer] = sent;
        if (answer) expect(answer.status).toBe(answer.error?.status ?? 200);
        expect(answer?.body.fallback?.reason).toBe(answer ? call.fallback : undefined);
      }
    }),
    { numRuns: 300 },
  );
});
