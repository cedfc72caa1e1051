/**
 * Mathematics that gives the same bits on every machine, in the server and in the trainer: the twin of
 * `plumb_trainer.portable`.
 *
 * Only what IEEE 754 rounds exactly is used: `+ - * /`, square roots, comparisons, and work on bits; nothing of `Math`
 * that an engine may choose, and no `**`. Change a line here only together with its twin.
 * `test/parity/portable-math.test.ts` holds the two together.
 */
export { cos } from "./cos.js";
export { exp } from "./exp.js";
export { expm1 } from "./expm1.js";
export { log } from "./log.js";
export { log1p } from "./log1p.js";
export { log2 } from "./log2.js";
export { log10 } from "./log10.js";
export { ndtri } from "./ndtri.js";
export { pow } from "./pow.js";
export { sin } from "./sin.js";
export { tanh } from "./tanh.js";
