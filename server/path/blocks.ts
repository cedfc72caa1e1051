/** Blocks: the tensors [rows, width] that models take and give. */

import { Columns } from "../../preprocessing/index.js";

/** Rows that came as blocks, one for each that the models take, in order: float64, row-major, as wide as those. */
export class BlockRows extends Columns {
  readonly blocks: readonly Float64Array[];

  constructor(rowCount: number, blocks: readonly Float64Array[]) {
    super(rowCount, noColumns);
    this.blocks = blocks;
  }
}

const noColumns: Columns["values"] = new Map();

interface Tensor {
  readonly dtype: "float32" | "float64";
  /** Values per row. */
  readonly width: number;
}

/** Zeros for `rowCount` rows, a block per tensor. */
export function newBlocks(rowCount: number, tensors: readonly Tensor[]): (Float32Array | Float64Array)[] {
  if (tensors.length === 1) return [newBlock(rowCount, tensors[0]!)];
  return tensors.map((tensor) => newBlock(rowCount, tensor));
}

export function newBlock(rowCount: number, { dtype, width }: Tensor): Float32Array | Float64Array {
  return dtype === "float32" ? new Float32Array(rowCount * width) : new Float64Array(rowCount * width);
}
