/**
 * Goal: a call that names a version gets that one or an error; one that names none gets the champion, which the policy
 * chooses, and nothing else.
 */

import { describe, expect, test } from "vitest";
import { findVersion, refuseVersion } from "../../../../server/routing/choose-version.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import type { Candidate, RoutingPolicy } from "../../../../server/routing/policy.js";

const candidates: readonly Candidate[] = [
  { number: 12, state: "failed", reason: "refused: 1 isn't 2" },
  { number: 4, state: "ready" },
  { number: 3, state: "draining" },
  { number: 2, state: "ready" },
  { number: 1, state: "unloaded", reason: "newer ones are loaded" },
];
const none: RoutingPolicy = () => undefined;
const model = (policy: RoutingPolicy, of = candidates) => ({ name: "demand", candidates: of, policy });

describe("the newest that is ready", () => {
  test.each([
    [["ready"], 0],
    [["failed", "proving", "ready", "ready"], 2],
    [["loading", "draining", "closed", "incomplete", "unloaded"], undefined],
    [[], undefined],
  ] as const)("of %j", (states, index) => {
    const all = states.map((state, i) => ({ number: 9 - i, state }));
    expect(newestReady("demand", all)).toBe(index === undefined ? undefined : all[index]);
  });
});

test.each([
  [undefined, 4],
  ["4", 4],
  ["2", 2],
  ["12", undefined],
  ["3", undefined],
  ["1", undefined],
  ["04", undefined],
  ["", undefined],
  ["7", undefined],
] as const)("a call that names %j gets %s", (versionName, number) => {
  expect(findVersion(model(newestReady), versionName)?.number).toBe(number);
});

test("the policy sees the model and all its versions, and decides alone where no version is named", () => {
  const asked: unknown[] = [];
  const oldest: RoutingPolicy = (name, all) => {
    asked.push([name, all]);
    return all.findLast(({ state }) => state === "ready");
  };
  expect(findVersion(model(oldest), undefined)?.number).toBe(2);
  expect(asked).toEqual([["demand", candidates]]);
  expect(findVersion(model(none), undefined)).toBe(undefined);
  expect(findVersion(model(none), "4")?.number).toBe(4);
});

test.each([
  ["12", "not_ready", `model "demand" version 12 is failed (refused: 1 isn't 2); see /models/demand`],
  ["3", "not_ready", 'model "demand" version 3 is draining; see /models/demand'],
  ["1", "model_not_found", 'model "demand" has no version "1": it has 12, 4, 3, 2'],
  ["7", "model_not_found", 'model "demand" has no version "7": it has 12, 4, 3, 2'],
  [
    undefined,
    "not_ready",
    `model "demand" isn't ready: its versions are 12 failed (refused: 1 isn't 2), 4 ready, 3 draining, 2 ready; see /models/demand`,
  ],
] as const)("a call that names %j and gets none is told %s", (versionName, code, message) => {
  expect(refuseVersion(model(none), versionName)).toMatchObject({ code, message });
});

test.each([undefined, "1"])("a model of which nothing is left isn't there for a call that names %j", (versionName) => {
  const left: Candidate[] = [{ number: 1, state: "unloaded" }];
  const message = 'model "demand" has no version that is loaded; see /models/demand';
  expect(refuseVersion(model(newestReady, left), versionName)).toMatchObject({ code: "model_not_found", message });
});
