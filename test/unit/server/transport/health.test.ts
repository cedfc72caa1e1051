/** Goal: health says whether the server lives and serves, and names threads that hold a processor for ever. */

import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { type AdminNeeds, adminRoutes } from "../../../../server/transport/admin-routes.js";
import type { Exchange } from "../../../../server/transport/http/transport.js";
import { Router } from "../../../../server/transport/router.js";

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly ready?: boolean;
  readonly stuck?: number;
}

function ask({ path, method = "GET", ready = true, stuck = 0 }: Asked) {
  const answers: { status: number; body: unknown; headers: readonly string[] }[] = [];
  const send = (status: number, contentType: string, body: string, headers: readonly string[]) => {
    expect(contentType).toBe("application/json");
    answers.push({ status, body: JSON.parse(body), headers });
  };
  const router = new Router({
    routes: adminRoutes.filter(({ address }) => address.startsWith("/health")),
    needs: { health: { isReady: () => ready, stuckWorkers: () => stuck } } as AdminNeeds,
    describeMissing: () => "",
  });
  try {
    router.handle({ path, method, send } as unknown as Exchange);
  } catch (error) {
    if (!(error instanceof ServeError && error.code === "route_not_found")) throw error;
  }
  return answers[0];
}

const detail = (threads: string) =>
  `${threads} in a run that doesn't end, and each holds a processor: restart the server soon`;

describe("health", () => {
  test.each<{ name: string; asked: Asked; status: number; body: object }>([
    { name: "live", asked: { path: "/health/live" }, status: 200, body: { live: true } },
    {
      name: "live though it isn't ready",
      asked: { path: "/health/live", ready: false },
      status: 200,
      body: { live: true },
    },
    {
      name: "live though a thread is stuck",
      asked: { path: "/health/live", stuck: 2 },
      status: 200,
      body: { live: true },
    },
    { name: "ready", asked: { path: "/health/ready" }, status: 200, body: { ready: true } },
    { name: "not ready", asked: { path: "/health/ready", ready: false }, status: 503, body: { ready: false } },
    {
      name: "ready though a thread is stuck, which is told",
      asked: { path: "/health/ready", stuck: 1 },
      status: 200,
      body: { ready: true, stuck_workers: 1, detail: detail("1 of the pool's threads is") },
    },
    {
      name: "not ready, and threads are stuck",
      asked: { path: "/health/ready", ready: false, stuck: 3 },
      status: 503,
      body: { ready: false, stuck_workers: 3, detail: detail("3 of the pool's threads are") },
    },
  ])("$name", ({ asked, status, body }) => {
    const headers = status === 200 ? [] : ["retry-after", "1"];
    for (const method of ["GET", "HEAD"]) expect(ask({ ...asked, method })).toEqual({ status, body, headers });
  });

  test.each(["/health", "/health/", "/health/live/", "/models", "/"])("isn't at %s", (path) => {
    expect(ask({ path })).toBeUndefined();
  });

  test.each(["POST", "DELETE"])("isn't asked for by %s", (method) => {
    const refused = expect.objectContaining({ code: "method_not_allowed", allow: "GET, HEAD" });
    expect(() => ask({ path: "/health/ready", method })).toThrow(refused);
  });
});
