/**
 * A named function of every number, as FunctionTransformer with one of NumPy's. The logarithms and their like are the
 * portable ones.
 */
import * as z from "zod";
import { closedObject, closedSet, flag, float64 } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { cos } from "../math/cos.js";
import { exp } from "../math/exp.js";
import { expm1 } from "../math/expm1.js";
import { log } from "../math/log.js";
import { log1p } from "../math/log1p.js";
import { log2 } from "../math/log2.js";
import { log10 } from "../math/log10.js";
import { sin } from "../math/sin.js";
import { tanh } from "../math/tanh.js";
import { columnByColumn, defineOperator } from "../operator.js";

const functions = {
  identity: (x: number) => x,
  log,
  log1p,
  log2,
  log10,
  exp,
  expm1,
  sin,
  cos,
  tanh,
  sqrt: Math.sqrt,
  absolute: Math.abs,
  sign: (x: number) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x),
  square: (x: number) => x * x,
  reciprocal: (x: number) => 1 / x,
  negative: (x: number) => -x,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  rint: halfToEven,
};

type Name = keyof typeof functions | "clip";
const names: ["clip", ...Name[]] = ["clip", ...(Object.keys(functions) as Name[])];
const limit = z.nullable(float64.refine((value) => !Number.isNaN(value), "a number that is not NaN, or null"));

const params = closedObject({
  function: closedSet(names),
  /** Of "clip", and only there; null for no limit. */
  min: limit.optional(),
  max: limit.optional(),
  validate: flag.default(false),
});

export const functionTransformer = defineOperator(
  params,
  (columns, { function: name, min, max, validate }, context) => {
    const apply = name === "clip" ? clipped(min, max, `${context.path}.params`) : functions[name];
    for (const [key, value] of Object.entries({ min, max })) {
      if (name !== "clip" && value !== undefined)
        throw new GraphError(`${context.path}.params.${key}`, "no limit, which only clip has", describe(value));
    }
    const { outputs, work } = columnByColumn(columns, context, () => ({}));
    const { refusals } = context;
    const step = (rowCount: number): void => {
      for (let index = 0; index < work.length; index++) {
        const { feature, from, to } = work[index]!;
        for (let row = 0; row < rowCount; row++) {
          const x = from[row]!;
          to[row] = apply(x);
          if (validate && !Number.isFinite(x)) refusals.add(row, feature, "a finite number", x);
        }
      }
    };
    return { columns: outputs, step };
  },
);

function clipped(min: number | null | undefined, max: number | null | undefined, path: string): (x: number) => number {
  for (const [key, value] of Object.entries({ min, max })) {
    if (value === undefined) throw new GraphError(`${path}.${key}`, "a number, or null for no limit", describe(value));
  }
  const low = min ?? -Infinity;
  const high = max ?? Infinity;
  if (low > high) throw new GraphError(`${path}.max`, `${low} or more, which is min`, describe(max));
  return (x) => (x < low ? low : x > high ? high : x);
}

/** To the next whole number, a half to the even one. Keeps the sign of zero. */
function halfToEven(x: number): number {
  const size = Math.abs(x);
  // From 2^52 on every float64 is whole.
  if (!(size < 4503599627370496)) return x;
  const rounded = size + 4503599627370496 - 4503599627370496;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}
