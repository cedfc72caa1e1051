/**
 * Goal: a call that can't be in time costs as little as can be: it is refused before its rows are decoded, or before
 * its body is read.
 */

import { describe, expect, test, vi } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { PredictionCache } from "../../../../server/path/cache.js";
import type { Call } from "../../../../server/path/call.js";
import { createPath, type PathParts, type PredictPath } from "../../../../server/path/predict.js";
import { protocolState } from "../../../../server/path/serving-version.js";
import { predictJson } from "../../../../server/protocol/predict-json/protocol.js";
import type { Version } from "../../../../server/versions/version.js";
import { makeCall } from "../../../support/calls.js";
import { createHandPath } from "../../../support/hand-path.js";
import { createRig } from "../../../support/scheduler-rig.js";
import { makeVersion, type VersionOptions } from "../../../support/versions.js";

const overloaded = new ServeError("overloaded", "others wait");
/** What a body of one row holds, bytes. */
const rowBytes = 10;
const largeBytes = 40_000;
const garbage = "{".repeat(rowBytes);

/** @returns Whether the call is answered before its body is read. */
const refuseUnread = (path: PredictPath, call: Call, bodyBytes: number) => path.announce(call, bodyBytes) === undefined;

/** A path whose scheduler refuses everything that it is asked about; of the version, the length of a row is known. */
function createRefusing(options: VersionOptions = {}, change: (version: Version) => void = () => {}) {
  const version = makeVersion(options);
  protocolState(version, predictJson).rowBytes.learn(rowBytes, 1);
  change(version);
  const rig = createHandPath([version]);
  const refusal = vi.fn<PathParts["scheduler"]["refusal"]>(() => overloaded);
  const parts = { ...rig.parts, scheduler: { ...rig.parts.scheduler, isRefusing: () => true, refusal } };
  const path = createPath(parts);
  return { ...rig, version, refusal, parts, path, send: (options = {}) => rig.send(options, path) };
}

describe("a call that is refused early", () => {
  test.each([
    { size: "small", body: garbage },
    { size: "large", body: "{".repeat(largeBytes) },
  ])("isn't decoded: a $size body of garbage gets 503, not 400", ({ body }) => {
    const { send, turns, submitted, observed, admission } = createRefusing();
    const { call, sent } = send({ body });
    expect(sent).toMatchObject([{ status: 503, error: overloaded }]);
    expect([call.decodedMs, submitted.length, turns.waiting]).toEqual([0, 0, 0]);
    expect(observed).toEqual([call]);
    expect([admission.calls, admission.bytes]).toEqual([0, 0]);
  });

  test.each([
    { name: "no cache and no fallback", options: {}, change: () => {}, status: 503 },
    {
      name: "a fallback, which may answer for it",
      options: { fallback: { kind: "constant", prediction: 1 } },
      change: () => {},
      status: 400,
    },
    {
      name: "a cache, which may know it",
      options: {},
      change: (version: Version) => {
        version.cache = new PredictionCache(version, 1_000_000);
      },
      status: 400,
    },
  ])("is one of a version with $name: $status", ({ options, change, status }) => {
    const { send, refusal, admission } = createRefusing(options, change);
    expect(send({ body: garbage }).sent).toMatchObject([{ status }]);
    expect(refusal).toHaveBeenCalledTimes(status === 503 ? 1 : 0);
    expect(admission.calls).toBe(0);
  });

  test("is none while it isn't known what a row of the version holds", () => {
    const rig = createHandPath([makeVersion()]);
    const refusal = vi.fn(() => overloaded);
    const { sent } = rig.send(
      { body: garbage },
      createPath({ ...rig.parts, scheduler: { ...rig.parts.scheduler, isRefusing: () => true, refusal } }),
    );
    expect(sent).toMatchObject([{ status: 400, error: { code: "malformed_body" } }]);
    expect(refusal).not.toHaveBeenCalled();
  });

  test("isn't asked for while nobody is refused, unless it is large: it is decoded", () => {
    const { parts, refusal } = createRefusing();
    const calm = createPath({ ...parts, scheduler: { ...parts.scheduler, isRefusing: () => false } });
    expect(refuseUnread(calm, makeCall().call, rowBytes)).toBe(false);
    expect(refusal).not.toHaveBeenCalled();
    expect(refuseUnread(calm, makeCall().call, largeBytes)).toBe(true);
  });

  test("is none where the scheduler lets it: it is decoded", () => {
    const { send, refusal } = createRefusing();
    refusal.mockReturnValue(undefined);
    expect(send({ body: garbage }).sent).toMatchObject([{ status: 400 }]);
  });

  test.each([
    { name: "the objective and the time of the most rows that it may hold", timeoutMs: 0, timeMs: 200 + 0.1 * 150 },
    { name: "the caller's own time", timeoutMs: 30, timeMs: 30 },
  ])("is judged by the fewest rows that it may hold, and $name", ({ timeoutMs, timeMs }) => {
    const { send, refusal, version } = createRefusing({ sloMs: 200 });
    const { call } = send({ body: "{".repeat(100 * rowBytes), timeoutMs });
    expect(refusal.mock.calls).toEqual([[version, 66, call.arrivedMs + timeMs]]);
  });

  test("comes after admission and the choice of a version: their errors are told first", () => {
    const { send, refusal } = createRefusing();
    expect(send({ body: garbage, model: "nope" }).sent).toMatchObject([{ status: 404 }]);
    expect(refusal).not.toHaveBeenCalled();
  });
});

