/**
 * What runs a block: one small interface, so that nothing outside `inference/` knows a runtime's types.
 *
 * A session belongs to the thread that created it, runs synchronously and gives the same bits for a row whatever batch
 * it is in.
 */

import type { Block } from "../../preprocessing/index.js";

/** A model as an engine needs it: its bytes, and the tensors in the order in which blocks are passed. */
export interface EngineModel {
  /** Unique among the bundle's models; prefixes output names in postprocessing (`main.Y`). */
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
}

export interface TensorDescription {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  /** `"rows"` first, then the fixed shape of one row. */
  readonly shape: readonly ["rows", ...number[]];
}

export interface EngineSession {
  /**
   * Runs `rowCount` rows through the model, on the calling thread.
   *
   * @param blocks - One per input, row-major `[rowCount, ...shape]`, in the order of {@link EngineModel.inputs}.
   * @returns One block per output, in the order of {@link EngineModel.outputs}; owned by the caller.
   * @throws Error when the runtime refuses; its text is for the log only.
   */
  run(blocks: readonly Block[], rowCount: number): Block[];
  /**
   * Where rows can be written so that {@link run} needn't copy them: a block in the session's own memory, for its only
   * input. `run` takes any whole rows of it (`subarray`). Not there where the runtime has no such memory.
   *
   * @param rowsMost - Rows that are wanted; there may be fewer.
   */
  room?(rowsMost: number): Block;
  release(): void;
}

export interface Engine {
  /** As it stands in `/models/{m}`, logs and metrics. */
  readonly name: string;
  /**
   * Creates a session on the calling thread, which it blocks for as long as the runtime needs (5-30 ms for a tree model
   * of 1 MB).
   */
  load(model: EngineModel): EngineSession;
}
