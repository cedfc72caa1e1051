/**
 * Goal: the OpenAPI document says all that the table of routes and the served contracts say, of the versions that are
 * served now, and is valid by somebody else's judgement.
 */

import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import type { GoldenRow } from "../../../../bundle/index.js";
import { errorTable, publicCodes } from "../../../../server/errors.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import type { KeptText } from "../../../../server/transport/kept-text.js";
import { OpenApi } from "../../../../server/transport/openapi/openapi.js";
import { plainProtocol, publicRoutes } from "../../../../server/transport/routes.js";
import { Registry } from "../../../../server/versions/registry.js";
import type { Servable } from "../../../../server/versions/servable.js";
import { columnFile } from "../../../examples/column-file.js";
import { binaryGraph, makeVersion, namedGraph } from "../../../support/versions.js";

// biome-ignore lint/suspicious/noExplicitAny: the document as a client reads it.
type Document = any;

const golden = (row: Record<string, number>) => [
  { kind: "sample", row, rowJson: JSON.stringify(row) } as unknown as GoldenRow,
];

function createRig(
  versions: readonly Servable[],
  { defaultModel = undefined as string | undefined, routes = publicRoutes } = {},
) {
  const registry = new Registry(defaultModel, newestReady);
  for (const version of versions) registry.add(version);
  let pauses = 0;
  const protocolAt = (path: string) => {
    const akin = routes.find((route) => "protocol" in route && route.address.split("/")[1] === path.split("/")[1]);
    return akin !== undefined && "protocol" in akin ? akin.protocol : plainProtocol;
  };
  const openApi = new OpenApi({ routes, protocolAt, version: "1.2.3" }, registry, () => {
    pauses++;
    return Promise.resolve();
  });
  const read = async (): Promise<Document> => JSON.parse((await openApi.text()).bytes.toString());
  return { openApi, registry, read, pauses: () => pauses };
}

const versions = [
  makeVersion({ name: "demand", number: 2, golden: golden({ x: 1.5 }) }),
  makeVersion({ name: "demand", number: 3, state: "proving" }),
  makeVersion({ name: "spam", task: "classification", postprocessing: binaryGraph(["ham", "spam"]) }),
  makeVersion({ name: "a.b_c-d", postprocessing: namedGraph(["low", "high"]), golden: golden({ x: 2 }) }),
  makeVersion({ name: "model", golden: golden({ x: 3 }) }),
];

const operationsOf = ({ paths }: Document) =>
  Object.entries<Document>(paths).flatMap(([address, verbs]) =>
    Object.entries<Document>(verbs).map(([verb, operation]) => ({ address, verb: verb.toUpperCase(), operation })),
  );

