/// <reference path="../../webassembly.d.ts" />

/** Puts a tree model into a memory, as kernel/memory.ts describes it. */

import type { KernelSettings, KernelSizes } from "./kernel.js";
import { MemoryWriter } from "./memory-writer.js";
import { NotCovered } from "./not-covered.js";
import { leadingConstants, planBlocks } from "./plan-blocks.js";
import { type FeatureColumns, planColumns } from "./plan-columns.js";
import type { TreeModel, WholeRule } from "./tree-model.js";
import { headTurns, TreeWriter, turnTable } from "./write-trees.js";

export interface Layout {
  readonly memory: WebAssembly.Memory;
  readonly settings: KernelSettings;
  /** Where a tile's rows are put that come from elsewhere. */
  readonly tile: number;
  /** Room for rows that are written into the memory at once, and how many there can be. */
  readonly room: number;
  readonly roomRows: number;
  /** Bytes of what is laid out, without the room for rows, columns and sums. */
  readonly modelBytes: number;
}

/** Room for as many rows as a batch of the event loop has, unless they are wide. */
const roomRowsMost = 256;
const roomBytesMost = 262_144;
export const pageBytes = 65_536;
/** A model isn't worth more of a machine's memory. */
const bytesMax = 512 * 1024 * 1024;

const ruleCodes: Readonly<Record<WholeRule, number>> = { "as it is": 0, floor: 1, truncate: 2, "or missing": 3 };

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
  const featurePlaces = plan.features.map((columns) => takeFeature(place, columns, sizes));
  const trees = place.take(blocks.length * sizes.blockTrees * sizes.treeBytes);
  const blockRecords = place.take(blocks.length * sizes.blockBytes);
  const linkCount = blocks.reduce((sum, { linkCount }) => sum + linkCount, 0);
  const links = place.take(linkCount * 8);
  const linkValues = place.take(linkCount * valueBytes);
  const parts = blocks.map((block) => place.take(block.bytes));
  // What single rows need beside the trees is there where it is quick, and small: every tree deep enough, and few
  // columns.
  const hasHeads =
    plan.columnCount <= sizes.spanMax && blocks.every(({ linked, levels }) => linked || levels >= sizes.headLevels);
  const heads = hasHeads ? place.take(blocks.length * sizes.blockTrees * sizes.headBytes) : 0;
  const turns = hasHeads ? place.take(1 << headTurns) : 0;
  const modelBytes = place.end;

  const groupBytes = plan.columnCount * sizes.groupRows;
  const tileColumns = place.take(groupBytes * (sizes.tileRows / sizes.groupRows));
  const sums = place.take(ensemble.targetCount * sizes.tileRows * valueBytes);
  const scratch = place.take(sizes.groupRows);
  const span = place.take(sizes.spanMax);
  const rowBytes = featureCount * (inputDtype === "float32" ? 4 : 8);
  const tile = place.take(sizes.tileRows * rowBytes);
  const roomRows = Math.min(roomRowsMost, Math.floor(roomBytesMost / rowBytes));
  const room = place.take(roomRows * rowBytes);
  if (place.end > bytesMax)
    throw new NotCovered(`it would take ${Math.ceil(place.end / 2 ** 20)} MB, and ${bytesMax / 2 ** 20} is the most`);

  const memory = new WebAssembly.Memory({
    initial: Math.ceil(place.end / pageBytes),
    maximum: Math.ceil(place.end / pageBytes),
  });
  const to = new MemoryWriter(memory.buffer, ensemble.dtype);
  for (let tree = 0; tree < constants; tree++)
    to.addValue(base + ensemble.targets[tree]! * valueBytes, ensemble.values[~ensemble.roots[tree]!]!);
  const valueBytesIn = rowBytes / featureCount;
  for (const [i, columns] of plan.features.entries()) {
    const record = features + i * sizes.featureBytes;
    writeFeature(to, columns, featurePlaces[i]!, {
      record,
      offset: columns.feature * valueBytesIn,
      columnBytes: sizes.groupRows,
    });
  }
  if (hasHeads) to.bytes(turns, turnTable());
  const trunk = new TreeWriter({ to, ensemble, plan, sizes, links, linkValues, hasHeads });
  for (const [i, block] of blocks.entries()) {
    to.words(blockRecords + i * sizes.blockBytes, [block.linked ? 1 : 0, block.levels]);
    const records = trees + i * sizes.blockTrees * sizes.treeBytes;
    const ownHeads = heads + i * sizes.blockTrees * sizes.headBytes;
    if (block.linked) trunk.linkedBlock(block, parts[i]!, records, ownHeads);
    else trunk.paddedBlock(block, parts[i]!, records, ownHeads);
  }
  const treeCount = ensemble.roots.length - constants;
  const counts = { targetCount: ensemble.targetCount, featureCount: plan.features.length, treeCount };
  const places = {
    columns: tileColumns,
    sums,
    base,
    features,
    trees,
    blocks: blockRecords,
    links,
    heads,
    turns,
    span,
    scratch,
  };
  return { memory, settings: { ...places, ...counts, rowBytes, groupBytes }, tile, room, roomRows, modelBytes };
}

interface FeaturePlaces {
  readonly thresholds: number;
  readonly chunks: number;
  readonly sets: { readonly record: number; readonly categories: number; readonly bits: number } | undefined;
}

function takeFeature(
  place: Places,
  { thresholds, chunks, sets }: FeatureColumns,
  { setsBytes }: KernelSizes,
): FeaturePlaces {
  return {
    thresholds: place.take(thresholds.byteLength),
    chunks: place.take(chunks.byteLength),
    sets: sets && {
      record: place.take(setsBytes),
      categories: place.take(sets.categories.byteLength),
      bits: place.take(sets.bits.byteLength),
    },
  };
}

/** @param own - Where its record is, where in a row its value is, and how far apart a group's columns are: in bytes. */
function writeFeature(
  to: MemoryWriter,
  { rule, thresholds, chunks, sets }: FeatureColumns,
  at: FeaturePlaces,
  own: { record: number; offset: number; columnBytes: number },
): void {
  const ofSets = at.sets?.record ?? 0;
  const [count, chunkCount] = [thresholds.length, chunks.length / 2];
  to.words(own.record, [own.offset, ruleCodes[rule], at.thresholds, count, at.chunks, chunkCount, ofSets]);
  to.floats(at.thresholds, thresholds);
  const places = chunks.map((column) => column * own.columnBytes);
  to.words(at.chunks, places);
  if (sets === undefined) return;
  const { record, categories, bits } = at.sets!;
  to.words(record, [categories, sets.categories.length, sets.column * own.columnBytes, sets.count, bits]);
  to.floats(categories, sets.categories);
  to.words(bits, sets.bits);
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
