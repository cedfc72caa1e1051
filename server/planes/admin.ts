/** What the admin listener of a primary answers: for all of its serving processes. */

import { decodeName } from "../transport/address.js";
import { guarded } from "../transport/admin-token.js";
import { type ControlNeeds, controlRoutes, repositoryRoutes } from "../transport/control-routes.js";
import { answerLive, answerReady, type Health } from "../transport/health.js";
import type { Exchange, HttpTransport, ListenerOptions } from "../transport/http/transport.js";
import { type PlanNeeds, planAnswers } from "../transport/plan-answers.js";
import { adminReceivingBytesMax } from "../transport/read-json.js";
import { type RouteNeeds, routeAnswers } from "../transport/route-answers.js";
import { type AnswerRoute, Router } from "../transport/router.js";
import { type ScrapeNeeds, scrapeRoute } from "../transport/scrape.js";

export interface PrimaryNeeds extends ScrapeNeeds, RouteNeeds, PlanNeeds, ControlNeeds {
  readonly health: Health;
  /**
   * What a serving process says of a model, or of all: JSON.
   *
   * @throws ServeError model_not_found; not_ready when none answers.
   */
  readonly describe: (model?: string) => Promise<string>;
  readonly describeProcesses: () => object;
}

const json = "application/json";

export const primaryRoutes: readonly AnswerRoute<PrimaryNeeds>[] = [
  scrapeRoute,
  ...routeAnswers,
  ...planAnswers,
  ...controlRoutes,
  ...repositoryRoutes,
  {
    verb: "GET",
    address: "/processes",
    what: "the serving processes, and the state of each",
    answer: (exchange, { describeProcesses }) => exchange.send(200, json, `${JSON.stringify(describeProcesses())}\n`),
  },
  {
    verb: "GET",
    address: "/models",
    what: "the models, and the state of each version, as a serving process has them",
    answer: (exchange, needs) => answerDescribed(exchange, needs),
  },
  {
    verb: "GET",
    address: "/models/{model}",
    what: "one model, as a serving process has it",
    answer: (exchange, needs, { model }) => answerDescribed(exchange, needs, decodeName(model!)),
  },
  { verb: "GET", address: "/health/live", what: "whether the primary answers", answer: answerLive },
  {
    verb: "GET",
    address: "/health/ready",
    what: "whether a serving process is ready",
    answer: (exchange, { health }) => answerReady(exchange, health),
  },
];

export interface AdminListenerOptions extends Pick<ListenerOptions, "host" | "port" | "onFailure"> {
  /** Undefined for a listener that asks nobody who they are. */
  readonly tokenFile: string | undefined;
}

/** @throws Error with a sentence when the address can't be listened on, or the token can't be read. */
export async function listenForAdmin(
  transport: HttpTransport,
  { host, port, onFailure, tokenFile }: AdminListenerOptions,
  needs: Omit<PrimaryNeeds, "onScrapeError" | "onAnswerError" | "refuse">,
) {
  const router = new Router<PrimaryNeeds>({
    routes: primaryRoutes,
    needs: {
      ...needs,
      onScrapeError: (exchange, error) => onFailure(exchange, "internal", "the answer failed", error),
      onAnswerError: (exchange, error) => onFailure(exchange, "internal", "an answer could not be made", error),
      refuse: (exchange, error) => onFailure(exchange, "internal", error.message, error),
    },
    describeMissing: (_method, address) =>
      `nothing is served at ${address}: see /metrics, /processes, /routes, /models, /health/ready`,
  });
  return await transport.listen({
    name: "admin",
    host,
    port,
    receivingBytesMax: adminReceivingBytesMax,
    ...guarded(tokenFile, router),
    onFailure,
    onForeignProtocol: () => {},
  });
}

function answerDescribed(exchange: Exchange, { describe, onScrapeError }: PrimaryNeeds, model?: string): void {
  describe(model)
    .then((text) => exchange.send(200, json, `${text}\n`))
    .catch((error) => onScrapeError(exchange, error));
}
