/** Health, on both listeners; answered before admission, so that an overloaded server is still seen to live. */

import { refuseMethod } from "../errors.js";
import type { Exchange } from "./http/transport.js";

export interface Health {
  /** Every model is proved and warm, and the server isn't draining. */
  readonly isReady: () => boolean;
  /** Threads that were written off and still run. */
  readonly stuckWorkers: () => number;
}

/**
 * @returns Whether the address was one of health's.
 * @throws {@link ServeError} method_not_allowed.
 */
export function answerHealth(exchange: Exchange, { isReady, stuckWorkers }: Health): boolean {
  const { path, method } = exchange;
  if (path !== "/health/live" && path !== "/health/ready") return false;
  if (method !== "GET" && method !== "HEAD") throw refuseMethod(method, "GET, HEAD");
  const live = path === "/health/live";
  const ok = live || isReady();
  const body = live ? '{"live":true}' : JSON.stringify({ ready: ok, ...stuckText(stuckWorkers()) });
  exchange.send(ok ? 200 : 503, "application/json", body, ok ? [] : ["retry-after", "1"]);
  return true;
}

/** The server still serves, so this is for whoever reads the body. */
function stuckText(count: number): object {
  if (count === 0) return {};
  const detail = `${count} of the pool's threads ${count === 1 ? "is" : "are"} in a run that doesn't end, and each holds a processor: restart the server soon`;
  return { stuck_workers: count, detail };
}
