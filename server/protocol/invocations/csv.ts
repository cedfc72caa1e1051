/**
 * CSV to rows, as RFC 4180 has it. A line is a row; the first one may hold the names of its columns.
 *
 * An empty cell is a missing value, `""` is an empty text. A number, a truth value (true, false, 1, 0) and a list (as
 * JSON) are read by the type of their feature; what isn't one stays a text, for the schema to refuse.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */

import { type Feature, listWords, quote } from "../../../bundle/index.js";
import type { RowInput } from "../../../preprocessing/index.js";
import { ServeError } from "../../errors.js";
import { checkRowCount } from "../json/row-count.js";
import { readOrder, rowOfValues } from "../json/row-lists.js";
import type { ProtocolContract } from "../protocol.js";

/** Undefined for an empty cell. */
type Cell = string | undefined;

/** Cells that are read in one slice: some tens of microseconds. */
const sliceCells = 512;
/** Cells of a line beside those of the features. */
const unknownCellsMax = 1000;
/** UTF-16 units of a cell in quotes. */
const quotedCharsMax = 65_536;

/**
 * Reads a text, in slices.
 *
 * @param header - Whether the first line has names; undefined: if one of its cells is the name of a feature.
 * @throws {@link ServeError} malformed_body, schema_mismatch, too_many_rows.
 */
export function* readCsv(
  text: string,
  header: boolean | undefined,
  { rowSchema: { features }, bodyLimits }: ProtocolContract,
): Generator<undefined, RowInput> {
  const { rowsMax } = bodyLimits.decode;
  const names = new Set(features.map(({ name }) => name));
  const rows: unknown[] = [];
  let order: readonly Feature[] | undefined;
  let cellsLeft = sliceCells;
  for (const { line, cells } of linesOf(text, features.length + unknownCellsMax)) {
    cellsLeft -= cells.length + 1;
    if (cellsLeft < 0) {
      cellsLeft = sliceCells;
      yield;
    }
    if (cells.length === 0) continue;
    if (order === undefined) {
      const hasNames = header ?? cells.some((cell) => cell !== undefined && names.has(cell));
      const found = hasNames ? cells.map((cell) => cell ?? "") : undefined;
      order = found === undefined ? features : readOrder(`line ${line}`, found, features);
      if (hasNames) continue;
    }
    if (cells.length !== order.length) throw wrongCount(line, order, cells.length);
    const values = order.map((feature, at) => cellValue(feature, cells[at]));
    rows.push(rowOfValues(order, values));
    if (rows.length > rowsMax)
      throw new ServeError("too_many_rows", `the body: expected 1 to ${rowsMax} rows, got more`);
  }
  checkRowCount("the body", rows.length, rowsMax);
  return rows;
}

function wrongCount(line: number, order: readonly Feature[], got: number): ServeError {
  const names = listWords(
    order.map(({ name }) => quote(name)),
    { last: "and" },
  );
  return new ServeError(
    "schema_mismatch",
    `line ${line}: expected ${order.length} cells, in the order ${names}, got ${got}`,
  );
}

/** Cells by line; none of an empty line. */
function* linesOf(text: string, cellsMax: number): Generator<{ line: number; cells: Cell[] }, void> {
  // Ends at the end of a cell: at a comma, a line's end, or the text's.
  const plain = /[^,\r\n]*/y;
  let at = 0;
  for (let line = 1; at < text.length; line++) {
    const cells: Cell[] = [];
    const begin = line;
    for (;;) {
      if (text[at] === '"') {
        const end = endOfQuoted(text, at, line);
        const raw = text.slice(at + 1, end);
        for (let feed = raw.indexOf("\n"); feed >= 0; feed = raw.indexOf("\n", feed + 1)) line++;
        cells.push(raw.replaceAll('""', '"'));
        at = end + 1;
      } else {
        plain.lastIndex = at;
        plain.test(text);
        const cell = text.slice(at, plain.lastIndex);
        if (cell.includes('"')) throw strayQuote(line);
        cells.push(cell === "" ? undefined : cell);
        at = plain.lastIndex;
      }
      if (cells.length > cellsMax)
        throw new ServeError("schema_mismatch", `line ${begin}: expected at most ${cellsMax} cells, got more`);
      if (text[at] !== ",") break;
      at++;
    }
    if (at < text.length && text[at] !== "\n" && text[at] !== "\r") throw strayQuote(line);
    at += text.startsWith("\r\n", at) ? 2 : 1;
    yield { line: begin, cells: cells.length === 1 && cells[0] === undefined ? [] : cells };
  }
}

function endOfQuoted(text: string, begin: number, line: number): number {
  for (let end = text.indexOf('"', begin + 1); end >= 0; end = text.indexOf('"', end + 2)) {
    if (text[end + 1] !== '"') return end;
    if (end - begin > quotedCharsMax)
      throw new ServeError(
        "malformed_body",
        `line ${line}: expected at most ${quotedCharsMax} characters in a cell, got more`,
      );
  }
  throw new ServeError("malformed_body", `line ${line}: expected a quote at the end of the cell that begins with one`);
}

function strayQuote(line: number): ServeError {
  return new ServeError(
    "malformed_body",
    `line ${line}: expected quotes round a whole cell, and two for one in it, got a quote elsewhere`,
  );
}

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** As pandas and R write a missing number. */
const missing: ReadonlySet<string> = new Set(["NaN", "nan", "NA", "null"]);
const truths: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

function cellValue({ type }: Feature, cell: Cell): unknown {
  if (cell === undefined) return null;
  switch (type) {
    case "string":
      return cell;
    case "boolean":
      return truths.get(cell.trim().toLowerCase()) ?? cell;
    case "array":
      return listOf(cell);
    default: {
      const text = cell.trim();
      if (number.test(text)) return Number(text);
      return missing.has(text) ? null : cell;
    }
  }
}

/** A list without lists in it, which could be nested to any depth. */
function listOf(cell: string): unknown {
  if (!/^\s*\[[^[\]{}]*\]\s*$/.test(cell)) return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
