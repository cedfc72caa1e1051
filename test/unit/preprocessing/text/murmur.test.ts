/**
 * Goal: hashes are scikit-learn's `murmurhash3_32(text.encode(), 0)`. The parity cases hold many thousand more to it.
 */
import { expect, it } from "vitest";
import { murmur3 } from "../../../../preprocessing/text/murmur.js";

it.each([
  ["", 0],
  ["a", 1009084850],
  ["ab", -1681926305],
  ["abc", -1277324294],
  ["abcd", 1139631978],
  ["é", 269551495],
  ["日本", -992347838],
  ["👍", 552921032],
  ["dog cat", -263542005],
  ["akqlrggi", -(2 ** 31)],
])("of %j", (text, hash) => expect(murmur3(text)).toBe(hash));

it("is the same after a longer text than any before", () => {
  murmur3("日".repeat(10_000));
  expect(murmur3("日本")).toBe(-992347838);
});

it.each(["\ud800", "\udc00", "a\ud83d", "\udc4d\ud83d"])("there is none of half a surrogate pair: %j", (text) =>
  expect(murmur3(text)).toBeUndefined(),
);
