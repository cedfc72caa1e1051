/** Goal: a platform's own variables are heeded, and give way to what was set for Plumb. */

import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { readConfig } from "../../../server/config.js";

const read = (environment: Record<string, string>, args: string[] = []) => readConfig(args, environment, tmpdir());

test.each([
  ["Cloud Run", { PORT: "9001" }, 9001],
  ["SageMaker", { SAGEMAKER_BIND_TO_PORT: "9002" }, 9002],
  ["Vertex AI, before a plain PORT", { AIP_HTTP_PORT: "9003", PORT: "9001" }, 9003],
  ["an empty one", { PORT: "" }, 8080],
  ["one of Plumb's own", { PLUMB_HTTP_PORT: "9004", AIP_HTTP_PORT: "9003" }, 9004],
])("%s", (_, environment, port) => expect(read(environment as Record<string, string>).httpPort).toBe(port));

test("a flag goes before all of them", () => {
  expect(read({ PORT: "9001", PLUMB_HTTP_PORT: "9004" }, ["--http-port", "9005"]).httpPort).toBe(9005);
});

test("Vertex AI's routes are addresses", () => {
  const { predictRoute, healthRoute } = read({
    AIP_PREDICT_ROUTE: "/v1/endpoints/123/deployedModels/456:predict",
    AIP_HEALTH_ROUTE: "/v1/endpoints/123/deployedModels/456",
  });
  expect([predictRoute, healthRoute]).toEqual([
    "/v1/endpoints/123/deployedModels/456:predict",
    "/v1/endpoints/123/deployedModels/456",
  ]);
});

test.each([
  [{ PORT: "http" }, /the environment variable PORT: .*, got "http"/],
  [{ AIP_HTTP_PORT: "70000" }, /the environment variable AIP_HTTP_PORT: /],
  [{ AIP_PREDICT_ROUTE: "predict" }, /the environment variable AIP_PREDICT_ROUTE: expected a path/],
  [{ AIP_HEALTH_ROUTE: "/{model}" }, /the environment variable AIP_HEALTH_ROUTE: expected a path/],
])("%j is named", (environment, words) => expect(() => read(environment as never)).toThrow(words));

test.each(["https://a.example, http://localhost:3000", "http://[::1]:3000", ""])("%j are origins", (text) => {
  expect(read({ PLUMB_CORS_ORIGINS: text }).corsOrigins).toBe(text);
});

test.each(["*", "a.example", "https://a.example/", "https://a.example/x", "null"])("%j isn't an origin", (text) => {
  expect(() => read({ PLUMB_CORS_ORIGINS: text })).toThrow(/expected origins as https:\/\/app\.example\.com/);
});
