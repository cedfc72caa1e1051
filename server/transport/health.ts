/** Health, on both listeners; answered before admission, so that an overloaded server is still seen to live. */

import { refuseMethod } from "../errors.js";
import type { Exchange } from "./http.js";

/**
 * @param isReady - Every model is proved and warm, and the server isn't draining.
 * @returns Whether the address was one of health's.
 * @throws {@link ServeError} method_not_allowed.
 */
export function answerHealth(exchange: Exchange, isReady: () => boolean): boolean {
  const { path, method } = exchange;
  if (path !== "/health/live" && path !== "/health/ready") return false;
  if (method !== "GET" && method !== "HEAD") throw refuseMethod(method, "GET, HEAD");
  const live = path === "/health/live";
  const ok = live || isReady();
  exchange.send(ok ? 200 : 503, "application/json", live ? '{"live":true}' : `{"ready":${ok}}`, ok ? [] : ["retry-after", "1"]);
  return true;
}
