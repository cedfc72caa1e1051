/**
 * From columns to sums: no comparison here is a branch, because on real rows a tree's comparisons can't be predicted,
 * and a branch that is predicted wrongly costs more than a whole level.
 *
 * A node is 4 bytes: its column's place in a group (24 bits) and a code. A row goes right where its byte in that column
 * is above the code.
 *
 * A **padded** tree is complete: the children of node i are 2i + 1 and 2i + 2, and a leaf that comes early is repeated
 * below. A **linked** tree is for those that are deep or uneven: behind its node each entry has the place of the left
 * child, the right one follows it, and a leaf leads to itself. Its first 4 levels are padded all the same, with the
 * entries behind them.
 *
 * A group of rows takes the first 4 levels with vectors: every node of a level is asked for all 16 rows at once, and
 * each row's answer is picked by the answers before. It needs no row's own place in the tree, and so nothing waits for
 * anything. Further levels go row by row, four side by side, eight in a linked tree (where how many levels there are
 * can't be predicted, and eight share the price of that); a single row goes through eight trees side by side. Leaves
 * are added in the trees' order, in the model's own precision: so every sum has the same bits as one that is made row
 * by row.
 */

import { blocks, columns, groupBytes, headBytes, heads, links, scratch, span, sums, treeCount, trees, turns } from "./memory";

/**
 * A tree's record: its levels, its nodes from the root (the padded part), its values, the place of its target's
 * sums, and a linked one's root among the links (-1: padded). A padded tree's values are addressed by its nodes'
 * numbers: the leaves' follow the nodes'. A linked tree's values stand as the links do.
 */
export const treeBytes: i32 = 20;
export const blockTrees: i32 = 8;
/** A block's record: whether its trees are linked, and how many levels the deepest has. */
export const blockBytes: i32 = 8;
/** Levels that a group takes with vectors. */
export const headLevels: i32 = 4;
const headNodes: i32 = 15;
/** The node of a leaf among the links: of column 0, with a code that no byte is above. No other node reads column 0. */
const leafNode: u32 = 127;

/** Which rows of a group go right at a node: a mask by row. */
// @ts-ignore: decorator
@inline
function goRight(group: i32, nodes: i32, index: i32): v128 {
  const node = load<u32>(nodes + (index << 2));
  return v128.gt<i8>(v128.load(group + (node >>> 8)), v128.splat<i8>(<i8>node));
}

// @ts-ignore: decorator
@inline
function pick(right: v128, left: v128, wentRight: v128): v128 {
  return v128.bitselect(right, left, wentRight);
}

/** Where each row of a group stands, from the left, in the row of nodes below the first `levels`, at most 4. */
// @ts-ignore: decorator
@inline
function head(group: i32, nodes: i32, levels: i32): v128 {
  const first = goRight(group, nodes, 0);
  let place = v128.neg<i8>(first);
  if (levels == 1) return place;
  const second = pick(goRight(group, nodes, 2), goRight(group, nodes, 1), first);
  place = v128.sub<i8>(v128.add<i8>(place, place), second);
  if (levels == 2) return place;
  const third = pick(
    pick(goRight(group, nodes, 6), goRight(group, nodes, 5), second),
    pick(goRight(group, nodes, 4), goRight(group, nodes, 3), second),
    first,
  );
  place = v128.sub<i8>(v128.add<i8>(place, place), third);
  if (levels == 3) return place;
  const fourth = pick(
    pick(
      pick(goRight(group, nodes, 14), goRight(group, nodes, 13), third),
      pick(goRight(group, nodes, 12), goRight(group, nodes, 11), third),
      second,
    ),
    pick(
      pick(goRight(group, nodes, 10), goRight(group, nodes, 9), third),
      pick(goRight(group, nodes, 8), goRight(group, nodes, 7), third),
      second,
    ),
    first,
  );
  return v128.sub<i8>(v128.add<i8>(place, place), fourth);
}

/** The next node's number, in a padded tree. */
// @ts-ignore: decorator
@inline
function stepDown(nodes: i32, row: i32, index: i32): i32 {
  const node = load<u32>(nodes + (index << 2));
  return (index << 1) + 1 + i32(<i32>load<i8>(row + (node >>> 8)) > <i32>(<i8>node));
}

