/** Routes as text, and what tells one state of them from another. */

import { createHash } from "node:crypto";
import { type Route, type Routes, routesFormat } from "../routing/route.js";

export function etagOf(value: Route | Routes): string {
  return `"${createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 22)}"`;
}

/** As the file has them. */
export function routesText(routes: Routes): string {
  const sorted = Object.fromEntries(Object.entries(routes).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ format: routesFormat, routes: sorted }, null, 2)}\n`;
}