describe("before the body of a call is read", () => {
  test("a large one that can't be in time is answered", () => {
    const { path, refusal, version, observed, admission } = createRefusing();
    const { call, sent } = makeCall();
    expect(refuseUnread(path, call, largeBytes)).toBe(true);
    expect(sent).toMatchObject([{ status: 503, error: overloaded, requestId: "r1" }]);
    expect(refusal.mock.calls[0]!.slice(0, 2)).toEqual([version, Math.floor(largeBytes / rowBytes / 1.5)]);
    expect(call).toMatchObject({ version, finished: true });
    expect(observed).toEqual([call]);
    expect([admission.calls, admission.bytes]).toEqual([0, 0]);
  });

  test.each([
    { bytes: -1, what: "of no announced length" },
    { bytes: 0, what: "of no bytes" },
  ])("one $what goes on, whatever the scheduler would say", ({ bytes }) => {
    const { path, refusal, observed } = createRefusing();
    const { call, sent } = makeCall();
    expect(refuseUnread(path, call, bytes)).toBe(false);
    expect([sent, observed]).toEqual([[], []]);
    expect([call.finished, refusal.mock.calls.length]).toEqual([false, 0]);
  });

  test("a small one that can't be in time is answered too", () => {
    const { path, refusal } = createRefusing();
    const { call, sent } = makeCall();
    expect(refuseUnread(path, call, rowBytes)).toBe(true);
    expect(sent).toMatchObject([{ status: 503, error: overloaded }]);
    expect(refusal).toHaveBeenCalledOnce();
  });

  test("a small one to an unknown model goes on: its error comes once its body is there", () => {
    const { call, sent } = makeCall({ model: "nope" });
    expect(refuseUnread(createRefusing().path, call, rowBytes)).toBe(false);
    expect(sent).toEqual([]);
  });

  test("a large one that may be in time goes on", () => {
    const { path, refusal } = createRefusing();
    refusal.mockReturnValue(undefined);
    const { call, sent } = makeCall();
    expect(refuseUnread(path, call, largeBytes)).toBe(false);
    expect([sent, call.finished]).toEqual([[], false]);
  });

  test.each([
    { name: "an unknown model", call: { model: "nope" }, options: {}, status: 404, code: "model_not_found" },
    { name: "an unknown version", call: { version: "9" }, options: {}, status: 404, code: "model_not_found" },
    {
      name: "a version that is still proved",
      call: {},
      options: { state: "proving" as const },
      status: 503,
      code: "not_ready",
    },
  ])("a large one to $name has its error at once", ({ call: asked, options, status, code }) => {
    const { path, observed, admission } = createRefusing(options);
    const { call, sent } = makeCall(asked);
    expect(refuseUnread(path, call, largeBytes)).toBe(true);
    expect(sent).toMatchObject([{ status, error: { code } }]);
    expect(observed).toEqual([call]);
    expect(admission.calls).toBe(0);
  });

  test("one that is too large for its version goes on to its 413: to try again later wouldn't help", () => {
    const { path } = createRefusing();
    const { call, sent } = makeCall();
    expect(refuseUnread(path, call, 1_048_577)).toBe(false);
    expect(sent).toEqual([]);
  });
});

