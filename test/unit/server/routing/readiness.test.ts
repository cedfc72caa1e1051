/** Goal: a server is ready while every model with which it started, and that somebody still wants, has a version that serves. */

import { expect, test } from "vitest";
import type { Candidate } from "../../../../server/routing/policy.js";
import { areServed, isWanted } from "../../../../server/routing/readiness.js";

type State = Candidate["state"];
const model = (...states: State[]) => ({ versions: states.map((state) => ({ state })), isAwaited: true });
const late = (...states: State[]) => ({ ...model(...states), isAwaited: false });

test.each([
  ["no model at all", [], false],
  ["one that serves", [model("ready")], true],
  ["one whose newest failed, and an older one serves", [model("failed", "ready")], true],
  ["one that is loaded", [model("loading")], false],
  ["one that is proved", [model("proving")], false],
  ["one that isn't whole", [model("ready"), model("incomplete")], false],
  ["one that failed, beside one that serves", [model("ready"), model("failed")], false],
  ["one that is taken out of service, beside one that serves", [model("ready"), model("draining")], true],
  ["one of which nothing is left", [model("ready"), model("unloaded", "closed")], true],
  ["one whose last version is taken out of service while another is loaded", [model("draining", "loading")], false],
  ["nothing else than what was taken out of service", [model("unloaded"), model("draining")], false],
  ["one that came later and is loaded", [model("ready"), late("loading")], true],
  ["one that came later and failed", [model("ready"), late("failed")], true],
  ["one that came later and is all there is", [late("ready")], true],
  ["one that came later and doesn't serve, alone", [late("proving")], false],
] as const)("%s", (_name, models, ready) => {
  expect(areServed(models)).toBe(ready);
});

test.each([
  [[], false],
  [["unloaded", "closed", "draining"], false],
  [["unloaded", "failed"], true],
  [["loading"], true],
] as const)("a model with versions that are %j is wanted: %s", (states, wanted) => {
  expect(isWanted(states.map((state) => ({ state })))).toBe(wanted);
});
