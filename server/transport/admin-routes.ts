/** What is served at which address of the admin listener. */

import { type ControlNeeds, controlRoutes, repositoryRoutes } from "./control-routes.js";
import { type PlanNeeds, planAnswers } from "./plan-answers.js";
import { type RouteNeeds, routeAnswers } from "./route-answers.js";
import { type Route, Router } from "./router.js";
import { type CommonNeeds, everywhere } from "./routes.js";
import { type ScrapeNeeds, scrapeRoute } from "./scrape.js";

export interface AdminNeeds extends CommonNeeds, ControlNeeds, RouteNeeds, PlanNeeds, ScrapeNeeds {}

export const adminRoutes: readonly Route<AdminNeeds>[] = [
  scrapeRoute,
  ...routeAnswers,
  ...planAnswers,
  ...controlRoutes,
  ...repositoryRoutes,
  ...everywhere,
];

export function createAdminRouter(needs: AdminNeeds): Router<AdminNeeds> {
  const describeMissing = (_method: string, address: string) =>
    `nothing is served at ${address}: see /metrics, /routes, /models, /health/ready`;
  return new Router({ routes: adminRoutes, needs, describeMissing });
}
