/**
 * In which form each tree is laid out (kernel/trees.ts has the two).
 *
 * Eight trees make a block: all of it padded to its deepest tree, or all linked, whichever is smaller. So even and
 * shallow trees are padded, which is the faster, and deep or uneven ones don't grow beyond their nodes.
 */

import type { Ensemble } from "./ensemble.js";
import type { KernelSizes } from "./kernel.js";

/** Beyond, a complete tree isn't the smaller one. */
export const paddedLevelsMax = 12;

/** Trees of one leaf that come first are what the sums begin with: no row has to walk them. */
export function leadingConstants({ roots }: Ensemble): number {
  const first = roots.findIndex((root) => root >= 0);
  return first === -1 ? roots.length : first;
}

export interface Block {
  readonly trees: readonly number[];
  readonly linked: boolean;
  /** Of the deepest tree. */
  readonly levels: number;
  /** Entries among the links. */
  readonly linkCount: number;
  /** Of padded trees and of linked ones' heads. */
  readonly bytes: number;
}

export function planBlocks(
  ensemble: Ensemble,
  first: number,
  valueBytes: number,
  { blockTrees, headLevels }: KernelSizes,
): Block[] {
  const { roots, depths } = ensemble;
  const sizeOf = treeSizes(ensemble);
  const headBytes = (2 * (1 << headLevels) - 1) * 4;
  const blocks: Block[] = [];
  for (let begin = first; begin < roots.length; begin += blockTrees) {
    const trees = Array.from({ length: Math.min(blockTrees, roots.length - begin) }, (_, i) => begin + i);
    const levels = Math.max(1, ...trees.map((tree) => depths[tree]!));
    // The last block is filled up with one tree of no effect, which stands for all that are wanting.
    const filled = trees.length < blockTrees ? 1 : 0;
    const linkCount = trees.reduce((sum, tree) => sum + sizeOf[tree]!, filled);
    const linkedBytes = linkCount * (8 + valueBytes) + (trees.length + filled) * headBytes;
    const paddedBytes = (trees.length + filled) * paddedTreeBytes(levels, valueBytes);
    if (levels <= paddedLevelsMax && paddedBytes <= linkedBytes)
      blocks.push({ trees, linked: false, levels, linkCount: 0, bytes: paddedBytes });
    else blocks.push({ trees, linked: true, levels, linkCount, bytes: (trees.length + filled) * headBytes });
  }
  return blocks;
}

/** Nodes and leaves by tree. */
function treeSizes({ roots, nodes: { left, right } }: Ensemble): Int32Array {
  const waiting: number[] = [];
  return roots.map((root) => {
    let size = 0;
    waiting.push(root);
    while (waiting.length > 0) {
      const at = waiting.pop()!;
      size++;
      if (at >= 0) waiting.push(left[at]!, right[at]!);
    }
    return size;
  });
}

/** Nodes, filled up to a multiple of the values' size, and leaves. */
export function paddedTreeBytes(levels: number, valueBytes: number): number {
  return (1 << levels) * (4 + valueBytes);
}
