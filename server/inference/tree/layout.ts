/// <reference path="./webassembly.d.ts" />

/**
 * Puts a tree model into a memory, as kernel/memory.ts and kernel/trees.ts describe it.
 *
 * Trees are laid out in blocks of eight: all of a block padded to its deepest tree, or all linked, whichever is smaller. So even and shallow trees
 * are padded, which is the faster, and deep or uneven ones don't grow beyond their nodes.
 */

import type { Ensemble } from "./ensemble.js";
import type { KernelSettings, KernelSizes } from "./kernel.js";
import { NotCovered } from "./not-covered.js";
import { type ColumnPlan, planColumns } from "./plan-columns.js";
import type { TreeModel, WholeRule } from "./tree-model.js";

export interface Layout {
  readonly memory: WebAssembly.Memory;
  readonly settings: KernelSettings;
  /** Bytes of what is laid out, without the room for rows, columns and sums. */
  readonly modelBytes: number;
}

const pageBytes = 65_536;
/** A model isn't worth more of a machine's memory. */
const bytesMax = 512 * 1024 * 1024;
/** Beyond, a complete tree isn't the smaller one. */
const paddedLevelsMax = 12;

const ruleCodes: Readonly<Record<WholeRule, number>> = { "as it is": 0, floor: 1, truncate: 2, "or missing": 3 };
/** A node at which no row goes right: of column 0, with a code that no byte is above. */
const neverRight = 127;

/** @throws {@link NotCovered} for a model that would take too much memory. */
export function layOut(model: TreeModel, sizes: KernelSizes): Layout {
  const { ensemble, inputDtype, featureCount } = model;
  const plan = planColumns(model, sizes);
  const valueBytes = ensemble.dtype === "float32" ? 4 : 8;
  const place = new Places();
  const base = place.take(ensemble.targetCount * valueBytes);
  const constants = leadingConstants(ensemble);
  const blocks = planBlocks(ensemble, constants, valueBytes, sizes);
  const features = place.take(plan.features.length * sizes.featureBytes);
  const featureParts = plan.features.map(({ thresholds, chunks, sets }) => ({
    thresholds: place.take(thresholds.byteLength),
    chunks: place.take(chunks.byteLength),
    sets: sets && {
      record: place.take(sizes.setsBytes),
      categories: place.take(sets.categories.byteLength),
      columns: place.take(sets.columns.byteLength),
      bits: place.take(sets.bits.byteLength),
    },
  }));
  const trees = place.take(blocks.length * sizes.blockTrees * sizes.treeBytes);
  const blockRecords = place.take(blocks.length * sizes.blockBytes);
  const linkCount = blocks.reduce((sum, { linkCount }) => sum + linkCount, 0);
  const links = place.take(linkCount * 8);
  const linkValues = place.take(linkCount * valueBytes);
  const parts = blocks.map((block) => place.take(block.bytes));
  const modelBytes = place.end;

  const groupBytes = plan.columnCount * sizes.groupRows;
  const tileColumns = place.take(groupBytes * (sizes.tileRows / sizes.groupRows));
  const sums = place.take(ensemble.targetCount * sizes.tileRows * valueBytes);
  const scratch = place.take(sizes.groupRows);
  const rowBytes = featureCount * (inputDtype === "float32" ? 4 : 8);
  const rows = place.take(sizes.tileRows * rowBytes);
  if (place.end > bytesMax)
    throw new NotCovered(`it would take ${Math.ceil(place.end / 2 ** 20)} MB, and ${bytesMax / 2 ** 20} is the most`);

  const memory = new WebAssembly.Memory({ initial: Math.ceil(place.end / pageBytes), maximum: Math.ceil(place.end / pageBytes) });
  const to = new Writer(memory.buffer, ensemble.dtype);
  for (let tree = 0; tree < constants; tree++)
    to.addValue(base + ensemble.targets[tree]! * valueBytes, ensemble.values[~ensemble.roots[tree]!]!);
  for (const [i, { feature, rule, thresholds, chunks, sets }] of plan.features.entries()) {
    const at = featureParts[i]!;
    const offset = feature * (rowBytes / featureCount);
    const ofSets = at.sets?.record ?? 0;
    to.words(features + i * sizes.featureBytes, [
      offset,
      ruleCodes[rule],
      at.thresholds,
      thresholds.length,
      at.chunks,
      chunks.length / 2,
      ofSets,
    ]);
    to.floats(at.thresholds, thresholds);
    to.words(
      at.chunks,
      chunks.map((column) => column * sizes.groupRows),
    );
    if (sets === undefined) continue;
    const { record, categories, columns, bits } = at.sets!;
    to.words(record, [categories, sets.categories.length, columns, sets.columns.length, bits]);
    to.floats(categories, sets.categories);
    to.words(
      columns,
      sets.columns.map((column) => column * sizes.groupRows),
    );
    to.bytes(bits, sets.bits);
  }
  const trunk = new TreeWriter(to, ensemble, plan, sizes, links, linkValues, valueBytes);
  for (const [i, block] of blocks.entries()) {
    to.words(blockRecords + i * sizes.blockBytes, [block.linked ? 1 : 0, block.levels]);
    const records = trees + i * sizes.blockTrees * sizes.treeBytes;
    if (block.linked) trunk.linkedBlock(block, parts[i]!, records);
    else trunk.paddedBlock(block, parts[i]!, records);
  }
  const treeCount = ensemble.roots.length - constants;
  const counts = { targetCount: ensemble.targetCount, featureCount: plan.features.length, treeCount };
  const places = { rows, columns: tileColumns, sums, base, features, trees, blocks: blockRecords, links, scratch };
  return { memory, settings: { ...places, ...counts, rowBytes, groupBytes }, modelBytes };
}

