/**
 * JSON's numbers to float64, to the same bits as `JSON.parse`.
 *
 * Digits are read eight at a time. Up to 2^53 with a power of ten up to 10^22, one multiplication or division of exact
 * numbers is rounded once (Clinger). Other numbers of up to 19 digits are multiplied by a power of ten that stands here
 * in 128 bits, which leaves no doubt about the rounding (Lemire, Number parsing at a gigabyte per second, 2021; Mushtak
 * and Lemire, Fast number parsing without fallback, 2023). The host reads whatever is left.
 */

import { exactPowers, powers } from "./row-plan";

/** Powers of ten in 128 bits: 10^lowestPower to 10^highestPower, a high and a low word each. */
export const lowestPower: i32 = -60;
export const highestPower: i32 = 40;
/** Powers of ten that float64 holds exactly: 10^0 to 10^22. */
export const exactPowerMax: i32 = 22;

const exactMax: u64 = 1 << 53;
const digitsMax: i32 = 19;
const zeros: u64 = 0x3030303030303030;
const signs: u64 = 0x8080808080808080;

// @ts-ignore: decorator
@external("env", "readNumber")
declare function readByHost(from: i32, to: i32): f64;

/** How many of the eight bytes before the first that is no digit; `word` holds them less "0". */
// @ts-ignore: decorator
@inline
function leadingDigits(word: u64): i32 {
  return i32(ctz(((word + 0x7676767676767676) | word) & signs) >> 3);
}

/** The value of eight digits, the first in the lowest byte. */
// @ts-ignore: decorator
@inline
function eightDigits(word: u64): u64 {
  const pairs = word * 10 + (word >> 8);
  const low = (pairs & 0x000000ff000000ff) * 0x000f424000000064;
  const high = ((pairs >> 16) & 0x000000ff000000ff) * 0x0000271000000001;
  return (low + high) >> 32;
}

// @ts-ignore: decorator
@inline
function tenTo(power: i32): u64 {
  return u64(i64(load<f64>(exactPowers + (power << 3))));
}

// @ts-ignore: decorator
@inline
function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

/** @returns The high half of a product of 128 bits. */
// @ts-ignore: decorator
@inline
function highProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const lowHigh = aLow * bHigh;
  const highLow = aHigh * bLow;
  const middle = ((aLow * bLow) >> 32) + (lowHigh & 0xffffffff) + (highLow & 0xffffffff);
  return aHigh * bHigh + (lowHigh >> 32) + (highLow >> 32) + (middle >> 32);
}

/** `digits * 10^power` rounded to float64, ties to even; `digits` isn't 0, and the power is one of the table. */
function byPowerOfTen(digits: u64, power: i32): f64 {
  const shift = clz(digits);
  const normal = digits << shift;
  const entry = powers + ((power - lowestPower) << 4);
  const factor = load<u64>(entry);
  let high = highProduct(normal, factor);
  let low = normal * factor;
  // The low word of the power matters only where the bits below the mantissa are all ones.
  if ((high & 0x1ff) == 0x1ff) {
    const more = highProduct(normal, load<u64>(entry, 8));
    low += more;
    if (low < more) high++;
  }
  const top = high >> 63;
  let mantissa = high >> (top + 9);
  let exponent = ((217706 * power) >> 16) + 63 + i32(top) - i32(shift) + 1023;
  // Exactly between two: only such powers can be.
  if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 && mantissa << (top + 9) == high) mantissa &= ~1;
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= 1 << 53) {
    mantissa = 1 << 52;
    exponent++;
  }
  return reinterpret<f64>((mantissa & 0x000fffffffffffff) | (u64(exponent) << 52));
}

/**
 * Reads a number.
 *
 * @param from - Its first byte.
 * @param to - Where the value goes.
 * @returns Behind its last byte; 0 if no number of JSON begins there.
 */
// @ts-ignore: decorator
@inline
export function readNumber(from: i32, to: i32): i32 {
  const negative = load<u8>(from) == 0x2d;
  const start = from + i32(negative);
  let at = start;
  let digits: u64 = 0;
  if (load<u8>(at) == 0x30) {
    at++;
    if (isDigit(load<u8>(at))) return 0;
  } else {
    while (true) {
      const word = load<u64>(at) ^ zeros;
      const count = leadingDigits(word);
      if (count == 8) {
        digits = digits * 100000000 + eightDigits(word);
        at += 8;
        continue;
      }
      if (count > 0) digits = digits * tenTo(count) + eightDigits(word << ((8 - count) << 3));
      at += count;
      break;
    }
    if (at == start) return 0;
  }
  let count = at - start;
  let power = 0;
  let byte = load<u8>(at);
  if (byte == 0x2e) {
    const point = at++;
    while (true) {
      const word = load<u64>(at) ^ zeros;
      const more = leadingDigits(word);
      if (more == 8) {
        digits = digits * 100000000 + eightDigits(word);
        at += 8;
        continue;
      }
      if (more > 0) digits = digits * tenTo(more) + eightDigits(word << ((8 - more) << 3));
      at += more;
      break;
    }
    power = point + 1 - at;
    if (power == 0) return 0;
    count -= power;
    byte = load<u8>(at);
  }
  if (count > digitsMax) {
    // Zeros before the first digit that counts add nothing.
    let zero = start;
    while (load<u8>(zero) == 0x30 || load<u8>(zero) == 0x2e) zero++;
    count -= zero - start - i32(zero > start + 1);
  }
  if ((byte | 0x20) == 0x65) {
    at++;
    const sign = load<u8>(at);
    if (sign == 0x2b || sign == 0x2d) at++;
    if (!isDigit(load<u8>(at))) return 0;
    let exponent = 0;
    while (isDigit(load<u8>(at))) {
      if (exponent < 100000) exponent = exponent * 10 + load<u8>(at) - 0x30;
      at++;
    }
    power += sign == 0x2d ? -exponent : exponent;
  }
  let value: f64;
  if (count > digitsMax) value = abs(readByHost(from, at));
  else if (digits == 0) value = 0;
  else if (digits <= exactMax && power >= -exactPowerMax && power <= exactPowerMax) {
    value = f64(i64(digits));
    if (power < 0) value /= load<f64>(exactPowers - (power << 3));
    else if (power > 0) value *= load<f64>(exactPowers + (power << 3));
  } else if (power >= lowestPower && power <= highestPower) value = byPowerOfTen(digits, power);
  else value = abs(readByHost(from, at));
  store<f64>(to, negative ? -value : value);
  return at;
}
