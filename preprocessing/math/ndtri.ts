/**
 * The x below which a standard normal variable falls with probability p (the inverse of the normal distribution
 * function), in float64, the same bits on every machine.
 *
 * The method of Cephes, which SciPy's `ndtri` uses too: a rational approximation in (p - 1/2)^2 in the middle, one in 1
 * / sqrt(-2 ln p) for each of two ranges of the tails.
 *
 * 0 gives -Infinity, 1 Infinity; NaN, and what is no probability, NaN.
 *
 * @see S. Moshier, Cephes Math Library 2.1 (1989), ndtri.c: relative error below 7.2e-16.
 */
import { log } from "./log.js";

const expOfMinus2 = 0.1353352832366127;
const rootOf2Pi = 2.5066282746310007;

// For |p - 1/2| <= 3/8.
const P0 = [-59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125];
const Q0 = [
  ...[1, 1.9544885833814176, 4.676279128988815, 86.36024213908905, -225.46268785411937],
  ...[200.26021238006066, -82.03722561683334, 15.90562251262117, -1.1833162112133],
];
// For z = sqrt(-2 ln p) between 2 and 8.
const P1 = [
  ...[4.0554489230596245, 31.525109459989388, 57.16281922464213, 44.08050738932008, 14.684956192885803],
  ...[2.1866330685079025, -0.1402560791713545, -0.03504246268278482, -0.0008574567851546854],
];
const Q1 = [
  ...[1, 15.779988325646675, 45.39076351288792, 41.3172038254672, 15.04253856929075],
  ...[2.504649462083094, -0.14218292285478779, -0.03808064076915783, -0.0009332594808954574],
];
// For z between 8 and 64.
const P2 = [
  ...[3.2377489177694603, 6.915228890689842, 3.9388102529247444, 1.3330346081580755, 0.20148538954917908],
  ...[0.012371663481782003, 0.00030158155350823543, 2.6580697468673755e-6, 6.239745391849833e-9],
];
const Q2 = [
  ...[1, 6.02427039364742, 3.6798356385616087, 1.3770209948908132, 0.21623699359449663],
  ...[0.013420400608854318, 0.00032801446468212774, 2.8924786474538068e-6, 6.790194080099813e-9],
];

export function ndtri(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : Number.NaN;
  const upper = p > 1 - expOfMinus2;
  const tail = upper ? 1 - p : p;
  if (tail > expOfMinus2) {
    const y = tail - 0.5;
    const square = y * y;
    return (y + y * ((square * polynomial(P0, square)) / polynomial(Q0, square))) * rootOf2Pi;
  }
  const z = Math.sqrt(-2 * log(tail));
  const inverse = 1 / z;
  const correction =
    z < 8
      ? (inverse * polynomial(P1, inverse)) / polynomial(Q1, inverse)
      : (inverse * polynomial(P2, inverse)) / polynomial(Q2, inverse);
  const x = z - log(z) / z - correction;
  return upper ? x : -x;
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0]!;
  for (let power = 1; power < coefficients.length; power++) sum = sum * x + coefficients[power]!;
  return sum;
}
