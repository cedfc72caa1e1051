/** The golden rows as the models get them. */

import type { Block } from "../../preprocessing/index.js";
import { newBlock } from "../path/blocks.js";
import type { Contract } from "./contract.js";

/** What the golden rows gave to the models when the bundle was made, by the blocks' names. */
export function goldenBlocks({ bundle, preprocessor }: Contract): ReadonlyMap<string, Block> {
  const answers = bundle.golden.filter((row) => row.error === undefined);
  return new Map(
    preprocessor.outputs.map((tensor) => {
      const { name, width } = tensor;
      const block = newBlock(answers.length, tensor);
      for (const [row, { features }] of answers.entries()) block.set(features[name]!, row * width);
      return [name, block];
    }),
  );
}

/**
 * Blocks of so many rows, the golden ones over and over: for runs that are to cost what real rows do. Zeros where no
 * golden row has an answer.
 *
 * @returns One per input of the models, in their order; the caller's own.
 */
export function repeatGoldenRows(contract: Contract, rowCount: number): Block[] {
  const golden = goldenBlocks(contract);
  return contract.preprocessor.outputs.map((tensor) => {
    const block = newBlock(rowCount, tensor);
    const source = golden.get(tensor.name)!;
    for (let at = 0; source.length > 0 && at < block.length; at += source.length)
      block.set(source.subarray(0, Math.min(source.length, block.length - at)), at);
    return block;
  });
}
