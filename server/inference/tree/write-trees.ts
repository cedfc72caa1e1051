/** Writes trees into the kernel's memory, in either form (kernel/trees.ts has the two). */

import type { Ensemble } from "./ensemble.js";
import type { KernelSizes } from "./kernel.js";
import type { MemoryWriter } from "./memory-writer.js";
import { type Block, paddedLevelsMax, paddedTreeBytes } from "./plan-blocks.js";
import type { ColumnPlan } from "./plan-columns.js";

/** A node at which no row goes right: of column 0, with a code that no byte is above. */
const neverRight = 127;
/** In the place of a leaf. */
const noNode = -1;

/** Nodes of a head's first three levels. */
export const headTurns = 7;

/** By the answers of a complete tree's first 7 nodes, a bit each, the number of the node below them. */
export function turnTable(): Uint8Array {
  return Uint8Array.from({ length: 1 << headTurns }, (_, answers) => {
    let node = 0;
    while (node < headTurns) node = 2 * node + 1 + ((answers >> node) & 1);
    return node;
  });
}

export interface TreePlaces {
  readonly to: MemoryWriter;
  readonly ensemble: Ensemble;
  readonly plan: ColumnPlan;
  readonly sizes: KernelSizes;
  /** Of the nodes of linked trees. */
  readonly links: number;
  /** Of their values. */
  readonly linkValues: number;
  /** Whether single rows have heads of their own. */
  readonly hasHeads: boolean;
}

export class TreeWriter {
  readonly #to: MemoryWriter;
  readonly #ensemble: Ensemble;
  readonly #plan: ColumnPlan;
  readonly #sizes: KernelSizes;
  readonly #links: number;
  readonly #linkValues: number;
  readonly #valueBytes: number;
  readonly #hasHeads: boolean;
  #linkCount = 0;
  /** A complete tree's nodes and leaves, level by level. */
  readonly #standing = new Int32Array(2 << paddedLevelsMax);
  /** Where nodes and leaves stand among the links. */
  readonly #nodePlaces: Int32Array;
  readonly #leafPlaces: Int32Array;

  constructor({ to, ensemble, plan, sizes, links, linkValues, hasHeads }: TreePlaces) {
    this.#to = to;
    this.#ensemble = ensemble;
    this.#plan = plan;
    this.#sizes = sizes;
    this.#links = links;
    this.#linkValues = linkValues;
    this.#valueBytes = ensemble.dtype === "float32" ? 4 : 8;
    this.#hasHeads = hasHeads;
    this.#nodePlaces = new Int32Array(ensemble.nodes.feature.length);
    this.#leafPlaces = new Int32Array(ensemble.values.length);
  }

  paddedBlock({ trees, levels }: Block, place: number, records: number, heads: number): void {
    const bytes = paddedTreeBytes(levels, this.#valueBytes);
    const { blockTrees, headBytes } = this.#sizes;
    for (let i = 0; i < blockTrees; i++) {
      const nodes = place + Math.min(i, trees.length) * bytes;
      const values = nodes + (1 << levels) * 4;
      if (i < trees.length) this.#pad(nodes, values, levels, this.#ensemble.roots[trees[i]!]!);
      else if (i === trees.length) this.#padNothing(nodes, levels);
      this.#head(heads + i * headBytes, this.#ensemble.roots[trees[i] ?? -1]);
      // By the numbers of the nodes: the leaves' follow those of all others.
      const byNumber = values - ((1 << levels) - 1) * this.#valueBytes;
      this.#record(records, i, [levels, nodes, byNumber, this.#sumsOf(trees[i]), -1]);
    }
  }

  linkedBlock({ trees }: Block, place: number, records: number, heads: number): void {
    const { blockTrees, headLevels, headBytes } = this.#sizes;
    const partBytes = (2 * (1 << headLevels) - 1) * 4;
    let nothing = -1;
    for (let i = 0; i < blockTrees; i++) {
      const head = place + Math.min(i, trees.length) * partBytes;
      const tree = trees[i];
      this.#head(heads + i * headBytes, tree === undefined ? undefined : this.#ensemble.roots[tree]);
      if (tree === undefined) {
        // Single rows read its entries.
        if (nothing < 0) {
          nothing = this.#leafLink(this.#linkCount++, 0);
          const entries = head + ((1 << headLevels) - 1) * 4;
          for (let entry = 0; entry < 1 << headLevels; entry++) this.#to.word(entries + entry * 4, nothing);
        }
        this.#record(records, i, [0, head, this.#linkValues, 0, nothing]);
        continue;
      }
      const root = this.#link(this.#ensemble.roots[tree]!, head);
      this.#record(records, i, [this.#ensemble.depths[tree]!, head, this.#linkValues, this.#sumsOf(tree), root]);
    }
  }

  #record(records: number, index: number, words: readonly number[]): void {
    this.#to.words(records + index * this.#sizes.treeBytes, words);
  }

