/**
 * Sums in NumPy's order, for values that lie in one piece: fewer than 8 one after the other, else eight running sums
 * that are added in pairs, and more than 128 in halves. A sum of rounded numbers depends on its order, so this is what
 * makes it the same.
 */

/** Values that NumPy adds in one go; more are halved. */
const blockMax = 128;

/**
 * @param start - Index of the first value.
 * @param count - How many values; 0 gives 0.
 */
export function pairwiseSum(values: Float64Array, start: number, count: number): number {
  if (count < 8) {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += values[start + index]!;
    return sum;
  }
  if (count > blockMax) {
    const half = Math.floor(count / 2);
    const first = half - (half % 8);
    return pairwiseSum(values, start, first) + pairwiseSum(values, start + first, count - first);
  }
  let r0 = 0;
  let r1 = 0;
  let r2 = 0;
  let r3 = 0;
  let r4 = 0;
  let r5 = 0;
  let r6 = 0;
  let r7 = 0;
  const end = start + count;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    r0 += values[at]!;
    r1 += values[at + 1]!;
    r2 += values[at + 2]!;
    r3 += values[at + 3]!;
    r4 += values[at + 4]!;
    r5 += values[at + 5]!;
    r6 += values[at + 6]!;
    r7 += values[at + 7]!;
  }
  let sum = r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7));
  for (; at < end; at++) sum += values[at]!;
  return sum;
}
