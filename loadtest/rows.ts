/**
 * Rows to send: a different one each time, because the cost of a tree model depends on the row (the processor learns
 * the path of a constant one), and a benchmark on one row flatters.
 */

import { readFileSync } from "node:fs";
import { OptionError } from "./options.js";
import type { Random } from "./random.js";

/** An endless supply of rows, each as JSON text. */
export type RowSource = () => string;

/**
 * Rows of the demand example, drawn by the rule its training data was drawn by: interest swings with the season and is
 * never negative, prices lie around 100, one day in ten has a promotion.
 */
export function demandRows(random: Random): RowSource {
  return () => {
    const interest = Math.max(0, Math.sin(random.uniform() * 30) * 50 + 50 + random.normal() * 5);
    const price = Math.max(0, 100 + random.normal() * 3);
    const promo = random.uniform() < 0.1 ? 1 : 0;
    return JSON.stringify({
      feature_search_interest: rounded(interest, 4),
      feature_price: rounded(price, 2),
      feature_promo: promo,
    });
  };
}

/**
 * The rows of a JSON-lines file, in order, again from the start after the last.
 *
 * @throws OptionError if the file can't be read, holds no row, or a line isn't a JSON object; the message names file
 *   and line.
 */
export function rowsFromFile(file: string): RowSource {
  return rowsInTurn(parseRows(readText(file), file));
}

/** @param rows - At least one. */
export function rowsInTurn(rows: readonly string[]): RowSource {
  let next = 0;
  return () => {
    const row = rows[next]!;
    next = (next + 1) % rows.length;
    return row;
  };
}

/** The body of one request with many rows: `{"rows": [...]}`. */
export function manyRowsBody(source: RowSource, rowCount: number): string {
  return `{"rows":[${Array.from({ length: rowCount }, source).join(",")}]}`;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (reason) {
    throw new OptionError(`--rows: cannot read ${file} (${(reason as NodeJS.ErrnoException).code})`);
  }
}

/** @throws OptionError as {@link rowsFromFile}. */
export function parseRows(text: string, file: string): string[] {
  const lines = text.split("\n");
  const rows: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    if (!isJsonObject(line))
      throw new OptionError(`--rows: ${file}, line ${index + 1}: expected one JSON object, got ${line.slice(0, 60)}`);
    rows.push(line.trim());
  }
  if (rows.length === 0) throw new OptionError(`--rows: ${file} holds no row`);
  return rows;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));