/** The next node's place among the links, from a node there. */
// @ts-ignore: decorator
@inline
function follow(all: i32, row: i32, link: i32, node: u32): i32 {
  return load<i32>(all + link, 4) + (i32(<i32>load<i8>(row + (node >>> 8)) > <i32>(<i8>node)) << 3);
}

/** The place of a linked node's value: values are as far apart as they are large, links 8 bytes. */
// @ts-ignore: decorator
@inline
function valueOf<T>(link: i32): i32 {
  return sizeof<T>() == 4 ? link >> 1 : link;
}

// @ts-ignore: decorator
@inline
function shift<T>(): i32 {
  return sizeof<T>() == 4 ? 2 : 3;
}

/** Adds four values, at addresses, to the sums of four rows. */
// @ts-ignore: decorator
@inline
function addFour<T>(sum: i32, a: i32, b: i32, c: i32, d: i32): void {
  if (sizeof<T>() == 4) {
    let values = v128.load_zero<u32>(a);
    values = v128.load_lane<u32>(b, values, 1);
    values = v128.load_lane<u32>(c, values, 2);
    values = v128.load_lane<u32>(d, values, 3);
    v128.store(sum, v128.add<f32>(v128.load(sum), values));
  } else {
    v128.store(sum, v128.add<f64>(v128.load(sum), v128.load_lane<u64>(b, v128.load_zero<u64>(a), 1)));
    v128.store(sum, v128.add<f64>(v128.load(sum, 16), v128.load_lane<u64>(d, v128.load_zero<u64>(c), 1)), 16);
  }
}

/**
 * Adds all trees to the sums of the tile's first `rowCount` rows, in groups: a tree's nodes are fetched once for all of
 * them.
 */
export function addToGroups<T>(rowCount: i32): void {
  for (let t = 0; t < treeCount; t++) {
    const tree = trees + t * treeBytes;
    const levels = load<i32>(tree);
    const nodes = load<i32>(tree, 4);
    const values = load<i32>(tree, 8);
    const target = sums + load<i32>(tree, 12);
    const linked = load<i32>(tree, 16) >= 0;
    let group = columns;
    for (let first = 0; first < rowCount; first += 16) {
      const lanes = min(16, rowCount - first);
      const sum = target + (first << shift<T>());
      if (linked) addLinked<T>(group, nodes, values, lanes, sum);
      else addPadded<T>(group, nodes, values, levels, lanes, sum);
      group += groupBytes;
    }
  }
}

// @ts-ignore: decorator
@inline
function addPadded<T>(group: i32, nodes: i32, values: i32, levels: i32, lanes: i32, sum: i32): void {
  const above = min(levels, headLevels);
  v128.store(scratch, head(group, nodes, above));
  const begin = (1 << above) - 1;
  for (let lane = 0; lane < lanes; lane += 4) {
    const row = group + lane;
    let a = begin + <i32>load<u8>(scratch + lane);
    let b = begin + <i32>load<u8>(scratch + lane, 1);
    let c = begin + <i32>load<u8>(scratch + lane, 2);
    let d = begin + <i32>load<u8>(scratch + lane, 3);
    for (let level = headLevels; level < levels; level++) {
      a = stepDown(nodes, row, a);
      b = stepDown(nodes, row + 1, b);
      c = stepDown(nodes, row + 2, c);
      d = stepDown(nodes, row + 3, d);
    }
    const s = shift<T>();
    addFour<T>(sum + (lane << s), values + (a << s), values + (b << s), values + (c << s), values + (d << s));
  }
}