/** Trees of one leaf that come first are what the sums begin with: no row has to walk them. */
function leadingConstants({ roots }: Ensemble): number {
  const first = roots.findIndex((root) => root >= 0);
  return first === -1 ? roots.length : first;
}

interface Block {
  readonly trees: readonly number[];
  readonly linked: boolean;
  /** Of the deepest tree. */
  readonly levels: number;
  /** Entries among the links. */
  readonly linkCount: number;
  /** Of padded trees and of linked ones' heads. */
  readonly bytes: number;
}

function planBlocks(ensemble: Ensemble, first: number, valueBytes: number, { blockTrees, headLevels }: KernelSizes): Block[] {
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
function paddedTreeBytes(levels: number, valueBytes: number): number {
  return (1 << levels) * (4 + valueBytes);
}

/** Gives out places in a memory that isn't there yet. Place 0 is nobody's. */
class Places {
  end = 16;

  take(bytes: number): number {
    const place = this.end;
    this.end = place + Math.ceil(bytes / 16) * 16;
    return place;
  }
}

/** Writes numbers at places. Little-endian, as WebAssembly is and all processors are that Node runs on. */
class Writer {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #values: Float32Array | Float64Array;

  constructor(buffer: ArrayBuffer, dtype: "float32" | "float64") {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#floats = new Float64Array(buffer);
    this.#values = dtype === "float32" ? new Float32Array(buffer) : this.#floats;
  }

  word(place: number, word: number): void {
    this.#words[place >> 2] = word;
  }

  words(place: number, words: ArrayLike<number>): void {
    this.#words.set(words, place >> 2);
  }

  floats(place: number, floats: Float64Array): void {
    this.#floats.set(floats, place >> 3);
  }

  bytes(place: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, place);
  }

  value(place: number, value: number): void {
    this.#values[place / this.#values.BYTES_PER_ELEMENT] = value;
  }

  addValue(place: number, value: number): void {
    this.#values[place / this.#values.BYTES_PER_ELEMENT]! += value;
  }
}

/** Writes trees, in either form. */
class TreeWriter {
  readonly #to: Writer;
  readonly #ensemble: Ensemble;
  readonly #plan: ColumnPlan;
  readonly #sizes: KernelSizes;
  readonly #links: number;
  readonly #linkValues: number;
  readonly #valueBytes: number;
  #linkCount = 0;
  /** A complete tree's nodes and leaves, level by level. */
  readonly #standing = new Int32Array(2 << paddedLevelsMax);
  /** Where nodes and leaves stand among the links. */
  readonly #nodePlaces: Int32Array;
  readonly #leafPlaces: Int32Array;

  constructor(to: Writer, ensemble: Ensemble, plan: ColumnPlan, sizes: KernelSizes, links: number, linkValues: number, valueBytes: number) {
    this.#to = to;
    this.#ensemble = ensemble;
    this.#plan = plan;
    this.#sizes = sizes;
    this.#links = links;
    this.#linkValues = linkValues;
    this.#valueBytes = valueBytes;
    this.#nodePlaces = new Int32Array(ensemble.nodes.feature.length);
    this.#leafPlaces = new Int32Array(ensemble.values.length);
  }

  paddedBlock({ trees, levels }: Block, place: number, records: number): void {
    const bytes = paddedTreeBytes(levels, this.#valueBytes);
    const { blockTrees } = this.#sizes;
    for (let i = 0; i < blockTrees; i++) {
      const nodes = place + Math.min(i, trees.length) * bytes;
      const values = nodes + (1 << levels) * 4;
      if (i < trees.length) this.#pad(nodes, values, levels, this.#ensemble.roots[trees[i]!]!);
      else if (i === trees.length) this.#padNothing(nodes, levels);
      // By the numbers of the nodes: the leaves' follow those of all others.
      const byNumber = values - ((1 << levels) - 1) * this.#valueBytes;
      this.#record(records, i, [levels, nodes, byNumber, this.#sumsOf(trees[i]), -1]);
    }
  }

  linkedBlock({ trees }: Block, place: number, records: number): void {
    const { blockTrees, headLevels } = this.#sizes;
    const headBytes = (2 * (1 << headLevels) - 1) * 4;
    let nothing = -1;
    for (let i = 0; i < blockTrees; i++) {
      const head = place + Math.min(i, trees.length) * headBytes;
      const tree = trees[i];
      if (tree === undefined) {
        if (nothing < 0) nothing = this.#leafLink(this.#linkCount++, 0);
        this.#record(records, i, [0, head, this.#linkValues, 0, nothing]);
        continue;
      }
      const root = this.#link(this.#ensemble.roots[tree]!, head);
      const below = Math.max(0, this.#ensemble.depths[tree]! - headLevels);
      this.#record(records, i, [below, head, this.#linkValues, this.#sumsOf(tree), root]);
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

  /** Writes the nodes of a complete tree. @returns What stands below them, node or ~leaf, from the left; a leaf that comes early is repeated. */
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

  #pad(nodes: number, values: number, levels: number, root: number): void {
    const leaves = this.#complete(nodes, levels, root);
    for (let i = 0; i < leaves.length; i++) this.#to.value(values + i * this.#valueBytes, this.#ensemble.values[~leaves[i]!]!);
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
