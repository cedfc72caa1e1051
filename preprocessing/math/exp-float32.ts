/**
 * e^x in float32, as the C library's `expf` that XGBoost calls computes it (glibc since 2.27, musl, ARM: one published
 * method).
 *
 * In float64: x = k ln 2 / 32 + r, so e^x = 2^(k/32) * 2^(32 r / ln 2 / 32): a table of 32 roots of two times a cubic
 * polynomial, rounded once to float32. That is within 0.502 ulp, so it differs from the correctly rounded value for
 * about 2 of 1,000 inputs, and that is why rounding a more exact exponential would not give XGBoost's bits.
 *
 * @see S. Nagy, ARM optimized-routines, expf: relative error of the polynomial 1.69 * 2^-34.
 */
import { powerOf2 } from "./power-of-2.js";

const overflow = 88.72283172607422; // above: beyond float32 (0x1.62e42ep6)
const underflow = -103.97207641601562; // below: less than half the smallest float32 (-0x1.9fe368p6)
const inverseLn2Times32 = 46.16624130844683; // 32 / ln 2
/** Added and taken away, it rounds to a whole number, halves to even: 1.5 * 2^52. */
const shift = 6755399441055744;
// 2^(r / 32) as 1 + C1 r + C2 r^2 + C3 r^3 for |r| <= 1/2.
const C1 = 0.6931471806916203 / 32;
const C2 = 0.2402284522445722 / (32 * 32);
const C3 = 0.05550361559341535 / (32 * 32 * 32);

/** 2^(i/32), rounded to float64. */
const rootsOf2 = Float64Array.from([
  1.0,
  1.0218971486541166,
  1.0442737824274138,
  1.0671404006768237,
  1.0905077326652577,
  1.1143867425958924,
  1.1387886347566916,
  1.1637248587775775,
  1.189207115002721,
  1.215247359980469,
  1.241857812073484,
  1.2690509571917332,
  1.2968395546510096,
  1.3252366431597413,
  1.3542555469368927,
  1.383909881963832,
  Math.SQRT2,
  1.4451808069770467,
  1.4768261459394993,
  1.5091644275934228,
  1.5422108254079407,
  1.5759808451078865,
  1.6104903319492543,
  1.645755478153965,
  1.681792830507429,
  1.718619298122478,
  1.7562521603732995,
  1.7947090750031072,
  1.8340080864093424,
  1.8741676341103,
  1.9152065613971474,
  1.9571441241754002,
]);

/** @param x - A float32. @returns A float32. */
export function expFloat32(x: number): number {
  if (Number.isNaN(x) || x > overflow) return x + Infinity;
  if (x < underflow) return 0;
  const z = inverseLn2Times32 * x;
  const k = z + shift - shift;
  const r = z - k;
  const root = k & 31;
  const scale = rootsOf2[root]! * powerOf2((k - root) / 32);
  return Math.fround(((C3 * r + C2) * (r * r) + (C1 * r + 1)) * scale);
}
