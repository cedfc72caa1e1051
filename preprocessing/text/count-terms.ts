/** Plans CountVectorizer's counts: how often each term of the vocabulary is in a text. */
import * as z from "zod";
import { flag, listOf } from "../closed-schema.js";
import type { Column } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import type { PlanContext, Step } from "../operator.js";
import { SparseGroup } from "../sparse-group.js";
import { analyzerParams, createAnalyzer } from "./analyze.js";
import { documentColumn, PositionSums, widthMax } from "./term-counts.js";

export const countParams = {
  ...analyzerParams,
  vocabulary: listOf(z.string("a term"), "terms").max(widthMax, `at most ${widthMax} terms`),
  binary: flag.default(false),
};

export type CountParams = z.output<z.ZodObject<typeof countParams>>;

export function planCounts(
  columns: readonly Column[],
  params: CountParams,
  context: PlanContext,
): { group: SparseGroup; step: Step } {
  const { vocabulary, binary } = params;
  const { feature, values } = documentColumn(columns, context);
  const positions = new Map<string, number>();
  for (const [position, term] of vocabulary.entries()) {
    if (positions.has(term))
      throw new GraphError(`${context.path}.params.vocabulary[${position}]`, "a term that comes once", describe(term));
    positions.set(term, position);
  }
  const analyze = createAnalyzer(params, `${context.path}.params`);
  const group = new SparseGroup(vocabulary.map(() => feature));
  const { cells } = group;
  const sums = new PositionSums(vocabulary.length);
  const take = (term: string): void => {
    const position = positions.get(term);
    if (position !== undefined) sums.add(position, 1);
  };
  const step = (rowCount: number): void => {
    cells.clear();
    for (let row = 0; row < rowCount; row++) {
      const text = values[row];
      if (typeof text === "string") analyze(text, take);
      else context.refusals.add(row, feature, "a text", text);
      sums.moveTo(cells, row, binary);
    }
    group.fill(rowCount);
  };
  return { group, step };
}
