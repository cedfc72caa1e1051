/**
 * Statistics of the last items of a list that the row brings with it, oldest first; each window by itself, in NumPy's
 * order.
 *
 * True counts as 1 and false as 0. What there are too few items for is missing. A missing list gives NaN everywhere; an
 * item that is no finite number is refused.
 */
import * as z from "zod";
import { closedObject, listOf } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { GraphError } from "../graph-error.js";
import { defineListOperator } from "../operator.js";
import { pairwiseSum } from "../pairwise-sum.js";

const statistics = ["mean", "std", "min", "max", "sum", "last", "count"] as const;
type Statistic = (typeof statistics)[number];

const lag = /^lag_([1-9][0-9]{0,5})$/;
const expected = `${statistics.join(", ")}, or lag_1, lag_2 and so on`;
const statistic = z.string(expected).refine((name) => isStatistic(name) || lag.test(name), expected);
const count = (least: number) => z.int("a whole number").min(least, `${least} or more`);
const params = closedObject({
  statistics: listOf(statistic, "statistics"),
  /** How many of the last items are looked at; absent for all of them. */
  window: count(1).optional(),
  min_items: count(1),
  ddof: count(0),
});

export const rowWindow = defineListOperator(params, ["number", "boolean"], (columns, values, { path, refusals }) => {
  const { statistics: names, window, min_items: least, ddof } = values;
  if (window !== undefined && least > window)
    throw new GraphError(`${path}.params.min_items`, `at most ${window}, the window`, String(least));
  const planned = names.map(planStatistic);
  const work = columns.map(({ feature, items, values }) => ({
    feature,
    isBoolean: items === "boolean",
    wanted: items === "boolean" ? "true and false in the list" : "finite numbers in the list",
    from: values,
    outputs: planned.map(() => new NumberColumn(feature)),
  }));
  const targets = work.map(({ outputs }) => outputs.map(({ values }) => values));
  // The window and, for "std", the squares. They grow to the longest list that ever comes.
  let items = new Float64Array(64);
  let squares = new Float64Array(64);

  const statisticOf = (name: Statistic, itemCount: number): number => {
    if (name === "count") return itemCount;
    if (itemCount < least) return Number.NaN;
    if (name === "min") return leastOf(items, itemCount);
    if (name === "max") return greatestOf(items, itemCount);
    const sum = pairwiseSum(items, 0, itemCount);
    if (name === "sum") return sum;
    const mean = sum / itemCount;
    if (name === "mean") return mean;
    if (itemCount <= ddof) return Number.NaN;
    for (let at = 0; at < itemCount; at++) {
      const deviation = items[at]! - mean;
      squares[at] = deviation * deviation;
    }
    return Math.sqrt(pairwiseSum(squares, 0, itemCount) / (itemCount - ddof));
  };

  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, isBoolean, wanted, from } = work[index]!;
      const to = targets[index]!;
      for (let row = 0; row < rowCount; row++) {
        const list = from[row]!;
        const wrongAt = list === null ? -1 : indexOfWrong(list, isBoolean);
        if (list === null || wrongAt >= 0) {
          if (list !== null) refusals.add(row, feature, wanted, list[wrongAt]);
          for (let at = 0; at < to.length; at++) to[at]![row] = Number.NaN;
          continue;
        }
        const itemCount = window === undefined ? list.length : Math.min(window, list.length);
        if (itemCount > items.length) {
          items = new Float64Array(itemCount * 2);
          squares = new Float64Array(itemCount * 2);
        }
        const start = list.length - itemCount;
        // An array of numbers takes true as 1.
        for (let at = 0; at < itemCount; at++) items[at] = list[start + at] as number;
        for (let at = 0; at < to.length; at++) {
          const { name, back } = planned[at]!;
          if (name !== undefined) to[at]![row] = finiteOrMissing(statisticOf(name, itemCount));
          else to[at]![row] = back <= itemCount ? items[itemCount - back]! : Number.NaN;
        }
      }
    }
  };
  return { columns: work.flatMap(({ outputs }) => outputs), step };
});

/** A statistic of the window, or the item that is so far back from its end; 1 is the last. */
interface Planned {
  name: Exclude<Statistic, "last"> | undefined;
  back: number;
}

function planStatistic(name: string): Planned {
  if (isStatistic(name) && name !== "last") return { name, back: 0 };
  return { name: undefined, back: name === "last" ? 1 : Number(lag.exec(name)![1]) + 1 };
}

function isStatistic(name: string): name is Statistic {
  return (statistics as readonly string[]).includes(name);
}

/** The index of the first item that is neither a finite number nor, in a list of them, true or false; or -1. */
function indexOfWrong(list: readonly unknown[], isBoolean: boolean): number {
  for (let at = 0; at < list.length; at++) {
    if (isBoolean ? typeof list[at] !== "boolean" : !Number.isFinite(list[at])) return at;
  }
  return -1;
}

function leastOf(items: Float64Array, itemCount: number): number {
  let least = items[0]!;
  for (let at = 1; at < itemCount; at++) least = Math.min(least, items[at]!);
  return least;
}

function greatestOf(items: Float64Array, itemCount: number): number {
  let greatest = items[0]!;
  for (let at = 1; at < itemCount; at++) greatest = Math.max(greatest, items[at]!);
  return greatest;
}

function finiteOrMissing(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
