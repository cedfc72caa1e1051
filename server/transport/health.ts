/** Health, on both listeners; answered before admission, so that an overloaded server is still seen to live. */

import type { Exchange } from "./http/transport.js";
import { type AnswerDescription, jsonReply } from "./openapi/answer-description.js";

export interface Health {
  /** Every model is proved and warm, and the server isn't draining. */
  readonly isReady: () => boolean;
  /** Threads that were written off and still run. */
  readonly stuckWorkers: () => number;
}

const json = "application/json";

export const answersReady: AnswerDescription = {
  replies: { 200: jsonReply("all of them are", "Ready"), 503: jsonReply("not all of them are", "Ready") },
};

export function answerLive(exchange: Exchange): void {
  exchange.send(200, json, '{"live":true}', []);
}

export function answerReady(exchange: Exchange, { isReady, stuckWorkers }: Health): void {
  const ready = isReady();
  const body = JSON.stringify({ ready, ...stuckText(stuckWorkers()) });
  exchange.send(ready ? 200 : 503, json, body, ready ? [] : ["retry-after", "1"]);
}

/** The server still serves, so this is for whoever reads the body. */
function stuckText(count: number): object {
  if (count === 0) return {};
  const detail = `${count} of the pool's threads ${count === 1 ? "is" : "are"} in a run that doesn't end, and each holds a processor: restart the server soon`;
  return { stuck_workers: count, detail };
}
