/**
 * Distances between floating-point numbers in units in the last place: how far apart two numbers are among those that
 * the dtype has.
 */

const float64 = new Float64Array(1);
const bits64 = new BigInt64Array(float64.buffer);
const float32 = new Float32Array(1);
const bits32 = new Int32Array(float32.buffer);

/**
 * @returns 0 only for the same bits, save that all NaN are one: -0 and 0 are 1 apart. Infinity if just one of them is
 *   NaN.
 */
export function ulpDistance(a: number, b: number, dtype: "float32" | "float64"): number {
  if (Object.is(a, b)) return 0;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.POSITIVE_INFINITY;
  const distance = dtype === "float32" ? Math.abs(place32(a) - place32(b)) : Number(absolute(place64(a) - place64(b)));
  // Equal in float32 but not in the float64 that it was told in: not the same number.
  return Math.max(1, distance);
}

/** Bit patterns as integers that ascend with the numbers, -0 right below 0. */
function place64(value: number): bigint {
  float64[0] = value;
  const bits = bits64[0]!;
  return bits >= 0n ? bits : -(bits & 0x7fff_ffff_ffff_ffffn) - 1n;
}

function place32(value: number): number {
  float32[0] = value;
  const bits = bits32[0]!;
  return bits >= 0 ? bits : -(bits & 0x7fff_ffff) - 1;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
