/** Which of a table's routes a request is for. What a listener answers with 404 and 405 follows from its table. */

import type { Buffer } from "node:buffer";
import { refuseMethod, ServeError } from "../errors.js";
import type { Protocol } from "../protocol/protocol.js";
import { checkLength, decodeName, shownAddress } from "./address.js";
import type { Exchange } from "./http/transport.js";
import type { AnswerDescription } from "./openapi/answer-description.js";

export interface ServedAddress {
  /** HEAD is answered where GET is. */
  readonly verb: "GET" | "POST" | "PUT" | "DELETE";
  /** A name in braces stands for what has no slash: `/models/{model}`. */
  readonly address: string;
  readonly what: string;
}

/** What an address names, as it was sent. */
export type AddressNames = Readonly<Record<string, string | undefined>>;

/** Where a prediction is asked for, of `{model}` and `{version}` if the address has them, in this protocol. */
export interface PredictRoute extends ServedAddress {
  readonly verb: "POST";
  readonly protocol: Protocol;
  /** Where the address names the model in another way. @throws {@link ServeError} for what is no model's name. */
  readonly modelOf?: (names: AddressNames) => string;
  /** Where the body names model and version, "" for none. @throws {@link ServeError} for what can't be read. */
  readonly namesIn?: NamesIn;
}

type NamesIn = (body: Buffer, contentType: string) => { readonly name: string; readonly version: string };

export interface AnswerRoute<Needs> extends ServedAddress {
  /** Whose form its errors have, if they have one. */
  readonly protocol?: Protocol;
  /** In OpenAPI's words. */
  readonly reply?: AnswerDescription;
  /** Headers that the answer reads beside those that every exchange has, in lower case. */
  readonly headers?: readonly string[];
  answer(exchange: Exchange, needs: Needs, names: AddressNames): void;
}

export type Route<Needs> = PredictRoute | AnswerRoute<Needs>;

/** A prediction's address: undefined stands for the default model and for the version that the routes choose. */
export interface PredictAddress {
  readonly protocol: Protocol;
  readonly modelName: string | undefined;
  readonly versionName: string | undefined;
  readonly namesIn?: NamesIn;
}

export interface RouterOptions<Needs> {
  readonly routes: readonly Route<Needs>[];
  readonly needs: Needs;
  /** Takes a prediction; undefined where no route is one. */
  readonly predict?: (exchange: Exchange, address: PredictAddress) => void;
  /** Words of a 404. @param address - As much of it as is repeated, quoted. */
  readonly describeMissing: (method: string, address: string) => string;
}

/** As many addresses of predictions are kept parsed: more than a server has models and versions. */
const addressesMax = 1000;

export class Router<Needs> {
  readonly #options: RouterOptions<Needs>;
  readonly #patterns: readonly { readonly route: Route<Needs>; readonly pattern: RegExp }[];
  readonly #parsed = new Map<string, PredictAddress>();

  constructor(options: RouterOptions<Needs>) {
    this.#options = options;
    this.#patterns = options.routes.map((route) => ({ route, pattern: patternOf(route.address) }));
  }

  /** @throws {@link ServeError} route_not_found, method_not_allowed, invalid_request; and what an answer throws. */
  handle(exchange: Exchange): void {
    const address = this.#parsed.get(exchange.path);
    if (address !== undefined && exchange.method === "POST") this.#options.predict!(exchange, address);
    else this.#find(exchange);
  }

  /** The protocol of an address, whatever the verb; where nothing is served, that of an address which begins alike. */
  protocolAt(path: string): Protocol | undefined {
    const begin = firstSegment(path);
    const found =
      this.#patterns.find(({ pattern }) => pattern.test(path)) ??
      this.#patterns.find(({ route }) => route.protocol !== undefined && firstSegment(route.address) === begin);
    return found?.route.protocol;
  }

  /** Headers that its protocols and answers read; undefined for none. */
  get headers(): ReadonlySet<string> | undefined {
    const names = this.#options.routes.flatMap((route) => [
      ...(route.protocol?.headers ?? []),
      ...("answer" in route ? (route.headers ?? []) : []),
    ]);
    return names.length === 0 ? undefined : new Set(names);
  }

  #find(exchange: Exchange): void {
    const { path, method } = exchange;
    checkLength(path);
    const verb = method === "HEAD" ? "GET" : method;
    const verbs: string[] = [];
    for (const { route, pattern } of this.#patterns) {
      const found = pattern.exec(path);
      if (found === null) continue;
      if (route.verb === verb) {
        this.#answer(exchange, route, found.groups ?? {});
        return;
      }
      verbs.push(route.verb === "GET" ? "GET, HEAD" : route.verb);
    }
    if (verbs.length > 0) throw refuseMethod(method, verbs.join(", "));
    const asked = JSON.stringify(shownAddress(path));
    throw new ServeError("route_not_found", this.#options.describeMissing(method.slice(0, 20), asked));
  }

  #answer(exchange: Exchange, route: Route<Needs>, names: AddressNames): void {
    if ("answer" in route) {
      route.answer(exchange, this.#options.needs, names);
      return;
    }
    const { model, version } = names;
    const modelName = model === undefined ? undefined : decodeName(model);
    const address: PredictAddress = {
      protocol: route.protocol,
      modelName: route.modelOf?.(names) ?? modelName,
      versionName: version === undefined ? undefined : decodeName(version),
      ...(route.namesIn && { namesIn: route.namesIn }),
    };
    // Whoever makes up addresses only makes this map start anew.
    if (this.#parsed.size >= addressesMax) this.#parsed.clear();
    this.#parsed.set(exchange.path, address);
    this.#options.predict!(exchange, address);
  }
}

function firstSegment(path: string): string {
  return path.slice(1).split("/", 1)[0]!;
}

function patternOf(address: string): RegExp {
  const parts = address
    .split(/\{(\w+)\}/)
    .map((part, i) => (i % 2 === 1 ? `(?<${part}>[^/]+)` : escapeForPattern(part)));
  return new RegExp(`^${parts.join("")}$`);
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
