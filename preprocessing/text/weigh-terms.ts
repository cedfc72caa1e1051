/** Plans TfidfTransformer's weights: the logarithm of a count, times its term's weight, over the row's norm. */
import * as z from "zod";
import { closedObject, closedSet, finite, flag, float64, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { log } from "../math/log.js";
import type { PlanContext, Step } from "../operator.js";
import { type SparseCells, SparseGroup } from "../sparse-group.js";

export const norm = z.nullable(closedSet(["l1", "l2"]));

export const weightParams = {
  norm,
  idf: z.nullable(listOf(float64, "numbers")),
  sublinear_tf: flag.default(false),
  log_corrections: closedObject({
    counts: z.array(z.int("a count").min(1, "1 or more"), "a list of counts"),
    logs: z.array(finite, "a list of logarithms"),
  }).optional(),
};

export type WeightParams = z.output<z.ZodObject<typeof weightParams>>;

/** The logarithms of counts below this are looked up; larger ones are rare. */
const tableLength = 1024;

/** @param source - Its cells stand in order of the columns. */
export function planWeights(
  source: SparseGroup,
  params: WeightParams,
  { path, refusals }: PlanContext,
): { group: SparseGroup; step: Step } {
  const { idf, sublinear_tf } = params;
  const width = source.columns.length;
  const features = source.columns.map(({ feature }) => feature);
  if (idf !== null && idf.length !== width) {
    throw new GraphError(`${path}.params.idf`, `${width} values, one per column`, String(idf.length));
  }
  const logOf = createLog(params, path);
  const weights = idf === null ? undefined : Float64Array.from(idf);
  const group = new SparseGroup(features);
  const { cells } = group;
  const normalize = params.norm === null ? undefined : normalizers[params.norm];
  const step = (rowCount: number): void => {
    const { positions, values } = source.cells;
    cells.clear();
    for (let row = 0; row < rowCount; row++) {
      const start = source.cells.start(row);
      for (let cell = start; cell < source.cells.ends[row]!; cell++) {
        const position = positions[cell]!;
        let x = values[cell]!;
        if (sublinear_tf) x = logOf(x) + 1;
        if (weights !== undefined) x *= weights[position]!;
        if (normalize !== undefined && !Number.isFinite(x))
          refusals.add(row, features[position]!, "a finite weight", x);
        cells.add(position, x);
      }
      cells.endRow(row);
      normalize?.(cells, row);
    }
    group.fill(rowCount);
  };
  return { group, step };
}

/** scikit-learn adds a row's cells up one after the other; a row of zeros stays one. */
export const normalizers = { l1: divideBySizes, l2: divideByLength } as const;

function divideBySizes(cells: SparseCells, row: number): void {
  const { values, ends } = cells;
  const start = cells.start(row);
  let sum = 0;
  for (let cell = start; cell < ends[row]!; cell++) sum += Math.abs(values[cell]!);
  if (sum !== 0) for (let cell = start; cell < ends[row]!; cell++) values[cell] = values[cell]! / sum;
}

function divideByLength(cells: SparseCells, row: number): void {
  const { values, ends } = cells;
  const start = cells.start(row);
  let sum = 0;
  for (let cell = start; cell < ends[row]!; cell++) sum += values[cell]! * values[cell]!;
  const length = Math.sqrt(sum);
  if (sum !== 0) for (let cell = start; cell < ends[row]!; cell++) values[cell] = values[cell]! / length;
}

/**
 * The portable logarithm, but NumPy's own where it is another: its last bit depends on the machine, so the bundle
 * brings the training machine's along.
 */
function createLog(
  { log_corrections: corrections, sublinear_tf }: WeightParams,
  path: string,
): (count: number) => number {
  const { counts = [], logs = [] } = corrections ?? {};
  if (counts.length !== logs.length)
    throw new GraphError(
      `${path}.params.log_corrections.logs`,
      `${counts.length} values, one per count`,
      String(logs.length),
    );
  if (!sublinear_tf && corrections !== undefined) {
    throw new GraphError(`${path}.params.log_corrections`, "nothing, since sublinear_tf is false", "an object");
  }
  const corrected = new Map(counts.map((count, index) => [count, logs[index]!]));
  const anyLog = (count: number): number => corrected.get(count) ?? log(count);
  const table = Float64Array.from({ length: sublinear_tf ? tableLength : 0 }, (_, count) => anyLog(count));
  return (count) => (count < tableLength && Number.isInteger(count) && count >= 0 ? table[count]! : anyLog(count));
}