  #sumsOf(tree: number | undefined): number {
    return tree === undefined ? 0 : this.#ensemble.targets[tree]! * this.#sizes.tileRows * this.#valueBytes;
  }

  #codeOf(node: number): number {
    return ((this.#plan.columnOf[node]! * this.#sizes.groupRows) << 8) | (this.#plan.codeOf[node]! & 0xff);
  }

  /**
   * Writes the nodes of a complete tree. @returns What stands below them, node or ~leaf, from the left; a leaf that
   * comes early is repeated.
   */
  #complete(nodes: number, levels: number, root: number): Int32Array {
    const { left, right } = this.#ensemble.nodes;
    const inner = (1 << levels) - 1;
    const standing = this.#standing;
    standing[0] = root;
    for (let i = 0; i < inner; i++) {
      const at = standing[i]!;
      this.#to.word(nodes + i * 4, at < 0 ? neverRight : this.#codeOf(at));
      standing[2 * i + 1] = at < 0 ? at : left[at]!;
      standing[2 * i + 2] = at < 0 ? at : right[at]!;
    }
    return standing.subarray(inner, 2 * inner + 1);
  }

  /**
   * The first 15 nodes of a tree, for single rows: their columns, and their codes. A tree that isn't there has none at
   * which a row goes right.
   */
  #head(place: number, root: number | undefined): void {
    if (!this.#hasHeads) return;
    const { headLevels, headBytes } = this.#sizes;
    const { left, right } = this.#ensemble.nodes;
    const nodes = (1 << headLevels) - 1;
    const bytes = new Uint8Array(headBytes).fill(neverRight, headBytes / 2);
    const standing = this.#standing;
    standing[0] = root ?? noNode;
    for (let i = 0; i < nodes; i++) {
      const at = standing[i]!;
      standing[2 * i + 1] = at < 0 ? at : left[at]!;
      standing[2 * i + 2] = at < 0 ? at : right[at]!;
      if (at < 0) continue;
      bytes[i] = this.#plan.columnOf[at]!;
      bytes[headBytes / 2 + i] = this.#plan.codeOf[at]!;
    }
    this.#to.bytes(place, bytes);
  }

  #pad(nodes: number, values: number, levels: number, root: number): void {
    const leaves = this.#complete(nodes, levels, root);
    for (let i = 0; i < leaves.length; i++)
      this.#to.value(values + i * this.#valueBytes, this.#ensemble.values[~leaves[i]!]!);
  }

  #padNothing(nodes: number, levels: number): void {
    for (let i = 0; i < (1 << levels) - 1; i++) this.#to.word(nodes + i * 4, neverRight);
  }

  /** Links a tree, children side by side, and writes its head. @returns The root's place. */
  #link(root: number, head: number): number {
    const { left, right } = this.#ensemble.nodes;
    const { headLevels } = this.#sizes;
    const first = this.#linkCount++;
    const waiting = [root];
    // Children are given their places when their parent is met, so the place of the n-th that waits is known.
    const places = [first];
    for (let next = 0; next < waiting.length; next++) {
      const at = waiting[next]!;
      const place = places[next]!;
      if (at < 0) {
        this.#leafLink(place, this.#ensemble.values[~at]!);
        this.#leafPlaces[~at] = place;
        continue;
      }
      const children = this.#linkCount;
      this.#linkCount += 2;
      this.#to.words(this.#links + place * 8, [this.#codeOf(at), children * 8]);
      this.#nodePlaces[at] = place;
      waiting.push(left[at]!, right[at]!);
      places.push(children, children + 1);
    }
    const below = this.#complete(head, headLevels, root);
    const entries = head + ((1 << headLevels) - 1) * 4;
    for (let i = 0; i < below.length; i++) {
      const at = below[i]!;
      this.#to.word(entries + i * 4, (at < 0 ? this.#leafPlaces[~at]! : this.#nodePlaces[at]!) * 8);
    }
    return first * 8;
  }

  /** A leaf leads to itself. @returns Its place. */
  #leafLink(place: number, value: number): number {
    this.#to.words(this.#links + place * 8, [neverRight, place * 8]);
    this.#to.value(this.#linkValues + place * this.#valueBytes, value);
    return place * 8;
  }
}
