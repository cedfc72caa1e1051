/**
 * Where things stand in the row decoder's memory. The host writes them (server/protocol/json/row-plan.ts); addresses are
 * in bytes.
 *
 * The **plan** is what a version's schema makes of a row: a record for each feature, and a table of the texts that may
 * stand in a row: names of features and known categories. Texts stand in UTF-8, each followed by a quote. Whatever is
 * compared is read 16 bytes at a time, so that much may be read behind everything.
 */

/** Powers of ten: see numbers.ts. */
export const exactPowers: i32 = 64;
export const powers: i32 = 256;
/** Behind the powers: the first plan can stand here. */
export const plans: i32 = 2048;

/** Records of `featureBytes`. */
export let features: i32 = 0;
export let featureCount: i32 = 0;
/**
 * A feature's record: its name and the bytes of it, the quote behind it included; its kind; its flags; where its value
 * goes in a row's numbers or others, bytes; the feature that followed it last; its bounds (float64, both inclusive); the
 * only values that a number may have (float64) and how many they are.
 */
export const featureBytes: i32 = 56;
export const nameField: i32 = 0;
export const nameBytesField: i32 = 4;
export const kindField: i32 = 8;
export const flagsField: i32 = 12;
export const placeField: i32 = 16;
export const nextField: i32 = 20;
export const minimumField: i32 = 24;
export const maximumField: i32 = 32;
export const valuesField: i32 = 40;
export const valueCountField: i32 = 44;

export const numberKind: i32 = 0;
export const integerKind: i32 = 1;
export const booleanKind: i32 = 2;
export const textKind: i32 = 3;
export const listKind: i32 = 4;

export const requiredFlag: i32 = 1;
/** Null may be sent. */
export const nullableFlag: i32 = 2;
/** There are texts of it in the table. */
export const knownFlag: i32 = 4;
/** A text has to be one of those in the table. */
export const closedFlag: i32 = 8;

/** The feature that stood first in the last row. */
export let first: i32 = 0;

/** Slots of `slotBytes`: of a text its hash, its owner (0 for names, a feature's number + 1), address, bytes, code. */
export let slots: i32 = 0;
export let slotMask: i32 = 0;
export const slotBytes: i32 = 20;

/** A row with nothing in it, or with what its context has: `numbersBytes` of numbers, then `othersBytes` of others. */
export let empty: i32 = 0;
export let numbersBytes: i32 = 0;
export let othersBytes: i32 = 0;
/** Features that each row has to bring, when the context has brought its own. */
export let needed: i32 = 0;

/** By feature, the stamp of the row in which it stood last. */
export let seen: i32 = 0;
/** Of a context's members, instead of a row's stamp: they are in every row. */
export const always: u32 = 0xffffffff;
export let stamp: u32 = 0;
/** @returns The mark of a new row. */
// @ts-ignore: decorator
@inline
export function nextStamp(): u32 {
  return ++stamp;
}

// @ts-ignore: decorator
@inline
export function contextBrought(required: i32): void {
  needed -= required;
}

// @ts-ignore: decorator
@inline
export function beginWith(feature: i32): void {
  first = feature;
}

/** Rows as they are read: first the numbers of all, then the others. */
export let numbers: i32 = 0;
export let others: i32 = 0;

/** Takes a plan by its head, these numbers in this order, and forgets rows that were read by another. */
export function usePlan(head: i32): void {
  features = load<i32>(head);
  featureCount = load<i32>(head, 4);
  slots = load<i32>(head, 8);
  slotMask = load<i32>(head, 12);
  empty = load<i32>(head, 16);
  numbersBytes = load<i32>(head, 20);
  othersBytes = load<i32>(head, 24);
  needed = load<i32>(head, 28);
  seen = load<i32>(head, 32);
  numbers = load<i32>(head, 36);
  others = load<i32>(head, 40);
  first = 0;
  forgetRows();
}

/** Marks of rows begin anew. */
export function forgetRows(): void {
  stamp = 0;
  memory.fill(seen, 0, featureCount << 2);
}

/** A hash of texts in one owner's keeping. */
// @ts-ignore: decorator
@inline
export function hashOf(owner: i32, at: i32, bytes: i32): u32 {
  const factor: u64 = 0x9e3779b97f4a7c15;
  let hash: u64 = (u64(owner) << 32) ^ u64(bytes);
  while (bytes >= 8) {
    hash = (hash ^ load<u64>(at)) * factor;
    hash ^= hash >> 32;
    at += 8;
    bytes -= 8;
  }
  if (bytes > 0) {
    hash = (hash ^ (load<u64>(at) << ((8 - bytes) << 3))) * factor;
    hash ^= hash >> 32;
  }
  hash *= factor;
  return u32(hash >> 32);
}

// @ts-ignore: decorator
@inline
export function isSame(a: i32, b: i32, bytes: i32): bool {
  while (bytes > 16) {
    if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false;
    a += 16;
    b += 16;
    bytes -= 16;
  }
  const mask = (1 << bytes) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) & mask) == mask;
}

/** @returns The text's code; -1 if it isn't in the table. */
// @ts-ignore: decorator
@inline
export function codeOf(owner: i32, at: i32, bytes: i32): i32 {
  const hash = hashOf(owner, at, bytes);
  let index = hash & slotMask;
  while (true) {
    const slot = slots + index * slotBytes;
    const text = load<i32>(slot, 8);
    if (text == 0) return -1;
    if (
      load<u32>(slot) == hash &&
      load<i32>(slot, 4) == owner &&
      load<i32>(slot, 12) == bytes &&
      isSame(text, at, bytes)
    )
      return load<i32>(slot, 16);
    index = (index + 1) & slotMask;
  }
}

/** Puts a text into the table, which has room for it. */
export function addText(owner: i32, text: i32, bytes: i32, code: i32): void {
  const hash = hashOf(owner, text, bytes);
  let index = hash & slotMask;
  while (load<i32>(slots + index * slotBytes, 8) != 0) index = (index + 1) & slotMask;
  const slot = slots + index * slotBytes;
  store<u32>(slot, hash);
  store<i32>(slot, owner, 4);
  store<i32>(slot, text, 8);
  store<i32>(slot, bytes, 12);
  store<i32>(slot, code, 16);
}
