/** Goal: of each model the newest few bundles are loaded, by number and not by the alphabet. */

import { expect, test } from "vitest";
import { contentsOf, wantedVersions } from "../../../../server/versions/wanted-versions.js";

const bundles = (text: string) =>
  text
    .split(" ")
    .filter(Boolean)
    .map((key) => ({ name: key.split("/")[0]!, version: Number(key.split("/")[1]), directory: key }));

test.each([
  ["", 2, ""],
  ["a/1", 2, "a/1"],
  ["a/1 a/2 a/10 a/9", 2, "a/10 a/9"],
  ["a/1 a/2 a/10 a/9", 1, "a/10"],
  ["b/1 a/1 b/3 a/2 b/2", 2, "a/2 a/1 b/3 b/2"],
  ["b/1 a/5", 9, "a/5 b/1"],
])("of %j, %i per model: %j", (stored, perModel, taken) => {
  const list = bundles(stored);
  const before = [...list];
  const policyOf = () => ({ kind: "latest", count: perModel }) as const;
  const wanted = wantedVersions(contentsOf(list), [], { policyOf, without: new Set(), pinned: new Set() });
  expect(wanted.map(({ directory }) => directory).join(" ")).toBe(taken);
  expect(list).toEqual(before);
});