// @ts-ignore: decorator
@inline
function addLinked<T>(group: i32, nodes: i32, values: i32, lanes: i32, sum: i32): void {
  v128.store(scratch, head(group, nodes, headLevels));
  const all = links;
  const entries = nodes + (headNodes << 2);
  for (let lane = 0; lane < lanes; lane += 8) {
    const row = group + lane;
    let a = load<i32>(entries + (<i32>load<u8>(scratch + lane) << 2));
    let b = load<i32>(entries + (<i32>load<u8>(scratch + lane, 1) << 2));
    let c = load<i32>(entries + (<i32>load<u8>(scratch + lane, 2) << 2));
    let d = load<i32>(entries + (<i32>load<u8>(scratch + lane, 3) << 2));
    let e = load<i32>(entries + (<i32>load<u8>(scratch + lane, 4) << 2));
    let f = load<i32>(entries + (<i32>load<u8>(scratch + lane, 5) << 2));
    let g = load<i32>(entries + (<i32>load<u8>(scratch + lane, 6) << 2));
    let h = load<i32>(entries + (<i32>load<u8>(scratch + lane, 7) << 2));
    for (;;) {
      const nodeA = load<u32>(all + a);
      const nodeB = load<u32>(all + b);
      const nodeC = load<u32>(all + c);
      const nodeD = load<u32>(all + d);
      const nodeE = load<u32>(all + e);
      const nodeF = load<u32>(all + f);
      const nodeG = load<u32>(all + g);
      const nodeH = load<u32>(all + h);
      if ((nodeA | nodeB | nodeC | nodeD | nodeE | nodeF | nodeG | nodeH) == leafNode) break;
      a = follow(all, row, a, nodeA);
      b = follow(all, row + 1, b, nodeB);
      c = follow(all, row + 2, c, nodeC);
      d = follow(all, row + 3, d, nodeD);
      e = follow(all, row + 4, e, nodeE);
      f = follow(all, row + 5, f, nodeF);
      g = follow(all, row + 6, g, nodeG);
      h = follow(all, row + 7, h, nodeH);
    }
    addFour<T>(sum + ((lane + 0) << shift<T>()), values + valueOf<T>(a), values + valueOf<T>(b), values + valueOf<T>(c), values + valueOf<T>(d));
    addFour<T>(sum + ((lane + 4) << shift<T>()), values + valueOf<T>(e), values + valueOf<T>(f), values + valueOf<T>(g), values + valueOf<T>(h));
  }
}

/** Adds one value of a tree to one row's sum. */
// @ts-ignore: decorator
@inline
function addOne<T>(row: i32, tree: i32, value: i32): void {
  const sum = sums + load<i32>(tree, 12) + (row << shift<T>());
  store<T>(sum, load<T>(sum) + load<T>(load<i32>(tree, 8) + value));
}

/** Adds all trees to the sums of one row of the tile, which has so many columns. */
export function addToRow<T>(row: i32, columnCount: i32): void {
  const at = columns + (row >> 4) * groupBytes + (row & 15);
  if (heads != 0) for (let column = 0; column < columnCount; column++) store<u8>(span + column, load<u8>(at + (column << 4)));
  const end = trees + treeCount * treeBytes;
  let block = blocks;
  let head = heads;
  for (let tree = trees; tree < end; tree += blockTrees * treeBytes) {
    const linked = load<i32>(block) != 0;
    const levels = load<i32>(block, 4);
    if (linked) rowThroughLinked<T>(row, at, tree, head, columnCount);
    else rowThroughPadded<T>(row, at, tree, head, columnCount, levels);
    block += blockBytes;
    if (heads != 0) head += blockTrees * headBytes;
  }
}

/**
 * The number of the node, on the level below a tree's head, that a row comes to: all nodes of the head are asked at
 * once.
 */
// @ts-ignore: decorator
@inline
function throughHead(head: i32, columnCount: i32): i32 {
  let which = v128.load(head);
  let asked = v128.swizzle(v128.load(span), which);
  // Each vector has 16 columns; for those that it hasn't it gives 0.
  for (let first = 16; first < columnCount; first += 16) {
    which = v128.sub<i8>(which, v128.splat<i8>(16));
    asked = v128.or(asked, v128.swizzle(v128.load(span + first), which));
  }
  const right = v128.bitmask<i8>(v128.gt<i8>(asked, v128.load(head, 16)));
  const third = <i32>load<u8>(turns + (right & 127));
  return (third << 1) + 1 + ((right >> third) & 1);
}

