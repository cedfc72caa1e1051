/// <reference path="./webassembly.d.ts" />

/** The tree kernel as an engine: sums of a tree ensemble with the bits that ONNX Runtime gives, in a fraction of its time. */

import type { Block } from "../../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession } from "../engine.js";
import { createKernel, kernelSizes } from "./kernel.js";
import { type Layout, layOut } from "./layout.js";
import { type AfterStep, readTreeModel, type TreeModel } from "./tree-model.js";

export class TreeSession implements EngineSession {
  readonly engine = "tree";
  /** What it computes, for those who want to prove it. */
  readonly model: TreeModel;
  /** Bytes of the model in the kernel's memory. */
  readonly modelBytes: number;
  readonly #id: string;
  readonly #run: (rowCount: number) => void;
  readonly #rows: Block;
  readonly #sums: Block;
  readonly #tileRows: number;
  readonly #steps: readonly AfterStep[];

  constructor(id: string, model: TreeModel, { memory, settings, modelBytes }: Layout) {
    const { inputDtype, featureCount, ensemble } = model;
    const kernel = createKernel(memory, settings);
    this.model = model;
    this.modelBytes = modelBytes;
    this.#id = id;
    this.#run = inputDtype === "float64" ? kernel.runFloat64 : ensemble.dtype === "float64" ? kernel.runMixed : kernel.runFloat32;
    this.#tileRows = kernelSizes().tileRows;
    this.#rows = blockAt(memory, inputDtype, settings.rows, this.#tileRows * featureCount);
    this.#sums = blockAt(memory, ensemble.dtype, settings.sums, this.#tileRows * ensemble.targetCount);
    const mean: AfterStep = { op: "Div", operand: new Float64Array(ensemble.targetCount).fill(ensemble.roots.length) };
    this.#steps = ensemble.averages ? [mean, ...model.after] : model.after;
  }

  run(blocks: readonly Block[], rowCount: number): Block[] {
    const block = blocks[0]!;
    const { featureCount, ensemble, inputDtype } = this.model;
    const { targetCount } = ensemble;
    if (blocks.length !== 1 || block.length !== rowCount * featureCount || block.BYTES_PER_ELEMENT !== this.#rows.BYTES_PER_ELEMENT)
      throw new Error(
        `model "${this.#id}": expected one block of ${inputDtype} [${rowCount}, ${featureCount}], got ${block.constructor.name} of ${block.length}`,
      );
    const output = ensemble.dtype === "float32" ? new Float32Array(rowCount * targetCount) : new Float64Array(rowCount * targetCount);
    const tile = this.#tileRows;
    for (let first = 0; first < rowCount; first += tile) {
      const count = Math.min(tile, rowCount - first);
      this.#rows.set(rowCount <= tile ? block : block.subarray(first * featureCount, (first + count) * featureCount));
      this.#run(count);
      for (let target = 0; target < targetCount; target++) {
        let to = first * targetCount + target;
        for (let from = target * tile; from < target * tile + count; from++) {
          output[to] = this.#sums[from]!;
          to += targetCount;
        }
      }
    }
    for (const step of this.#steps) apply(step, output);
    return [output];
  }

  release(): void {}
}

/** One rounding, as in the block's own precision: float64 holds exactly what two float32 give, or enough of it. */
function apply({ op, operand }: AfterStep, output: Block): void {
  const width = operand.length;
  for (let i = 0; i < output.length; i++) {
    const by = operand[i % width]!;
    output[i] = op === "Div" ? output[i]! / by : op === "Mul" ? output[i]! * by : output[i]! + by;
  }
}

function blockAt(memory: WebAssembly.Memory, dtype: "float32" | "float64", place: number, length: number): Block {
  return dtype === "float32" ? new Float32Array(memory.buffer, place, length) : new Float64Array(memory.buffer, place, length);
}

/** Takes what it covers; throws {@link NotCovered} for anything else. */
export const treeEngine = {
  name: "tree",
  load(model: EngineModel): TreeSession {
    const read = readTreeModel(model);
    return new TreeSession(model.id, read, layOut(read, kernelSizes()));
  },
} satisfies Engine;
