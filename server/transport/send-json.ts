/** Answers that are JSON, and end with a line's end. */

import type { Exchange } from "./http/transport.js";

export function sendJson(exchange: Exchange, answer: object): void {
  exchange.send(200, "application/json", `${JSON.stringify(answer)}\n`);
}
