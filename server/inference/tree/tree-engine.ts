/// <reference path="../../webassembly.d.ts" />

/**
 * The tree kernel as an engine: sums of a tree ensemble with the bits that ONNX Runtime gives, in a fraction of its
 * time.
 */

import type { Pause } from "../../../bundle/index.js";
import type { Block } from "../../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession } from "../engine.js";
import { createKernel, kernelSizes, type RunTile } from "./kernel.js";
import { type Layout, layOut, pageBytes } from "./layout.js";
import { type AfterStep, readTreeModel, type TreeModel } from "./tree-model.js";

/** What of a model is needed to run it, beside what is in the kernel's memory. */
interface TreeShape {
  readonly inputDtype: "float32" | "float64";
  readonly featureCount: number;
  readonly dtype: "float32" | "float64";
  readonly targetCount: number;
  readonly steps: readonly AfterStep[];
}

/**
 * A model as it lies in the kernel's memory, to be copied into another thread's: reading and laying it out again would
 * take that thread as long. Plain data; the bytes are shared, not copied, between threads.
 */
export interface TreeImage {
  readonly shape: TreeShape;
  readonly layout: Omit<Layout, "memory">;
  readonly bytes: Uint8Array;
  readonly memoryPages: number;
}

export class TreeSession implements EngineSession {
  /** Bytes of the model in the kernel's memory. */
  readonly modelBytes: number;
  readonly #shape: TreeShape;
  readonly #id: string;
  readonly #layout: Layout;
  readonly #run: RunTile;
  readonly #tileRows: number;
  readonly #tile: Block;
  readonly #sums: Block;

  constructor(id: string, shape: TreeShape, layout: Layout) {
    const { memory, settings, modelBytes } = layout;
    const { inputDtype, featureCount, dtype, targetCount } = shape;
    const kernel = createKernel(memory, settings);
    this.modelBytes = modelBytes;
    this.#shape = shape;
    this.#id = id;
    this.#layout = layout;
    this.#run =
      inputDtype === "float64" ? kernel.runFloat64 : dtype === "float64" ? kernel.runMixed : kernel.runFloat32;
    this.#tileRows = kernelSizes().tileRows;
    this.#tile = blockAt(memory, inputDtype, layout.tile, this.#tileRows * featureCount);
    this.#sums = blockAt(memory, dtype, settings.sums, this.#tileRows * targetCount);
  }

  image(): TreeImage {
    const { memory, ...layout } = this.#layout;
    const bytes = new Uint8Array(new SharedArrayBuffer(this.modelBytes));
    bytes.set(new Uint8Array(memory.buffer, 0, this.modelBytes));
    return { shape: this.#shape, layout, bytes, memoryPages: memory.buffer.byteLength / pageBytes };
  }

  room(rowsMost: number): Block {
    const { memory, room, roomRows } = this.#layout;
    const { inputDtype, featureCount } = this.#shape;
    return blockAt(memory, inputDtype, room, Math.min(rowsMost, roomRows) * featureCount);
  }

  run(blocks: readonly Block[], rowCount: number): Block[] {
    const block = blocks[0]!;
    const { featureCount, dtype, targetCount, inputDtype } = this.#shape;
    if (
      blocks.length !== 1 ||
      block.length !== rowCount * featureCount ||
      block.BYTES_PER_ELEMENT !== this.#tile.BYTES_PER_ELEMENT
    )
      throw new Error(
        `model "${this.#id}": expected one block of ${inputDtype} [${rowCount}, ${featureCount}], got ${blocks.map((got) => `${got.constructor.name} of ${got.length}`).join(", ") || "none"}`,
      );
    const output =
      dtype === "float32" ? new Float32Array(rowCount * targetCount) : new Float64Array(rowCount * targetCount);
    for (let first = 0; first < rowCount; first += this.#tileRows) {
      const count = Math.min(this.#tileRows, rowCount - first);
      this.#run(this.#placeOf(block, first, count), count);
      this.#takeSums(output, first, count);
    }
    for (const step of this.#shape.steps) apply(step, output);
    return [output];
  }

  release(): void {}

  /** Rows that stand in the kernel's memory stay where they are; others are copied there. */
  #placeOf(block: Block, first: number, count: number): number {
    const { tile, settings } = this.#layout;
    if (block.buffer === this.#tile.buffer) return block.byteOffset + first * settings.rowBytes;
    const { featureCount } = this.#shape;
    this.#tile.set(
      block.length <= this.#tile.length ? block : block.subarray(first * featureCount, (first + count) * featureCount),
    );
    return tile;
  }

  #takeSums(output: Block, first: number, count: number): void {
    const { targetCount } = this.#shape;
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
  return dtype === "float32"
    ? new Float32Array(memory.buffer, place, length)
    : new Float64Array(memory.buffer, place, length);
}

/** A session that also tells what it computes, for those who want to prove it. */
class KnownTreeSession extends TreeSession {
  readonly model: TreeModel;

  constructor(id: string, model: TreeModel, layout: Layout) {
    super(id, shapeOf(model), layout);
    this.model = model;
  }
}

function shapeOf({ inputDtype, featureCount, ensemble, after }: TreeModel): TreeShape {
  const { dtype, targetCount, averages, roots } = ensemble;
  const mean: AfterStep = { op: "Div", operand: new Float64Array(targetCount).fill(roots.length) };
  return { inputDtype, featureCount, dtype, targetCount, steps: averages ? [mean, ...after] : after };
}

/** Takes what it covers; throws {@link NotCovered} for anything else. */
export const treeEngine = {
  name: "tree",
  load(model: EngineModel): KnownTreeSession {
    const read = readTreeModel(model);
    return new KnownTreeSession(model.id, read, layOut(read, kernelSizes()));
  },
} satisfies Engine;

/** @returns Undefined for a session of another engine. */
export function treeImageOf(session: EngineSession): TreeImage | undefined {
  return session instanceof TreeSession ? session.image() : undefined;
}

/** Bytes that are copied in one step: a tenth of a millisecond or two. */
const copyBytes = 1_048_576;

/** A session from the image of another thread's, without a long step. */
export async function openTreeImage(id: string, image: TreeImage, pause: Pause): Promise<EngineSession> {
  const { bytes, memoryPages, shape, layout } = image;
  const memory = new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages });
  const to = new Uint8Array(memory.buffer);
  for (let first = 0; first < bytes.length; first += copyBytes) {
    to.set(bytes.subarray(first, first + copyBytes), first);
    await pause();
  }
  return new TreeSession(id, shape, { ...layout, memory });
}

/** Compiles the kernel, which the first session would do. */
export function openTreeKernel(): void {
  kernelSizes();
}
