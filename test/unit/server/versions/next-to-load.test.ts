/** Goal: of each model the newest sound versions are loaded: one that failed takes no place among them. */

import { expect, test } from "vitest";
import { nextToLoad } from "../../../../server/versions/store-loader.js";
import { contentsOf } from "../../../../server/versions/wanted-versions.js";

const stored = (text: string) =>
  text.split(" ").map((key) => ({ name: key.split("/")[0]!, version: Number(key.split("/")[1]), directory: key }));
const keys = (text: string) => new Set(text.split(" ").filter(Boolean));

test.each([
  { name: "the newest first", begun: "", without: "", next: "a/4" },
  { name: "then the second", begun: "a/4", without: "", next: "a/3" },
  { name: "then the next model's", begun: "a/4 a/3", without: "", next: "b/1" },
  { name: "and no more", begun: "a/4 a/3 b/1", without: "", next: undefined },
  { name: "an older one in the place of one that failed", begun: "a/4 a/3 b/1", without: "a/4", next: "a/2" },
  { name: "and the oldest, if it comes to that", begun: "a/4 a/3 a/2 b/1", without: "a/4 a/2", next: "a/1" },
  { name: "nothing in the place of a model's only one", begun: "a/4 a/3 b/1", without: "b/1", next: undefined },
  { name: "nothing where all failed", begun: "a/4 a/3 a/2 a/1 b/1", without: "a/4 a/3 a/2 a/1 b/1", next: undefined },
])("$name", ({ begun, without, next }) => {
  const list = stored("a/1 a/2 a/3 a/4 b/1");
  for (let asked = 0; asked < 2; asked++)
    expect(
      nextToLoad(contentsOf(list), () => ({ kind: "latest", count: 2 }), keys(begun), keys(without))?.directory,
    ).toBe(next);
});

test("those that are named too, after the newest, and not where they failed", () => {
  const list = stored("a/1 a/2 a/3 a/4 b/1");
  const next = (begun: string, without = "") =>
    nextToLoad(contentsOf(list), () => ({ kind: "latest", count: 2 }), keys(begun), keys(without), keys("a/1 b/1 c/9"));
  expect(next("a/4 a/3 b/1")?.directory).toBe("a/1");
  expect(next("a/4 a/3 b/1 a/1")).toBe(undefined);
  expect(next("a/4 a/3 b/1", "a/1")).toBe(undefined);
});
