/** Tables for people: each column as wide as its widest cell. */

/** Columns as wide as their widest cell; the last one isn't padded. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widthAt = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, i) => widthAt(i));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join("  ");
  return rows.map((row) => `${line(row)}\n`).join("");
}
