/** Health, on both listeners; answered before admission, so that an overloaded server is still seen to live. */

import type { Exchange } from "./http.js";

/**
 * @param isReady - Every model is proved and warm, and the server isn't draining.
 * @returns Whether the address was one of health's.
 */
export function answerHealth(exchange: Exchange, isReady: () => boolean): boolean {
  const { path, method } = exchange;
  if (path !== "/health/live" && path !== "/health/ready") return false;
  if (method !== "GET" && method !== "HEAD") {
    exchange.send(405, "application/json", '{"error":{"code":"method_not_allowed","message":"expected GET or HEAD","issues":[]}}', ["allow", "GET, HEAD"]);
    return true;
  }
  const live = path === "/health/live";
  const ok = live || isReady();
  exchange.send(ok ? 200 : 503, "application/json", live ? '{"live":true}' : `{"ready":${ok}}`, ok ? [] : ["retry-after", "1"]);
  return true;
}
