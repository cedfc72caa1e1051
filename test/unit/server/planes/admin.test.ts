/** Goal: what an admin listener answers where one process serves, it answers where several do. */

import { expect, test } from "vitest";
import { primaryRoutes } from "../../../../server/planes/admin.js";
import { adminRoutes } from "../../../../server/transport/admin-routes.js";

test("a primary has each address of an admin listener, and its own", () => {
  const namesOf = (routes: readonly { verb: string; address: string }[]) =>
    routes.map(({ verb, address }) => `${verb} ${address}`).sort();
  expect(namesOf(primaryRoutes)).toEqual([...namesOf(adminRoutes), "GET /processes"].sort());
});
