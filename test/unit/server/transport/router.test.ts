/** Goal: a table of routes says all: what is answered at an address, for which verb, and what else is said there. */

import { describe, expect, test, vi } from "vitest";
import { predictJson } from "../../../../server/protocol/predict-json/protocol.js";
import type { Exchange } from "../../../../server/transport/http/transport.js";
import { type PredictAddress, type Route, Router } from "../../../../server/transport/router.js";

type Needs = (line: string) => void;

const other = { ...predictJson, name: "other", headers: ["x-one", "x-two"] };
const said = (verb: "GET" | "POST", address: string): Route<Needs> => ({
  verb,
  address,
  what: address,
  answer: (_exchange, say, names) => say(`${verb} ${address} ${JSON.stringify(names)}`),
});
const routes: readonly Route<Needs>[] = [
  said("GET", "/"),
  said("GET", "/models/{model}"),
  said("POST", "/models/{model}"),
  said("GET", "/a.b/{x}/c/{y}"),
  { verb: "POST", address: "/predict", what: "", protocol: predictJson },
  { verb: "POST", address: "/v1/models/{model}:predict", what: "", protocol: other },
  { verb: "POST", address: "/models/{model}/versions/{version}/predict", what: "", protocol: predictJson },
];

function createRig() {
  const lines: string[] = [];
  const predict = vi.fn((_exchange: Exchange, { protocol, modelName, versionName }: PredictAddress) => {
    lines.push(`${protocol.name} ${modelName} ${versionName}`);
  });
  const describeMissing = (method: string, address: string) => `nothing at ${method} ${address}`;
  const router = new Router({ routes, needs: (line: string) => void lines.push(line), predict, describeMissing });
  const ask = (method: string, path: string) => {
    router.handle({ method, path } as Exchange);
    return lines.at(-1);
  };
  return { router, ask, predict };
}

describe("a route", () => {
  test.each([
    ["GET", "/", "GET / {}"],
    ["HEAD", "/", "GET / {}"],
    ["GET", "/models/tiny", 'GET /models/{model} {"model":"tiny"}'],
    ["POST", "/models/tiny", 'POST /models/{model} {"model":"tiny"}'],
    ["GET", "/models/a%2Fb", 'GET /models/{model} {"model":"a%2Fb"}'],
    ["GET", "/a.b/1/c/2", 'GET /a.b/{x}/c/{y} {"x":"1","y":"2"}'],
    ["POST", "/predict", "predict-json undefined undefined"],
    ["POST", "/v1/models/tiny:predict", "other tiny undefined"],
    ["POST", "/v1/models/a:b:predict", "other a:b undefined"],
    ["POST", "/models/a%2Fb/versions/1/predict", "predict-json a/b 1"],
  ])("%s %s: %s", (method, path, expected) => {
    const { ask } = createRig();
    // The second time from what is kept of it.
    expect([ask(method, path), ask(method, path)]).toEqual([expected, expected]);
  });

  test.each([
    ["DELETE", "/", "GET, HEAD"],
    ["PUT", "/models/tiny", "GET, HEAD, POST"],
    ["GET", "/predict", "POST"],
    ["post", "/predict", "POST"],
  ])("isn't there for %s %s: %s are", (method, path, allow) => {
    const refused = expect.objectContaining({ code: "method_not_allowed", allow });
    const { ask } = createRig();
    expect(() => ask(method, path)).toThrow(refused);
    // Nor when the address is known.
    if (path === "/predict") ask("POST", path);
    expect(() => ask(method, path)).toThrow(refused);
  });

  test.each([
    "/models",
    "/models/",
    "/models//versions/1/predict",
    "/Predict",
    "/predict/",
    "/axb/1/c/2",
    "/models/a/b",
  ])("isn't at %s", (path) => {
    const refused = { code: "route_not_found", message: `nothing at POST ${JSON.stringify(path)}` };
    expect(() => createRig().ask("POST", path)).toThrow(expect.objectContaining(refused));
  });
});

test("an address says its protocol, whatever the verb and whether or not it is served, and the protocols which headers they read", () => {
  const { router } = createRig();
  expect(router.protocolAt("/v1/models/tiny:predict")?.name).toBe("other");
  expect(router.protocolAt("/predict")?.name).toBe("predict-json");
  expect(router.protocolAt("/v1/none")?.name).toBe("other");
  expect(router.protocolAt("/models/tiny")).toBeUndefined();
  expect(router.protocolAt("/models/tiny/else")?.name).toBe("predict-json");
  expect(router.protocolAt("/health/live")).toBeUndefined();
  expect(router.protocolAt("/none")).toBeUndefined();
  expect(router.protocolAt("/")).toBeUndefined();
  expect(router.headers).toEqual(new Set(["x-one", "x-two"]));
});

test("a prediction's address is read once", () => {
  const { ask, predict } = createRig();
  for (let i = 0; i < 3; i++) ask("POST", "/v1/models/tiny:predict");
  const [first, ...others] = predict.mock.calls.map(([, address]) => address);
  for (const address of others) expect(address).toBe(first);
});
