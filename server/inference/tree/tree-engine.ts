/// <reference path="./webassembly.d.ts" />

/** The tree kernel as an engine: sums of a tree ensemble with the bits that ONNX Runtime gives, in a fraction of its time. */

import type { Block } from "../../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession } from "../engine.js";
import { createKernel, kernelSizes, type RunTile } from "./kernel.js";
import { type Layout, layOut } from "./layout.js";
import { type AfterStep, readTreeModel, type TreeModel } from "./tree-model.js";

export class TreeSession implements EngineSession {
  /** What it computes, for those who want to prove it. */
  readonly model: TreeModel;
  /** Bytes of the model in the kernel's memory. */
  readonly modelBytes: number;
  readonly #id: string;
  readonly #layout: Layout;
  readonly #run: RunTile;
  readonly #tileRows: number;
  readonly #tile: Block;
  readonly #sums: Block;
  readonly #steps: readonly AfterStep[];

  constructor(id: string, model: TreeModel, layout: Layout) {
    const { memory, settings, modelBytes } = layout;
    const { inputDtype, featureCount, ensemble } = model;
    const kernel = createKernel(memory, settings);
    this.model = model;
    this.modelBytes = modelBytes;
    this.#id = id;
    this.#layout = layout;
    this.#run = inputDtype === "float64" ? kernel.runFloat64 : ensemble.dtype === "float64" ? kernel.runMixed : kernel.runFloat32;
    this.#tileRows = kernelSizes().tileRows;
    this.#tile = blockAt(memory, inputDtype, layout.tile, this.#tileRows * featureCount);
    this.#sums = blockAt(memory, ensemble.dtype, settings.sums, this.#tileRows * ensemble.targetCount);
    const mean: AfterStep = { op: "Div", operand: new Float64Array(ensemble.targetCount).fill(ensemble.roots.length) };
    this.#steps = ensemble.averages ? [mean, ...model.after] : model.after;
  }

  room(rowsMost: number): Block {
    const { memory, room, roomRows } = this.#layout;
    return blockAt(memory, this.model.inputDtype, room, Math.min(rowsMost, roomRows) * this.model.featureCount);
  }

  run(blocks: readonly Block[], rowCount: number): Block[] {
    const block = blocks[0]!;
    const { featureCount, ensemble, inputDtype } = this.model;
    const { targetCount } = ensemble;
    if (blocks.length !== 1 || block.length !== rowCount * featureCount || block.BYTES_PER_ELEMENT !== this.#tile.BYTES_PER_ELEMENT)
      throw new Error(
        `model "${this.#id}": expected one block of ${inputDtype} [${rowCount}, ${featureCount}], got ${blocks.map((got) => `${got.constructor.name} of ${got.length}`).join(", ") || "none"}`,
      );
    const output = ensemble.dtype === "float32" ? new Float32Array(rowCount * targetCount) : new Float64Array(rowCount * targetCount);
    for (let first = 0; first < rowCount; first += this.#tileRows) {
      const count = Math.min(this.#tileRows, rowCount - first);
      this.#run(this.#placeOf(block, first, count), count);
      this.#takeSums(output, first, count);
    }
    for (const step of this.#steps) apply(step, output);
    return [output];
  }

  release(): void {}

  /** Rows that stand in the kernel's memory stay where they are; others are copied there. */
  #placeOf(block: Block, first: number, count: number): number {
    const { tile, settings } = this.#layout;
    if (block.buffer === this.#tile.buffer) return block.byteOffset + first * settings.rowBytes;
    const { featureCount } = this.model;
    this.#tile.set(block.length <= this.#tile.length ? block : block.subarray(first * featureCount, (first + count) * featureCount));
    return tile;
  }

  #takeSums(output: Block, first: number, count: number): void {
    const { targetCount } = this.model.ensemble;
    for (let target = 0; target < targetCount; target++) {
      let to = first * targetCount + target;
      const begin = target * this.#tileRows;
      for (let from = begin; from < begin + count; from++) {
        output[to] = this.#sums[from]!;
        to += targetCount;
      }
    }
  }
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
