/** Powers of two, and products with them that are rounded once at most. */

/** 2^k for k = -1022 .. 1023, by exact doubling and halving. */
const powersOf2 = new Float64Array(2046);
powersOf2[1022] = 1;
for (let k = 1; k <= 1023; k++) powersOf2[1022 + k] = powersOf2[1021 + k]! * 2;
for (let k = -1; k >= -1022; k--) powersOf2[1022 + k] = powersOf2[1023 + k]! / 2;

/** @param k - A whole number, -1022 .. 1023. */
export function powerOf2(k: number): number {
  return powersOf2[1022 + k]!;
}

/**
 * y * 2^k, rounded only where the product is subnormal.
 *
 * @param y - Between 1/2 and 2.
 * @param k - A whole number, -2022 .. 1024.
 */
export function timesPowerOf2(y: number, k: number): number {
  if (k === 1024) return y * 2 * powerOf2(1023);
  return k >= -1021 ? y * powerOf2(k) : y * powerOf2(k + 1000) * powerOf2(-1000);
}
