/** What a comparison of shadows, of one process or of several, says of rows with another label. */

import type { GuardInput } from "./guards.js";

interface Compared {
  readonly shadows?: readonly { readonly version: number; readonly rows?: number; readonly flips?: number | null }[];
}

/** @returns Undefined where no shadow of the version has labels to compare. */
export function flipsIn(comparison: object, version: number): GuardInput["flips"] {
  const { processes } = comparison as { processes?: readonly Compared[] };
  const all = (processes ?? [comparison as Compared]).flatMap(({ shadows = [] }) => shadows);
  const found = all.filter((one) => one.version === version && typeof one.flips === "number");
  if (found.length === 0) return undefined;
  return found.reduce((sum, { rows = 0, flips }) => ({ rows: sum.rows + rows, flips: sum.flips + flips! }), {
    rows: 0,
    flips: 0,
  });
}
