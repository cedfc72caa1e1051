/**
 * Features to columns by their hashes, as FeatureHasher: the column is the hash's size modulo their number, and its
 * sign may change the value's.
 */
import * as z from "zod";
import { flag } from "../closed-schema.js";
import { murmur3 } from "./murmur.js";
import { type PositionSums, widthMax } from "./term-counts.js";

/** Of every operator that hashes. */
export const hashParams = {
  n_features: z.int("a whole number").min(1, "1 or more").max(widthMax, `at most ${widthMax}`),
  alternate_sign: flag,
};

/**
 * Adds a feature's value to its column.
 *
 * @returns Whether the feature's name can be hashed: half a surrogate pair can't.
 */
export function addHashed(
  sums: PositionSums,
  width: number,
  alternateSign: boolean,
  feature: string,
  value: number,
): boolean {
  const hash = murmur3(feature);
  if (hash === undefined) return false;
  // 2^31, the size of the smallest hash, is a number like another one here.
  sums.add(Math.abs(hash) % width, alternateSign && hash < 0 ? -value : value);
  return true;
}