describe("the rows of a large body count as waiting while it is decoded, and no longer", () => {
  const rowsOf = (count: number) => JSON.stringify({ rows: new Array(count).fill({ x: 1 }) });
  const large = rowsOf(10_000);

  function begin(body: string, options = {}, submit?: PathParts["scheduler"]["submit"]) {
    const scheduled = createRig({ execution: "pool" });
    const [version] = scheduled.versions;
    protocolState(version!, predictJson).rowBytes.learn(rowBytes, 1);
    const rig = createHandPath([version!]);
    const { scheduler } = scheduled;
    if (submit) vi.spyOn(scheduler, "submit").mockImplementation(submit);
    const path = createPath({ ...rig.parts, scheduler });
    const made = rig.send({ body, ...options }, path);
    const queue = scheduled.lanes[0]!.large;
    return { ...rig, ...made, path, queue, expectedAtFirst: queue.expectedRows, scheduler };
  }
  type Begun = ReturnType<typeof begin>;
  const gaveUp = new ServeError("deadline_exceeded", "the deadline passed");

  test.each<{
    how: string;
    body?: string;
    end: (begun: Begun) => void;
    status: number | undefined;
    queuedRows?: number;
  }>([
    { how: "is queued", end: ({ turns }) => turns.untilQuiet(), status: undefined, queuedRows: 10_000 },
    { how: "is no JSON", body: large.slice(0, -1), end: ({ turns }) => turns.untilQuiet(), status: 400 },
    {
      how: "has a bad row",
      body: large.replace('"x":1', '"x":"a"'),
      end: ({ turns }) => turns.untilQuiet(),
      status: 422,
    },
    { how: "has too many rows", body: rowsOf(10_001), end: ({ turns }) => turns.untilQuiet(), status: 422 },
    { how: "loses its caller", end: ({ path, call }) => path.abandon(call), status: undefined },
    { how: "passes its deadline", end: ({ path, call }) => path.fail(call, gaveUp), status: 504 },
    {
      how: "loses its caller half-way",
      end: ({ path, call, turns }) => {
        turns.turn();
        path.abandon(call);
        turns.untilQuiet();
      },
      status: undefined,
    },
  ])("when the call $how", ({ body = large, end, status, queuedRows = 0 }) => {
    const begun = begin(body);
    expect(begun.expectedAtFirst).toBe(Math.floor(body.length / rowBytes / 1.5));
    end(begun);
    expect(begun.sent.map((each) => each.status)).toEqual(status === undefined ? [] : [status]);
    expect([begun.queue.expectedRows, begun.call.expectedRows]).toEqual([0, 0]);
    expect(begun.scheduler.queuedRows).toBe(queuedRows);
  });

  test("when its content type is refused at once", () => {
    const { queue, sent, admission } = begin(large, { contentType: "text/csv" });
    expect(sent).toMatchObject([{ status: 415 }]);
    expect([queue.expectedRows, admission.calls]).toEqual([0, 0]);
  });

  test("when the queue has no room for it after all", () => {
    const refuse = () => {
      throw overloaded;
    };
    const { queue, sent, turns, expectedAtFirst, scheduler } = begin(large, {}, refuse);
    expect(expectedAtFirst).toBeGreaterThan(0);
    turns.untilQuiet();
    expect(sent).toMatchObject([{ status: 503, error: overloaded }]);
    expect([queue.expectedRows, scheduler.queuedRows]).toEqual([0, 0]);
  });
});