// @ts-ignore: decorator
@inline
function rowThroughPadded<T>(row: i32, at: i32, tree: i32, head: i32, columnCount: i32, levels: i32): void {
  let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  let level = 0;
  if (head != 0) {
    a = throughHead(head, columnCount);
    b = throughHead(head + headBytes, columnCount);
    c = throughHead(head + 2 * headBytes, columnCount);
    d = throughHead(head + 3 * headBytes, columnCount);
    e = throughHead(head + 4 * headBytes, columnCount);
    f = throughHead(head + 5 * headBytes, columnCount);
    g = throughHead(head + 6 * headBytes, columnCount);
    h = throughHead(head + 7 * headBytes, columnCount);
    level = headLevels;
  }
  for (; level < levels; level++) {
    a = stepDown(load<i32>(tree, 4), at, a);
    b = stepDown(load<i32>(tree, treeBytes + 4), at, b);
    c = stepDown(load<i32>(tree, 2 * treeBytes + 4), at, c);
    d = stepDown(load<i32>(tree, 3 * treeBytes + 4), at, d);
    e = stepDown(load<i32>(tree, 4 * treeBytes + 4), at, e);
    f = stepDown(load<i32>(tree, 5 * treeBytes + 4), at, f);
    g = stepDown(load<i32>(tree, 6 * treeBytes + 4), at, g);
    h = stepDown(load<i32>(tree, 7 * treeBytes + 4), at, h);
  }
  const s = shift<T>();
  addOne<T>(row, tree, a << s);
  addOne<T>(row, tree + treeBytes, b << s);
  addOne<T>(row, tree + 2 * treeBytes, c << s);
  addOne<T>(row, tree + 3 * treeBytes, d << s);
  addOne<T>(row, tree + 4 * treeBytes, e << s);
  addOne<T>(row, tree + 5 * treeBytes, f << s);
  addOne<T>(row, tree + 6 * treeBytes, g << s);
  addOne<T>(row, tree + 7 * treeBytes, h << s);
}

/** Where a row begins among a linked tree's links: at its root, or below its head. */
// @ts-ignore: decorator
@inline
function entryOf(tree: i32, head: i32, columnCount: i32): i32 {
  if (head == 0) return load<i32>(tree, 16);
  return load<i32>(load<i32>(tree, 4) + (throughHead(head, columnCount) << 2));
}

// @ts-ignore: decorator
@inline
function rowThroughLinked<T>(row: i32, at: i32, tree: i32, head: i32, columnCount: i32): void {
  const all = links;
  const next = head == 0 ? 0 : headBytes;
  let a = entryOf(tree, head, columnCount);
  let b = entryOf(tree + treeBytes, head + next, columnCount);
  let c = entryOf(tree + 2 * treeBytes, head + 2 * next, columnCount);
  let d = entryOf(tree + 3 * treeBytes, head + 3 * next, columnCount);
  let e = entryOf(tree + 4 * treeBytes, head + 4 * next, columnCount);
  let f = entryOf(tree + 5 * treeBytes, head + 5 * next, columnCount);
  let g = entryOf(tree + 6 * treeBytes, head + 6 * next, columnCount);
  let h = entryOf(tree + 7 * treeBytes, head + 7 * next, columnCount);
  for (;;) {
    const nodeA = load<u32>(all + a), nodeB = load<u32>(all + b), nodeC = load<u32>(all + c), nodeD = load<u32>(all + d);
    const nodeE = load<u32>(all + e), nodeF = load<u32>(all + f), nodeG = load<u32>(all + g), nodeH = load<u32>(all + h);
    if ((nodeA | nodeB | nodeC | nodeD | nodeE | nodeF | nodeG | nodeH) == leafNode) break;
    a = follow(all, at, a, nodeA);
    b = follow(all, at, b, nodeB);
    c = follow(all, at, c, nodeC);
    d = follow(all, at, d, nodeD);
    e = follow(all, at, e, nodeE);
    f = follow(all, at, f, nodeF);
    g = follow(all, at, g, nodeG);
    h = follow(all, at, h, nodeH);
  }
  addOne<T>(row, tree, valueOf<T>(a));
  addOne<T>(row, tree + treeBytes, valueOf<T>(b));
  addOne<T>(row, tree + 2 * treeBytes, valueOf<T>(c));
  addOne<T>(row, tree + 3 * treeBytes, valueOf<T>(d));
  addOne<T>(row, tree + 4 * treeBytes, valueOf<T>(e));
  addOne<T>(row, tree + 5 * treeBytes, valueOf<T>(f));
  addOne<T>(row, tree + 6 * treeBytes, valueOf<T>(g));
  addOne<T>(row, tree + 7 * treeBytes, valueOf<T>(h));
}
