/**
 * The categories of all columns as one text, for an encoder: joined by `|`, with a `\` before each `|` and `\` of a
 * text, so that no two different rows become the same. Whole numbers are written as their digits. Where one is missing,
 * the cross is missing.
 */
import { closedObject } from "../closed-schema.js";
import { type Column, TextColumn } from "../column.js";
import { GraphError } from "../graph-error.js";
import { defineOperator, type PlanContext } from "../operator.js";

/** The text of one column in a row of the strip; null where it is missing. */
type TextAt = (row: number) => string | null;

export const cross = defineOperator(closedObject({}), (columns, _, context) => {
  if (columns.length < 2) throw new GraphError(`${context.path}.inputs`, "two or more columns", String(columns.length));
  const parts = columns.map((column) => planText(column, context));
  const output = new TextColumn(columns[0]!.feature);
  const to = output.values;
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      let crossed = parts[0]!(row);
      for (let index = 1; index < parts.length; index++) {
        // Asked in any case, since it refuses what it can't write.
        const text = parts[index]!(row);
        crossed = crossed === null || text === null ? null : `${crossed}|${text}`;
      }
      to[row] = crossed;
    }
  };
  return { columns: [output], step };
});

function planText(column: Column, { refusals }: PlanContext): TextAt {
  const { feature } = column;
  if (column.kind === "text") {
    const { values } = column;
    return (row) => {
      const value = values[row]!;
      if (typeof value === "string") return escaped(value);
      if (value !== null) refusals.add(row, feature, "a text", value);
      return null;
    };
  }
  const { values } = column;
  return (row) => {
    const value = values[row]!;
    if (Number.isSafeInteger(value)) return String(value);
    if (!Number.isNaN(value)) refusals.add(row, feature, "a whole number of at most 2^53 - 1", value);
    return null;
  };
}

function escaped(text: string): string {
  // Most texts have neither, and are not copied.
  return text.includes("|") || text.includes("\\") ? text.replaceAll(/[\\|]/g, "\\$&") : text;
}
