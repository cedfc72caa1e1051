/** `POST /feedback`: what came of predictions. */

import { type FeedbackResult, feedbackStatuses, itemsMax } from "../release/experiment/feedback.js";
import type { Exchange } from "./http/transport.js";
import { answersJson } from "./openapi/answer-description.js";
import { readJson } from "./read-json.js";
import type { AnswerRoute } from "./router.js";
import { sendJson } from "./send-json.js";

export interface FeedbackNeeds {
  /** @throws {@link ServeError} invalid_request. */
  readonly feedback: (json: unknown) => Promise<readonly FeedbackResult[]>;
  readonly onAnswerError: (exchange: Exchange, error: unknown) => void;
}

export const feedbackRoute: AnswerRoute<FeedbackNeeds> = {
  verb: "POST",
  address: "/feedback",
  what: "takes what came of predictions of an experiment",
  reply: answersJson(
    `for each item, in turn, what became of it; at most ${itemsMax} items`,
    {
      type: "object",
      required: ["results"],
      properties: {
        results: {
          type: "array",
          items: {
            type: "object",
            required: ["status"],
            properties: { status: { enum: feedbackStatuses }, detail: { type: "string" } },
          },
        },
      },
    },
    "malformed_body",
    "invalid_request",
    "body_too_large",
    "overloaded",
  ),
  answer: (exchange, { feedback, onAnswerError }) =>
    readJson(
      exchange,
      (json) => {
        feedback(json)
          .then((results) => sendJson(exchange, { results }))
          .catch((error) => onAnswerError(exchange, error));
      },
      (error) => onAnswerError(exchange, error),
    ),
};
