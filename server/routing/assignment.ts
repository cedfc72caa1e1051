/**
 * Which arm a key has: a pure function of the key, the route's salt and the canary's share, so that every server and
 * every process gives a key the same arm, and an analyst can find it out afterwards.
 *
 * The key's bucket is `floor(murmur3(salt + ":" + key) / 2^32 * 10000)`, MurmurHash3 x86 32-bit with seed 0 of the UTF-8
 * bytes. The canary's buckets begin at the first one and the control's at the last one: as the share grows, a key that
 * has the canary keeps it.
 */

import { Buffer } from "node:buffer";

/** A bucket is 0.01 % of the keys. */
export const bucketCount = 10_000;

/**
 * `champion`: the champion, beside an experiment. `control`: the champion for as many keys as the canary has, which is
 * what the canary is compared with. `forced`: what a tester asked for; no part of the experiment.
 */
export const armNames = ["champion", "control", "canary", "forced"] as const;
export type ArmName = (typeof armNames)[number];

/** @returns From 0 to {@link bucketCount} - 1. */
export function bucketOf(salt: string, key: string): number {
  return Math.floor((murmur3(Buffer.from(`${salt}:${key}`)) / 2 ** 32) * bucketCount);
}

/** @param canaryBuckets - The canary's share, in buckets. Beyond half of them, the control has what is left. */
export function armAt(bucket: number, canaryBuckets: number): "champion" | "control" | "canary" {
  if (bucket < canaryBuckets) return "canary";
  return bucket >= bucketCount - canaryBuckets ? "control" : "champion";
}

/** @see Austin Appleby's MurmurHash3_x86_32, which is in the public domain. */
export function murmur3(bytes: Uint8Array): number {
  const { length } = bytes;
  const wholeBytes = length & ~3;
  let hash = 0;
  for (let i = 0; i < wholeBytes; i += 4) {
    hash ^= scramble(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = length - 1; i >= wholeBytes; i--) rest = (rest << 8) | bytes[i]!;
  if (wholeBytes < length) hash ^= scramble(rest);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
