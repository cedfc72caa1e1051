/**
 * How scikit-learn's encoders group infrequent categories: the frequent ones keep their order and get codes 0, 1, ...;
 * all the others share the code after them.
 */
import { type Category, indexCategories, matchKey } from "./category-codes.js";
import { describe, GraphError } from "./graph-error.js";
import type { PlanContext } from "./operator.js";

export interface CategoryGroups {
  /** Per category its code after grouping. */
  codes: readonly number[];
  /** How many codes there are. */
  count: number;
  /** The code that infrequent categories share; absent where there are none. */
  infrequent?: number;
}

/**
 * @param infrequent - Categories of `known` that were rare in training; null or absent for none.
 * @param column - Position of the column, for messages.
 * @throws {@link GraphError} for equal categories, and for infrequent ones that are not among `known`.
 */
export function groupCategories(
  known: readonly Category[],
  infrequent: readonly Category[] | null | undefined,
  column: number,
  { path }: PlanContext,
): CategoryGroups {
  const indexes = indexCategories(known, `${path}.params.categories[${column}]`);
  if (infrequent === null || infrequent === undefined)
    return { codes: known.map((_, index) => index), count: known.length };

  const infrequentPath = `${path}.params.infrequent_categories[${column}]`;
  indexCategories(infrequent, infrequentPath);
  const rare = new Set<number>();
  for (const [position, category] of infrequent.entries()) {
    const index = indexes.get(matchKey(category));
    if (index === undefined)
      throw new GraphError(`${infrequentPath}[${position}]`, "one of the column's categories", describe(category));
    rare.add(index);
  }
  const shared = known.length - rare.size;
  let frequent = 0;
  const codes = known.map((_, index) => (rare.has(index) ? shared : frequent++));
  return { codes, count: shared + 1, infrequent: shared };
}
