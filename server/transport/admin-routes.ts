/** What is served where on the admin listener: metrics, and what the public listener says of models and health. */

import { type Route, Router } from "./router.js";
import { type CommonNeeds, everywhere } from "./routes.js";
import { type ScrapeNeeds, scrapeRoute } from "./scrape.js";

export interface AdminNeeds extends CommonNeeds, ScrapeNeeds {}

export const adminRoutes: readonly Route<AdminNeeds>[] = [scrapeRoute, ...everywhere];

export function createAdminRouter(needs: AdminNeeds): Router<AdminNeeds> {
  const describeMissing = (_method: string, address: string) =>
    `nothing is served at ${address}: see /metrics, /models, /health/ready`;
  return new Router({ routes: adminRoutes, needs, describeMissing });
}
