/** A row to try a version with, from its golden rows: without a value of any feature that is personal data. */

import type { Feature, GoldenRow } from "../bundle/index.js";
import type { Contract } from "./versions/contract.js";

/** Longer ones are no example to read. */
const jsonCharsMax = 16_384;

/** @returns The row's JSON text; undefined where the bundle has none that can be shown. */
export function exampleRow({ bundle, rowSchema, hiddenFeatures }: Contract): string | undefined {
  const { golden } = bundle;
  const good = golden.find((row) => row.kind === "sample" && isShort(row)) ?? golden.find(isShort);
  if (good === undefined) return undefined;
  if (hiddenFeatures.size === 0) return good.rowJson;
  const row: Record<string, unknown> = { ...good.row };
  for (const feature of rowSchema.features) if (feature.pii) hide(row, feature);
  return rowSchema.accepts(row) ? JSON.stringify(row) : undefined;
}

/** A command that asks for a prediction, for a shell. @param row - JSON text; undefined leaves a place for one. */
export function curlCommand(url: string, row = "{...}"): string {
  return `curl -s ${url} -H 'content-type: application/json' -d '${row.replaceAll("'", "'\\''")}'`;
}

function isShort({ error, rowJson }: GoldenRow): boolean {
  return error === undefined && rowJson.length <= jsonCharsMax;
}

/**
 * Leaves a value out where it may be missing, else makes one up from what the schema says (it lists no values of such a
 * feature).
 */
function hide(row: Record<string, unknown>, feature: Feature): void {
  if (!feature.required) delete row[feature.name];
  else row[feature.name] = feature.nullable ? null : madeUp(feature);
}

function madeUp({ type, minimum, maximum, minLength = 1, minItems = 0 }: Feature): unknown {
  if (type === "boolean") return false;
  if (type === "string") return "x".repeat(minLength);
  if (type === "array") return minItems === 0 ? [] : undefined;
  return minimum ?? maximum ?? 0;
}
