/**
 * e^x in float64, the same bits on every machine.
 *
 * `Math.exp` may differ between engines and processors, so a prediction proved on one machine could change on another. This follows
 * the published fdlibm method (Sun Microsystems, 1993; error below 1 ulp) and uses only operations that IEEE 754 rounds exactly:
 * x = k ln 2 + r with |r| <= ln 2 / 2, e^r by a rational approximation in r^2, then a scaling by 2^k.
 */
const overflow = 709.782712893384; // ln of the largest double
const underflow = -745.1332191019411; // ln of half the smallest subnormal
const ln2High = 0.6931471803691238; // the upper 32 bits of ln 2, so that k * ln2High is exact
const ln2Low = 1.9082149292705877e-10; // the rest of ln 2
const inverseLn2 = Math.LOG2E;
// Coefficients of r (e^r + 1) / (e^r - 1) = 2 + P1 r^2 + P2 r^4 + ...
const P1 = 0.16666666666666602;
const P2 = -0.0027777777777015593;
const P3 = 6.613756321437934e-5;
const P4 = -1.6533902205465252e-6;
const P5 = 4.1381367970572385e-8;
// Below the first bound no reduction is needed; below the second, k is 1 or -1. fdlibm compares upper words, hence the odd decimals.
const reduceFrom = fromUpperWord(0x3fd62e43); // about ln 2 / 2
const divideFrom = fromUpperWord(0x3ff0a2b2); // about 3 ln 2 / 2
const tiny = 2 ** -28;

/** 2^k for k = -1022 .. 1023, by exact doubling and halving. */
const powersOf2 = new Float64Array(2046);
powersOf2[1022] = 1;
for (let k = 1; k <= 1023; k++) powersOf2[1022 + k] = powersOf2[1021 + k]! * 2;
for (let k = -1; k >= -1022; k--) powersOf2[1022 + k] = powersOf2[1023 + k]! / 2;

/** @param k - A whole number, -1022 .. 1023. */
export function powerOf2(k: number): number {
  return powersOf2[1022 + k]!;
}

export function exp(x: number): number {
  if (Number.isNaN(x) || x > overflow) return x + Infinity;
  if (x < underflow) return 0;
  const size = Math.abs(x);
  if (size < tiny) return 1 + x;
  if (x === 1) return Math.E; // the one well-known value that the method misses, by its last bit
  if (size < reduceFrom) {
    const c = remainder(x);
    return 1 - ((x * c) / (c - 2) - x);
  }
  const sign = x < 0 ? -1 : 1;
  const k = size < divideFrom ? sign : Math.trunc(inverseLn2 * x + 0.5 * sign);
  const high = x - k * ln2High;
  const low = k * ln2Low;
  const r = high - low;
  const c = remainder(r);
  const y = 1 - (low - (r * c) / (2 - c) - high);
  if (k === 1024) return y * 2 * powerOf2(1023);
  return k >= -1021 ? y * powerOf2(k) : y * powerOf2(k + 1000) * powerOf2(-1000);
}

function remainder(r: number): number {
  const t = r * r;
  return r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
}

function fromUpperWord(word: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, word);
  return view.getFloat64(0);
}
