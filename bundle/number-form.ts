/**
 * Numbers in golden rows: JSON's own form, and four strings for what JSON has no form for.
 *
 * `JSON.stringify` writes NaN and the infinities as null and drops the sign of -0, and a proof to the last bit cannot
 * afford either. The shortest text that reads back to the same double is what JavaScript and Python's `repr` both
 * write.
 */
import * as z from "zod";

const special: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0.0", -0],
]);

/** A number as golden rows hold it. */
export const numberFormSchema = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0.0"])], {
  error: 'a number, or one of "NaN", "Infinity", "-Infinity", "-0.0"',
});

/** @returns A number, or one of the strings "NaN", "Infinity", "-Infinity", "-0.0": ready for `JSON.stringify`. */
export function encodeNumber(value: number): number | string {
  if (Object.is(value, -0)) return "-0.0";
  return Number.isFinite(value) ? value : String(value);
}

/** The reverse of {@link encodeNumber}. @returns undefined for anything else. */
export function decodeNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? special.get(value) : undefined;
}
