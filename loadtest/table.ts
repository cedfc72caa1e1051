/** Tables, as aligned text for the terminal and as Markdown for the docs. The first row is the head. */

export type Table = readonly (readonly string[])[];

export function textTable(table: Table): string {
  return aligned(table)
    .map((cells) => cells.join("  ").trimEnd())
    .join("\n");
}

export function markdownTable([head = [], ...rows]: Table): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function aligned(table: Table): string[][] {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  // The first column holds words, the others numbers.
  return table.map((cells) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))),
  );
}

/** A number with three significant digits where it's small, and thousands set apart where it's large. */
export function figure(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
