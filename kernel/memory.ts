/**
 * Where things stand in the memory. The host writes them once, when it has laid out a model
 * (server/inference/tree/layout.ts); addresses are in bytes.
 *
 * A **column** holds what the nodes ask of a feature, in one byte a row: how many of its thresholds a row has passed,
 * less 128. Columns are written for 16 rows side by side, a **group**: a group's columns stand one after the other, 16
 * bytes each. A **tile** is as many rows as are taken at once, `tileRows`.
 */

export const groupRows: i32 = 16;
export const tileRows: i32 = 64;

/** Bytes of a row as it comes. */
export let rowBytes: i32 = 0;
/** The tile's columns: a group takes `groupBytes`. Column 0 is written to and never read. */
export let columns: i32 = 0;
export let groupBytes: i32 = 0;
/** The tile's sums: `tileRows` values for each target, which begin with the values at `base`, one a target. */
export let sums: i32 = 0;
export let base: i32 = 0;
export let targetCount: i32 = 0;
/** Records of `featureBytes`: see columns.ts. */
export let features: i32 = 0;
export let featureCount: i32 = 0;
/**
 * Records of `treeBytes` and, for every `blockTrees` of them, of `blockBytes`: see trees.ts. The last block is filled
 * up with trees of no effect.
 */
export let trees: i32 = 0;
export let treeCount: i32 = 0;
export let blocks: i32 = 0;
/** The nodes of all linked trees, 8 bytes each. */
export let links: i32 = 0;
/**
 * For single rows, where there are at most `spanMax` columns and every tree has at least `headLevels` levels: of each
 * tree 16 columns' numbers and 16 codes, of its first 15 nodes and one that nobody asks. 0 where there are none.
 */
export let heads: i32 = 0;
export const headBytes: i32 = 32;
export const spanMax: i32 = 64;
/** By the answers of a head's first 7 nodes, a bit each, which of the 8 nodes below them comes next. */
export let turns: i32 = 0;
/** The columns of a single row, side by side: `spanMax` bytes. */
export let span: i32 = 0;
/** 16 bytes for a group's positions. */
export let scratch: i32 = 0;
