/**
 * Seeded randomness, so that a run can be repeated: the same seed gives the same rows at the same times.
 *
 * The generator is xoshiro128** (Blackman and Vigna, 2018), seeded by splitmix32; 53 bits of two draws make a uniform
 * number.
 */

export interface Random {
  /** A number in [0, 1), 53 bits. */
  uniform(): number;
  /** A draw from the normal distribution with mean 0 and deviation 1. */
  normal(): number;
  /** A draw from the exponential distribution with mean 1. */
  exponential(): number;
}

/** @param seed - Any integer; its low 32 bits count. */
export function createRandom(seed: number): Random {
  const next32 = xoshiro128(seed);
  const uniform = () => ((next32() >>> 5) * 2 ** 26 + (next32() >>> 6)) / 2 ** 53;
  return {
    uniform,
    // Box and Muller; 1 - u keeps the logarithm's argument above zero.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    exponential: () => -Math.log(1 - uniform()),
  };
}

function xoshiro128(seed: number): () => number {
  const mix = splitmix32(seed);
  let [a, b, c, d] = [mix(), mix(), mix(), mix()];
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result >>> 0;
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}

const rotateLeft = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits));
