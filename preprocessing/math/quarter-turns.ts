/**
 * x = n pi/2 + r with |r| <= pi/4 or just above, r as a sum of two doubles: what sine and cosine start with.
 *
 * Up to 2^20 pi/2, fdlibm's method: n pi/2 is taken away in up to three steps of 33 bits, each exact. Beyond it, Payne
 * and Hanek's: x times as many bits of 2/pi as it takes, in whole numbers of 24 bits, of which the multiples of 4 are
 * never formed. No double is nearer than about 2^-61 to a multiple of pi/2, so 192 bits after the point leave more than
 * 100 that count.
 *
 * @see fdlibm, e_rem_pio2.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this
 *   software is freely granted, provided that this notice is preserved."
 * @see M. Payne, R. Hanek, Radian reduction for trigonometric functions, SIGNUM Newsletter 18 (1983).
 */
import { powerOf2 } from "./power-of-2.js";
import { fromWords, upperWord } from "./words.js";

/** r of the last call of `quarterTurns`: the double next to it, and the rest. */
export const remainder = new Float64Array(2);

const inverse = 0.6366197723675814; // 2 / pi
// pi/2 in parts of 33 bits, and what is left after each.
const part1 = 1.5707963267341256;
const rest1 = 6.077100506506192e-11;
const part2 = 6.077100506303966e-11;
const rest2 = 2.0222662487959506e-21;
const part3 = 2.0222662487111665e-21;
const rest3 = 8.4784276603689e-32;
/** Added and taken away, it rounds to a whole number, halves to even: 1.5 * 2^52. */
const shift = 6755399441055744;
const largeFrom = fromWords(0x413921fb, 0); // about 2^20 pi/2

/** @returns n modulo 4; r is left in `remainder`. NaN remains for NaN and infinities. */
export function quarterTurns(x: number): number {
  if (Math.abs(x) >= largeFrom) return largeQuarterTurns(x);
  const n = x * inverse + shift - shift;
  let r = x - n * part1;
  let w = n * rest1;
  let y = r - w;
  // Bits that cancelled are bits that are missing at the end.
  const exponent = exponentOf(x);
  if (exponent - exponentOf(y) > 16) {
    const first = r;
    w = n * part2;
    r = first - w;
    w = n * rest2 - (first - r - w);
    y = r - w;
    if (exponent - exponentOf(y) > 49) {
      const second = r;
      w = n * part3;
      r = second - w;
      w = n * rest3 - (second - r - w);
      y = r - w;
    }
  }
  remainder[0] = y;
  remainder[1] = r - y - w;
  return n & 3;
}

function exponentOf(x: number): number {
  return (upperWord(x) >> 20) & 0x7ff;
}

/**
 * 2/pi, 24 bits each: the digits after the point in base 2^24. Before them zeros, for those places of x that are beyond
 * the point.
 */
const digits = Float64Array.of(
  ...[0, 0, 0],
  ...[
    0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb, 0xc561b7,
    0x246e3a, 0x424dd2,
  ],
  ...[
    0xe00649, 0x2eea09, 0xd1921c, 0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c, 0x7026b4, 0x5f7e41,
    0x3991d6, 0x398353,
  ],
  ...[
    0x39f49c, 0x845f8b, 0xbdf928, 0x3b1ff8, 0x97ffde, 0x05980f, 0xef2f11, 0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09,
    0xb74f46, 0x3f669e,
  ],
  ...[
    0x5fea2d, 0x7527ba, 0xc7ebe5, 0xf17b3d, 0x0739f7, 0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08, 0x560330, 0x46fc7b,
    0x6babf0,
  ],
);
/** Digits of the product after the point. */
const places = 8;
const product = new Float64Array(places + 1);
const base = powerOf2(24);
const halfPi = Math.PI / 2;
const halfPiRest = 6.123233995736766e-17;

function largeQuarterTurns(x: number): number {
  if (!(Math.abs(x) < Infinity)) {
    remainder.fill(Number.NaN);
    return 0;
  }
  // |x| = t 2^(24 k) with t a whole number below 2^77: four digits of 24 bits.
  const k = Math.floor((exponentOf(x) - 1075) / 24);
  let t = Math.abs(x) * powerOf2(-24 * k);
  const t0 = Math.floor(t / powerOf2(72));
  t -= t0 * powerOf2(72);
  const t1 = Math.floor(t / powerOf2(48));
  t -= t1 * powerOf2(48);
  const t2 = Math.floor(t / base);
  const t3 = t - t2 * base;
  let carry = 0;
  for (let place = places; place >= 0; place--) {
    const at = k + place + 2; // of the digit of 2/pi that meets t3 in this place
    const sum = t0 * digits[at + 3]! + t1 * digits[at + 2]! + t2 * digits[at + 1]! + t3 * digits[at]! + carry; // exact: below 2^51
    carry = Math.floor(sum / base);
    product[place] = sum - carry * base;
  }
  // A fraction above 1/2 is one turn more, less the complement; that the complement is 2^-192 short is far below the
  // last bit that counts.
  const above = product[1]! >= base / 2;
  const n = product[0]! + (above ? 1 : 0);
  let fraction = 0;
  for (let place = places; place > 0; place--) {
    if (above) product[place] = base - 1 - product[place]!;
    fraction += product[place]! * powerOf2(-24 * place);
  }
  let rest = product[1]! * powerOf2(-24) - fraction;
  for (let place = 2; place <= places; place++) rest += product[place]! * powerOf2(-24 * place);
  const sign = x < 0 !== above ? -1 : 1;
  multiply(fraction * sign, rest * sign);
  return (x < 0 ? -n : n) & 3;
}

/** (a + b) pi/2 into `remainder`, by products of halves of 26 bits, which are exact (Dekker, 1971). */
function multiply(a: number, b: number): void {
  const p = a * halfPi;
  const aHigh = upperBits(a);
  const aLow = a - aHigh;
  const error = aHigh * halfPiHigh - p + aHigh * halfPiLow + aLow * halfPiHigh + aLow * halfPiLow;
  const rest = error + (a * halfPiRest + b * halfPi);
  remainder[0] = p + rest;
  remainder[1] = p - remainder[0] + rest;
}

/** The upper 26 bits of the significand, rounded. */
function upperBits(x: number): number {
  const scaled = x * 134217729; // 2^27 + 1
  return scaled - (scaled - x);
}

const halfPiHigh = upperBits(halfPi);
const halfPiLow = halfPi - halfPiHigh;
