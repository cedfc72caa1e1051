/** What is served where on the admin listener: metrics, routes, and what the public listener says of models and health. */

import { type RouteNeeds, routeAnswers } from "./route-answers.js";
import { type Route, Router } from "./router.js";
import { type CommonNeeds, everywhere } from "./routes.js";
import { type ScrapeNeeds, scrapeRoute } from "./scrape.js";

export interface AdminNeeds extends CommonNeeds, RouteNeeds, ScrapeNeeds {}

export const adminRoutes: readonly Route<AdminNeeds>[] = [scrapeRoute, ...routeAnswers, ...everywhere];

export function createAdminRouter(needs: AdminNeeds): Router<AdminNeeds> {
  const describeMissing = (_method: string, address: string) =>
    `nothing is served at ${address}: see /metrics, /routes, /models, /health/ready`;
  return new Router({ routes: adminRoutes, needs, describeMissing });
}
