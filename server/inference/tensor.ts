/** Sizes of tensors and blocks, for everything that packs, cuts and checks them. */

import type { TensorDescription } from "./engine.js";

/** Values of one row in a tensor: the product of its shape without the rows. */
export function rowWidth({ shape }: Pick<TensorDescription, "shape">): number {
  let width = 1;
  for (let i = 1; i < shape.length; i++) width *= shape[i] as number;
  return width;
}
