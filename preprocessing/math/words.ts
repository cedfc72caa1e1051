/**
 * The two 32-bit words of a double: sign, exponent and the upper 20 bits of the significand in one, the lower 32 bits
 * in the other.
 */
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

// On a little-endian machine the upper word is the second one; 1 has nothing in its lower word.
double[0] = 1;
const high = words[1] !== 0 ? 1 : 0;
const low = 1 - high;

/** The upper word, signed: below 0 exactly when the sign bit is set. */
export function upperWord(x: number): number {
  double[0] = x;
  return words[high]!;
}

/** The double of two words. */
export function fromWords(upper: number, lower: number): number {
  words[high] = upper;
  words[low] = lower;
  return double[0]!;
}

/** `x` with another upper word. */
export function withUpperWord(x: number, upper: number): number {
  double[0] = x;
  words[high] = upper;
  return double[0]!;
}

/** The upper 21 bits of the significand, so that a product of two such numbers is exact. */
export function upperHalf(x: number): number {
  double[0] = x;
  words[low] = 0;
  return double[0]!;
}
