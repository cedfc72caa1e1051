/** The admin listener's addresses: metrics, and health and models as on the public one. Loopback by default. */

import { promisify } from "node:util";
import { refuseMethod, ServeError } from "../errors.js";
import type { Registry } from "../versions/registry.js";
import { takesGzip } from "./accept.js";
import { checkLength, decodeName, shownAddress } from "./address.js";
import { describeModel, describeModels } from "./describe.js";
import { answerHealth, type Health } from "./health.js";
import type { Exchange } from "./http/transport.js";

export interface AdminRoutes {
  readonly registry: Registry;
  readonly health: Health;
  /** The text of a scrape, and its content type. */
  readonly scrape: () => Promise<{ contentType: string; body: Uint8Array }>;
  readonly onScrapeError: (exchange: Exchange, error: unknown) => void;
}

/** The quickest: a scrape is text that repeats itself, of which it leaves a twentieth. */
const compressionLevel = 1;

export function createAdminHandler(routes: AdminRoutes): (exchange: Exchange) => void {
  return (exchange) => {
    const { path, method } = exchange;
    if (answerHealth(exchange, routes.health)) return;
    checkLength(path);
    const known = path === "/metrics" || path === "/models" || path.startsWith("/models/");
    if (!known)
      throw new ServeError(
        "route_not_found",
        `nothing is served at ${JSON.stringify(shownAddress(path))}: see /metrics, /models, /health/ready`,
      );
    if (method !== "GET" && method !== "HEAD") throw refuseMethod(method, "GET, HEAD");
    if (path === "/metrics") {
      sendScrape(exchange, routes).catch((error) => routes.onScrapeError(exchange, error));
      return;
    }
    const answer =
      path === "/models"
        ? describeModels(routes.registry)
        : describeModel(routes.registry, decodeName(path.slice("/models/".length)));
    exchange.send(200, "application/json", `${JSON.stringify(answer)}\n`);
  };
}

/** Compresses where that is asked for, in a thread of Node's own. */
async function sendScrape(exchange: Exchange, { scrape }: AdminRoutes): Promise<void> {
  const isCompressed = takesGzip(exchange.acceptEncoding);
  const { contentType, body } = await scrape();
  const headers = ["vary", "accept-encoding"];
  if (!isCompressed) {
    exchange.send(200, contentType, body, headers);
    return;
  }
  const { gzip } = await import("node:zlib");
  const compressed = await promisify(gzip)(body, { level: compressionLevel });
  exchange.send(200, contentType, compressed, [...headers, "content-encoding", "gzip"]);
}
