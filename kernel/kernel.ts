/**
 * The tree kernel: sums of a tree ensemble for a tile of rows. Compiled by AssemblyScript to WebAssembly: `load`,
 * `store` and `v128` are one instruction each, and memory outside the model's own can't be reached. docs/tree-kernel.md
 * explains it with drawings.
 */

import { fillColumns } from "./columns";
import { base, blocks, groupBytes, sums, targetCount, tileRows } from "./memory";
import { addToGroups, addToRow } from "./trees";

export { chunkThresholds, featureBytes, passedAll, passedNone, setsBytes } from "./columns";
export {
  base,
  blocks,
  columns,
  featureCount,
  features,
  groupBytes,
  groupRows,
  headBytes,
  heads,
  links,
  rowBytes,
  scratch,
  span,
  spanMax,
  sums,
  targetCount,
  tileRows,
  treeCount,
  trees,
  turns,
} from "./memory";
export { blockBytes, blockTrees, headLevels, treeBytes } from "./trees";

/**
 * Rows beside whole groups that are quicker one by one than as a group of their own (measured: of padded trees 4 rows
 * in a group take as long as 4 single ones, of linked ones 5).
 */
const aloneMaxPadded: i32 = 3;
const aloneMaxLinked: i32 = 5;

// @ts-ignore: decorator
@inline
function run<X, T>(rows: i32, rowCount: i32): void {
  for (let target = 0; target < targetCount; target++) {
    const value = load<T>(base + target * sizeof<T>());
    const sum = sums + target * tileRows * sizeof<T>();
    for (let row = 0; row < rowCount; row++) store<T>(sum + row * sizeof<T>(), value);
  }
  fillColumns<X>(rows, rowCount);
  const columnCount = groupBytes >> 4;
  const rest = rowCount & 15;
  const aloneMax = load<i32>(blocks) != 0 ? aloneMaxLinked : aloneMaxPadded;
  const together = rest <= aloneMax ? rowCount - rest : rowCount;
  if (together > 0) addToGroups<T>(together);
  for (let row = together; row < rowCount; row++) addToRow<T>(row, columnCount);
}

/** Sums in float32 of rows in float32, which stand at `rows`; `rowCount` is at most `tileRows`. */
export function runFloat32(rows: i32, rowCount: i32): void {
  run<f32, f32>(rows, rowCount);
}

/** Sums in float64 of rows in float32. */
export function runMixed(rows: i32, rowCount: i32): void {
  run<f32, f64>(rows, rowCount);
}

/** Sums in float64 of rows in float64. */
export function runFloat64(rows: i32, rowCount: i32): void {
  run<f64, f64>(rows, rowCount);
}
