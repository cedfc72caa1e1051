/** Routes on the admin listener: read, set, removed, and what their shadows answered. */

import { ServeError } from "../errors.js";
import type { ChangeHead, RouteStore } from "../release/route-store.js";
import { etagOf, routesText } from "../release/routes-text.js";
import { decodeName } from "./address.js";
import type { Exchange } from "./http/transport.js";
import { readJson } from "./read-json.js";
import type { AnswerRoute } from "./router.js";
import { sendJson } from "./send-json.js";

export interface RouteNeeds {
  readonly routeStore: Pick<RouteStore, "routes" | "of" | "put" | "remove" | "history">;
  /** @throws {@link ServeError} model_not_found. */
  readonly compare: (modelName: string) => object | Promise<object>;
  /** @throws {@link ServeError} model_not_found. */
  readonly experiment: (modelName: string) => object | Promise<object>;
  /** Answers an error in the admin listener's form. */
  readonly refuse: (exchange: Exchange, error: ServeError) => void;
}

const json = "application/json";
/** Who changes a route, why, and on what condition. */
const changeHeaders: readonly string[] = ["if-match", "if-none-match", "x-plumb-who", "x-plumb-why"];
/** Characters of who and why that are kept. */
const wordsMax = 500;

export const routeAnswers: readonly AnswerRoute<RouteNeeds>[] = [
  {
    verb: "GET",
    address: "/routes",
    what: "the routes of all models that have one",
    answer: (exchange, { routeStore: { routes } }) =>
      exchange.send(200, json, routesText(routes), ["etag", etagOf(routes)]),
  },
  {
    verb: "GET",
    address: "/routes/{model}",
    what: "the model's route: champion, canary, share, and by what keys are assigned",
    answer: (exchange, { routeStore }, { model }) => sendRoute(exchange, routeStore, decodeName(model!)),
  },
  {
    verb: "PUT",
    address: "/routes/{model}",
    what: "sets the model's route, from the next call on",
    headers: changeHeaders,
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      const head = headOf(exchange);
      const { routeStore } = needs;
      readJson(
        exchange,
        (route) =>
          answer(exchange, needs, async () => {
            await routeStore.put(name, route, head);
            sendRoute(exchange, routeStore, name);
          }),
        (error) => needs.refuse(exchange, error),
      );
    },
  },
  {
    verb: "DELETE",
    address: "/routes/{model}",
    what: "removes the model's route: its newest version that is ready is its champion again",
    headers: changeHeaders,
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      const head = headOf(exchange);
      answer(exchange, needs, async () => {
        await needs.routeStore.remove(name, head);
        exchange.send(200, json, `${JSON.stringify({ model: name, route: null })}\n`);
      });
    },
  },
  {
    verb: "GET",
    address: "/routes/{model}/history",
    what: "the last changes of the model's route, from the audit log, newest first",
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      answer(exchange, needs, async () => {
        const changes = await needs.routeStore.history(name);
        exchange.send(200, json, `${JSON.stringify({ model: name, changes })}\n`);
      });
    },
  },
  {
    verb: "GET",
    address: "/models/{model}/compare",
    what: "what the model's shadows answered beside its champion",
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      answer(exchange, needs, async () => {
        exchange.send(200, json, `${JSON.stringify(await needs.compare(name))}\n`);
      });
    },
  },
  {
    verb: "GET",
    address: "/models/{model}/experiment",
    what: "what canary and control did, and how sure it is that they differ",
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      answer(exchange, needs, async () => sendJson(exchange, await needs.experiment(name)));
    },
  },
];

function sendRoute(exchange: Exchange, routeStore: RouteNeeds["routeStore"], name: string): void {
  const route = routeStore.of(name);
  exchange.send(200, json, `${JSON.stringify(route)}\n`, ["etag", etagOf(route)]);
}

function answer(exchange: Exchange, { refuse }: RouteNeeds, change: () => Promise<void>): void {
  change().catch((error) => refuse(exchange, ServeError.from(error)));
}

function headOf(exchange: Exchange): ChangeHead {
  const words = (name: string) => exchange.header(name).slice(0, wordsMax);
  return {
    who: words("x-plumb-who") || "admin",
    why: words("x-plumb-why"),
    ifMatch: exchange.header("if-match"),
    ifNoneMatch: exchange.header("if-none-match"),
  };
}
