/** What is served at which address of the admin listener. */

import { promisify } from "node:util";
import { takesGzip } from "./accept.js";
import { type ControlNeeds, controlRoutes, repositoryRoutes } from "./control-routes.js";
import type { Exchange } from "./http/transport.js";
import { type Route, Router } from "./router.js";
import { type CommonNeeds, everywhere } from "./routes.js";

export interface AdminNeeds extends CommonNeeds, ControlNeeds {
  /** The text of a scrape, and its content type. */
  readonly scrape: () => Promise<{ contentType: string; body: Uint8Array }>;
  readonly onScrapeError: (exchange: Exchange, error: unknown) => void;
}

export const adminRoutes: readonly Route<AdminNeeds>[] = [
  { verb: "GET", address: "/metrics", what: "metrics, in Prometheus's text format", answer: answerScrape },
  ...controlRoutes,
  ...repositoryRoutes,
  ...everywhere,
];

export function createAdminRouter(needs: AdminNeeds): Router<AdminNeeds> {
  const describeMissing = (_method: string, address: string) =>
    `nothing is served at ${address}: see /metrics, /models, /health/ready`;
  return new Router({ routes: adminRoutes, needs, describeMissing });
}

function answerScrape(exchange: Exchange, { scrape, onScrapeError }: AdminNeeds): void {
  sendScrape(exchange, scrape).catch((error) => onScrapeError(exchange, error));
}

/** The quickest: a scrape is text that repeats itself, of which it leaves a twentieth. */
const compressionLevel = 1;

/** Compresses where that is asked for, in a thread of Node's own. */
async function sendScrape(exchange: Exchange, scrape: AdminNeeds["scrape"]): Promise<void> {
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
