/** Goal: a route is taken whole, or refused in a sentence that says where and what. */

import { describe, expect, it } from "vitest";
import { parseRoute, parseRoutes } from "../../../../server/routing/route.js";
import { RouteTable } from "../../../../server/routing/route-table.js";

describe("a route is taken as it is", () => {
  it.each([
    { champion: 1 },
    { champion: 1, canary: { version: 2, share: 0 } },
    { champion: 3, canary: { version: 2, share: 0.0001 }, assign_by: { feature: "customer_id" } },
    { champion: 1, canary: { version: 2, share: 0.05 }, assign_by: { request_id: true }, salt: "spring" },
    { champion: 1, canary: { version: 2, share: 1 }, assign_by: { header: "x-tenant" } },
    { champion: 1, shadows: [{ version: 1 }, { version: 2, share: 0.25 }] },
  ])("%j", (route) => expect(parseRoute("demand", route)).toEqual(route));

  it("but for the case of a header's name", () => {
    expect(parseRoute("demand", { champion: 1, assign_by: { header: "X-Tenant" } }).assign_by).toEqual({
      header: "x-tenant",
    });
  });
});

describe("a route is refused", () => {
  it.each([
    [[], "expected an object"],
    [null, "expected an object"],
    [{}, "champion: expected a version, a positive integer"],
    [{ champion: "1" }, "champion: expected a version, a positive integer"],
    [{ champion: 0 }, "champion: expected a positive integer"],
    [{ champion: 1, canery: 2 }, 'unknown: "canery"'],
    [
      { champion: 1, canary: { version: 1, share: 0.1 } },
      "canary.version: expected another version than the champion's",
    ],
    [{ champion: 1, canary: { version: 2, share: 1.01 } }, "canary.share: expected a share from 0 to 1"],
    [{ champion: 1, canary: { version: 2, share: 0.00005 } }, "canary.share: expected a multiple of 0.0001 (0.01 %)"],
    [{ champion: 1, canary: { version: 2 } }, "canary.share: expected a share from 0 to 1"],
    [{ champion: 1, assign_by: {} }, 'assign_by: expected one of "feature", "header" and "request_id"'],
    [
      { champion: 1, assign_by: { feature: "a", header: "b" } },
      'assign_by: expected one of "feature", "header" and "request_id"',
    ],
    [{ champion: 1, assign_by: { request_id: false } }, "assign_by.request_id: expected true"],
    [
      { champion: 1, assign_by: { header: "Traceparent" } },
      "assign_by.header: expected a header that the server doesn't read itself",
    ],
    [{ champion: 1, shadows: [{ version: 2 }, { version: 2 }] }, "shadows: expected each version and each URL once"],
    [{ champion: 1, shadows: [{ share: 1 }] }, 'shadows.0: expected one of "version" and "url"'],
    [
      { champion: 1, shadows: [{ version: 2, timeout_ms: 5 }] },
      'shadows.0: "protocol", "timeout_ms" and "features" go with "url"',
    ],
    [
      { champion: 1, shadows: [{ url: "http://ada:secret@example.com/" }] },
      "shadows.0.url: expected http:// or https:// without user, query and fragment",
    ],
    [
      { champion: 1, shadows: [{ url: "ftp://example.com/" }] },
      "shadows.0.url: expected http:// or https:// without user, query and fragment",
    ],
    [{ champion: 1, compare: { tolerance: -1 } }, "compare.tolerance: expected a number from 0 on"],
    [{ champion: 1, salt: "" }, "salt: expected a text, got an empty one"],
  ])("%j", (route, sentence) => {
    expect(() => parseRoute("demand", route)).toThrow(`the route of "demand": ${sentence}`);
  });

  it("with the model that it is of, in a file", () => {
    expect(() => parseRoutes({ routes: { demand: { champion: 0 } } })).toThrow(
      "the routes: routes.demand.champion: expected a positive integer",
    );
    expect(() => parseRoutes({ routes: { "a/b": { champion: 1 } } })).toThrow("expected a model's name");
    expect(() => parseRoutes({ demand: { champion: 1 } })).toThrow('unknown: "demand"');
  });
});

it("a table reports the headers of its routes, those to come too, and the versions that it names", () => {
  const table = new RouteTable();
  const read: string[] = [];
  table.watchHeaders((name) => read.push(name));
  expect([table.isUsed, read]).toEqual([false, []]);
  table.swap({ demand: { champion: 1, canary: { version: 3, share: 0.5 }, assign_by: { header: "x-tenant" } } });
  expect([table.isUsed, read, [...table.named]]).toEqual([true, ["x-plumb-arm", "x-tenant"], ["demand/1", "demand/3"]]);
  table.swap({});
  expect([table.isUsed, table.of("demand")]).toEqual([false, undefined]);
});
