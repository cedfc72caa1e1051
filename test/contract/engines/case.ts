/**
 * What an engine brings to the contract: models that it covers, with answers that are known, and what it has to refuse.
 */

import type { Block } from "../../../preprocessing/index.js";
import type { Engine, EngineModel, TensorDescription } from "../../../server/inference/engine.js";

export interface EngineMember {
  readonly engine: Engine;
  /** One float32 column in, one out; each row has another answer, if its values are different enough. */
  readonly plain: EngineModel;
  readonly other: EngineModel;
  readonly cases: readonly EngineCase[];
  /** Models that it doesn't load, and what it says then. */
  readonly unloadable: readonly { readonly name: string; readonly model: EngineModel; readonly says: RegExp }[];
  /** Runs that throw, and after which the engine works as before. */
  readonly failingRuns: readonly FailingRun[];
}

export interface EngineCase {
  readonly name: string;
  readonly model: EngineModel;
  readonly rows: number;
  readonly blocks: readonly Block[];
  readonly answers: readonly Block[];
}

export interface FailingRun {
  readonly name: string;
  readonly model: EngineModel;
  readonly rows: number;
  readonly blocks: readonly Block[];
  readonly says: RegExp | string;
  /** One row that the same session has to answer afterwards; undefined where it answers none. */
  readonly soundRun?: { readonly blocks: readonly Block[]; readonly answers: readonly Block[] };
}

export const tensor = (
  name: string,
  shape: readonly number[] = [1],
  dtype: TensorDescription["dtype"] = "float32",
): TensorDescription => ({
  name,
  dtype,
  shape: ["rows", ...shape],
});
export const f32 = (...values: number[]) => Float32Array.from(values);
export const f64 = (...values: number[]) => Float64Array.from(values);
