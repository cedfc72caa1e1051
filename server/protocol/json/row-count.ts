/** How many rows a request may have. */

import type { Issue } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";

/**
 * @param at - What holds them, as messages name it: `"rows"`.
 * @throws {@link ServeError} schema_mismatch for none at all, too_many_rows.
 */
export function checkRowCount(at: string, rowCount: number, rowsMax: number): void {
  const expected = `1 to ${rowsMax} rows`;
  if (rowCount === 0) {
    const issue: Issue = { row: 0, feature: "rows", expected, got: "an empty list" };
    throw new ServeError("schema_mismatch", `${at}: expected ${expected}, got an empty list`, { issues: [issue] });
  }
  if (rowCount > rowsMax) throw new ServeError("too_many_rows", `${at}: expected ${expected}, got ${rowCount}`);
}
