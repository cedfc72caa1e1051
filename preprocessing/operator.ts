/**
 * What an operator is. One file in ops/ per operator; `operators.ts` lists them.
 *
 * An operator is planned once per node, when the graph is loaded: it checks its parameters against the columns it is
 * given, says which columns it yields and hands back the step that computes them, with every constant at hand. A step
 * runs once per strip of rows, so its loop over rows is the innermost one and calls nothing whose target varies.
 */
import type * as z from "zod";
import { parseClosed } from "./closed-schema.js";
import {
  type Column,
  type Dtype,
  type InputColumn,
  type ItemType,
  type ListColumn,
  NumberColumn,
  type TextColumn,
} from "./column.js";
import { describe, GraphError } from "./graph-error.js";
import type { Refusals } from "./refusals.js";

/** Computes a node's columns for rows 0 .. rowCount-1 of the strip. */
export type Step = (rowCount: number) => void;

export interface PlannedNode {
  columns: readonly Column[];
  /** Absent where the columns are the given ones. */
  step?: Step;
}

export interface PlanContext {
  /** Where the node stands in the document. */
  path: string;
  refusals: Refusals;
}

export interface Operator {
  /** @throws {@link GraphError} for parameters that no table of columns could make right. */
  checkParams(params: unknown, path: string): void;
  /** @throws {@link GraphError} for parameters, widths or kinds of column that do not fit together. */
  plan(columns: readonly InputColumn[], params: unknown, context: PlanContext): PlannedNode;
}

export function defineOperator<Schema extends z.ZodType>(
  schema: Schema,
  plan: (columns: readonly Column[], params: z.output<Schema>, context: PlanContext) => PlannedNode,
): Operator {
  return {
    checkParams: (params, path) => void parseClosed(schema, params, path),
    plan: (columns, params, context) => {
      const values = parseClosed(schema, params, `${context.path}.params`);
      return plan(withoutLists(columns, `${context.path}.inputs`), values, context);
    },
  };
}

/**
 * As {@link defineOperator}, for an operator that reads lists and nothing else.
 *
 * @param items - What the lists may hold.
 */
export function defineListOperator<Schema extends z.ZodType>(
  schema: Schema,
  items: readonly ItemType[],
  plan: (columns: readonly ListColumn[], params: z.output<Schema>, context: PlanContext) => PlannedNode,
): Operator {
  return {
    checkParams: (params, path) => void parseClosed(schema, params, path),
    plan: (columns, params, context) => {
      const values = parseClosed(schema, params, `${context.path}.params`);
      return plan(onlyLists(columns, items, `${context.path}.inputs`), values, context);
    },
  };
}

/** The columns, if none of them holds lists. */
export function withoutLists(columns: readonly InputColumn[], path: string): readonly Column[] {
  return columns.map((column) => {
    if (column.kind !== "list") return column;
    throw new GraphError(path, "columns of numbers or strings", kindWords(column));
  });
}

function onlyLists(columns: readonly InputColumn[], items: readonly ItemType[], path: string): readonly ListColumn[] {
  return columns.map((column) => {
    if (column.kind === "list" && items.includes(column.items)) return column;
    throw new GraphError(
      path,
      `columns of lists of ${items.map((item) => `${item}s`).join(" or ")}`,
      kindWords(column),
    );
  });
}

const readers: Record<ItemType, string> = { number: "row_window", boolean: "row_window", string: "token_hasher" };

function kindWords(column: InputColumn): string {
  const feature = `(feature ${describe(column.feature)})`;
  if (column.kind === "list")
    return `a column of lists of ${column.items}s, which "${readers[column.items]}" reads ${feature}`;
  return `${column.kind === "number" ? "a number column" : "a string column"} ${feature}`;
}

/**
 * The columns, if all of them hold numbers.
 *
 * @param path - Where the document names their sources.
 */
export function numberColumns(columns: readonly InputColumn[], path: string): readonly NumberColumn[] {
  return columns.map((column) => {
    if (column.kind === "number") return column;
    throw new GraphError(path, "number columns", kindWords(column));
  });
}

/** The columns, if all of them hold strings. */
export function textColumns(columns: readonly Column[], path: string): readonly TextColumn[] {
  return columns.map((column) => {
    if (column.kind === "text") return column;
    throw new GraphError(path, "string columns", kindWords(column));
  });
}

/** What a step that works column by column needs of one column. */
export interface ColumnWork {
  feature: string;
  from: Float64Array;
  to: Float64Array;
}

/**
 * Plans a number column out for each one in.
 *
 * @param constantsOf - The constants of the column with this index.
 */
export function columnByColumn<Constants extends object>(
  columns: readonly Column[],
  { path }: PlanContext,
  constantsOf: (index: number) => Constants,
  dtype: Dtype = "float64",
): { outputs: readonly NumberColumn[]; work: readonly (ColumnWork & Constants)[] } {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const outputs = inputs.map(({ feature }) => new NumberColumn(feature, dtype));
  const work = inputs.map(({ feature, values }, index) => ({
    feature,
    from: values,
    to: outputs[index]!.values,
    ...constantsOf(index),
  }));
  return { outputs, work };
}

/** Refuses a list of parameters that isn't one per column. */
export function onePerColumn(
  values: readonly unknown[] | null | undefined,
  columns: readonly Column[],
  key: string,
  { path }: PlanContext,
): void {
  if (values === null || values === undefined || values.length === columns.length) return;
  throw new GraphError(`${path}.params.${key}`, `${columns.length} values, one per column`, String(values.length));
}