describe("the document", () => {
  test.each([
    ["of several models", versions],
    ["of one", versions.slice(0, 1)],
    ["of none", []],
  ])("%s is valid OpenAPI 3.1", async (_, served) => {
    const document = await createRig(served).read();
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
    expect(refs.length).toBeGreaterThan(50);
    for (const path of new Set(refs)) {
      const found = path.split("/").reduce<Document>((part, key) => part?.[key], document);
      expect(found, path).toBeDefined();
    }
  });

  test("has each route of the table, under its verb, in its words, described in full", async () => {
    const document = await createRig(versions).read();
    const said = operationsOf(document).filter(({ operation }) => operation["x-plumb-model"] === undefined);
    expect(said.map(({ verb, address, operation }) => ({ verb, address, what: operation.summary }))).toEqual(
      publicRoutes.map(({ verb, address, what }) => ({ verb, address, what })),
    );
    // A route without `reply`, or a protocol without `description`, has content of any kind.
    for (const { address, operation } of said) expect(JSON.stringify(operation), address).not.toContain("*/*");
  });

  test("has a route that describes nothing of itself, too", async () => {
    const route = { verb: "POST", address: "/models/{model}/columns", what: "columns", protocol: columnFile } as const;
    const document = await createRig(versions, { routes: [...publicRoutes, route] }).read();
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    expect(document.paths["/models/{model}/columns"].post).toMatchObject({ requestBody: { content: { "*/*": {} } } });
    expect(document.paths["/models/demand/columns"].post.summary).toBe("demand: columns");
  });

  test("names each operation once, whatever models are called", async () => {
    const ids = operationsOf(await createRig(versions).read()).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("post_models_MODEL_predict");
    expect(ids).toContain("post_models_model_predict");
  });

  test("has a model's own schema as the bundle has it, at the addresses of that model", async () => {
    const { paths, components } = await createRig(versions).read();
    expect(components.schemas["demand.row"]).toEqual(versions[0]!.rowSchema.document);
    const { requestBody, responses } = paths["/models/demand/predict"].post;
    expect(requestBody.content["application/json"]).toEqual({
      schema: { $ref: "#/components/schemas/demand.predict-json.request" },
      examples: {
        row: { $ref: "#/components/examples/demand.predict-json.row" },
        rows: { $ref: "#/components/examples/demand.predict-json.rows" },
      },
    });
    expect(components.examples["demand.predict-json.row"]).toEqual({ value: { x: 1.5 } });
    expect(components.examples["demand.open-inference.row"]).toEqual({
      value: { inputs: [{ name: "x", datatype: "FP64", shape: [1, 1], data: [1.5] }] },
    });
    expect(responses["200"].content["application/json"].schema).toEqual({
      $ref: "#/components/schemas/demand.predict-json.reply",
    });
    const single = (name: string) => components.schemas[`${name}.predict-json.reply`].oneOf[0].properties;
    expect(single("spam")).toMatchObject({ prediction: { enum: ["ham", "spam"] }, model: { const: "spam" } });
    expect(single("a.b_c-d").prediction).toMatchObject({ type: "array", minItems: 2, description: "low, high" });
    expect(paths["/v2/models/a.b_c-d/infer"].post["x-plumb-model"]).toBe("a.b_c-d");
  });

  test("has every code of the one table, and each where it may come, in the form of its protocol", async () => {
    const { paths, components } = await createRig(versions).read();
    const codes = components.schemas.ErrorCode.oneOf.map((code: Document) => code.const);
    expect(codes).toEqual(publicCodes);
    const responses = Object.keys(paths["/models/{model}/predict"].post.responses).map(Number);
    const expected = new Set<number>(publicCodes.map((code) => errorTable[code].http));
    expected.delete(errorTable.method_not_allowed.http);
    expect(new Set(responses)).toEqual(new Set([200, ...expected]));
    expect(components.responses["predict-json.422"].content["application/json"].examples.row_refused.value).toEqual({
      error: {
        code: "row_refused",
        message: errorTable.row_refused.meaning,
        issues: [],
        request_id: expect.any(String),
      },
    });
    expect(paths["/v2/models/{model}/infer"].post.responses).not.toHaveProperty("422");
    expect(paths["/v2/models/{model}"].get.responses["404"]).toEqual({
      $ref: "#/components/responses/open-inference.404",
    });
  });

  test("lets the default model's row stand at /predict, and any where there is none", async () => {
    const schemaAt = ({ paths }: Document) => paths["/predict"].post.requestBody.content["application/json"].schema;
    const set = await createRig(versions, { defaultModel: "spam" }).read();
    expect(schemaAt(set)).toEqual({ $ref: "#/components/schemas/spam.predict-json.request" });
    expect(schemaAt(await createRig(versions).read()).anyOf[0]).toEqual({ $ref: "#/components/schemas/AnyRow" });
  });
});

describe("what is served", () => {
  const same = (a: KeptText, b: KeptText) => a === b;

  test("is written once while it stays as it is, and anew when a version comes or goes", async () => {
    const next = makeVersion({ name: "demand", number: 4, state: "proving" });
    const { openApi, registry, read } = createRig(versions);
    const [first, again] = await Promise.all([openApi.text(), openApi.text()]);
    expect(same(first, again)).toBe(true);
    registry.add(next);
    expect(same(first, await openApi.text())).toBe(true);
    next.transition("ready");
    const second = await openApi.text();
    expect(second.etag).not.toBe(first.etag);
    expect((await read()).components.parameters["path.version"].example).toBe("1");
    void next.drain();
    expect((await openApi.text()).etag).toBe(first.etag);
  });

  test("is written a model at a time, and what was written of a version is kept", async () => {
    const many = Array.from({ length: 50 }, (_, index) => makeVersion({ name: `m${index}` }));
    const { openApi, registry, pauses } = createRig(many);
    await openApi.text();
    expect(pauses()).toBeGreaterThanOrEqual(many.length);
    registry.add(makeVersion({ name: "one-more" }));
    const text = await openApi.text();
    expect(Object.keys(JSON.parse(text.bytes.toString()).components.schemas)).toContain("one-more.row");
  });

  test("is tried again where writing was stopped", async () => {
    const registry = new Registry(undefined, newestReady);
    let stopped = true;
    const pause = () => (stopped ? Promise.reject(new Error("stopped")) : undefined);
    const openApi = new OpenApi(
      { routes: publicRoutes, protocolAt: () => plainProtocol, version: "1" },
      registry,
      pause,
    );
    await expect(openApi.text()).rejects.toThrow("stopped");
    stopped = false;
    expect((await openApi.text()).bytes.length).toBeGreaterThan(1000);
  });
});
