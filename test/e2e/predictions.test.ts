/**
 * Goal: each address answers for the model that it says, in the form that is written down; what is no prediction is
 * never a 200.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { scrape } from "../support/metrics.js";
import { echoModel, lookupModel, lookupSize, type ModelStore, rootModel, writeStore } from "../support/model-store.js";
import { sumOf } from "../support/prometheus-text.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  store = await writeStore(
    echoModel(),
    echoModel({ version: 2 }),
    echoModel({ version: 10 }),
    rootModel(),
    lookupModel(),
    // Roots of negative values are NaN, and so is their sigmoid: a label all the same, by a comparison that fails.
    rootModel({ name: "yes-no", labels: ["no", "yes"] }),
  );
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

async function predict(path: string, body: unknown, headers: Record<string, string> = {}) {
  return await post(server.httpPort, path, body, { headers });
}

async function results(): Promise<Record<string, number>> {
  const families = await scrape(server);
  return Object.fromEntries(
    ["ok", "model_failed", "model_output_invalid"].map((result) => [
      result,
      sumOf(families, "plumb_requests_total", { result }),
    ]),
  );
}

// Where a batch runs changes nothing of its answers.
describe.each(["inline", "pool", "auto"])("with execution %s", (execution) => {
  beforeAll(async () => {
    server = await startServer(
      store.directory,
      "--execution",
      execution,
      "--default-model",
      "echo",
      "--versions-per-model",
      "2",
      "--access-log",
      "off",
    );
  });

  afterAll(async () => {
    expect(await server.end()).toEqual({ code: 0, signal: null });
  });

  test("/predict answers for the default model, by its newest version", async () => {
    const { status, json, headers } = await predict("/predict", { value: 0.1 });
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json");
    expect(json).toEqual({ prediction: Math.fround(0.1), model: "echo", version: 10, request_id: expect.any(String) });
  });

  test("a model's address answers for it, by its newest version, and a version's by that one", async () => {
    expect((await predict("/models/root/predict", { value: 9 })).json).toMatchObject({
      prediction: 3,
      model: "root",
      version: 1,
    });
    expect((await predict("/models/echo/predict", { value: 9 })).json).toMatchObject({
      prediction: 9,
      model: "echo",
      version: 10,
    });
    expect((await predict("/models/echo/versions/10/predict", { value: 9 })).json).toMatchObject({
      prediction: 9,
      version: 10,
    });
    expect((await predict("/models/echo/versions/2/predict", { value: 9 })).json).toMatchObject({
      prediction: 9,
      version: 2,
    });
  });

  test("only the newest versions are loaded, as many as --versions-per-model says", async () => {
    const { status, json } = await predict("/models/echo/versions/1/predict", { value: 9 });
    expect([status, json.error.code]).toEqual([404, "model_not_found"]);
    expect(json.error.message).toMatch(/10, 2/);
  });

  test("rows are answered in their order and bit for bit, whatever batches they run in", async () => {
    const values = Array.from({ length: 3_000 }, (_, i) => Math.sin(i) * 10 ** ((i % 12) - 6));
    const { json } = await predict("/predict", { rows: values.map((value) => ({ value })) });
    expect(json).toEqual({
      predictions: values.map(Math.fround),
      model: "echo",
      version: 10,
      request_id: expect.any(String),
    });
  });

  test("many callers at once get each their own answer", async () => {
    const sizes = Array.from({ length: 200 }, (_, i) => (i % 7 === 0 ? 40 : 1));
    const answers = await Promise.all(
      sizes.map((size, i) =>
        predict(
          "/predict",
          size === 1 ? { value: i } : { rows: Array.from({ length: size }, (_, k) => ({ value: i + k / 64 })) },
        ),
      ),
    );
    for (const [i, { json }] of answers.entries()) {
      if (sizes[i] === 1) expect(json.prediction).toBe(i);
      else expect(json.predictions).toEqual(Array.from({ length: sizes[i]! }, (_, k) => i + k / 64));
    }
  });

  test("a classifier answers its label, and the probability of each", async () => {
    const { json } = await predict("/models/yes-no/predict", { value: 4 });
    expect(json).toMatchObject({ prediction: "yes", model: "yes-no", version: 1 });
    expect(Object.keys(json.probabilities)).toEqual(["no", "yes"]);
    expect(json.probabilities.yes).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(json.probabilities.no).toBe(Math.fround(1 - json.probabilities.yes));
    const rows = (await predict("/models/yes-no/predict", { rows: [{ value: 4 }, { value: 0 }] })).json;
    expect(rows.predictions).toHaveLength(2);
    expect(rows.probabilities).toEqual([json.probabilities, { no: 0.5, yes: 0.5 }]);
  });

  describe("an answer that is no finite number is model_output_invalid, never a 200", () => {
    const cases: [string, string, unknown][] = [
      ["NaN", "root", { value: -1 }],
      ["infinity", "root", { value: 1e39 }],
      ["NaN among good rows", "root", { rows: [{ value: 4 }, { value: -1 }, { value: 9 }] }],
      ["a probability that is NaN", "yes-no", { value: -1 }],
    ];
    test.each(cases)("%s", async (_, model, body) => {
      const before = await results();
      const { status, json, text } = await predict(`/models/${model}/predict`, body);
      expect(status).toBe(500);
      expect(json.error).toMatchObject({ code: "model_output_invalid", issues: [], request_id: expect.any(String) });
      expect(text).not.toMatch(/prediction|null/);
      expect(await results()).toEqual({ ...before, model_output_invalid: before.model_output_invalid! + 1 });
    });

    test("and null with its error in a partial request, whose good rows are answered", async () => {
      const { status, json } = await predict("/models/root/predict", {
        rows: [{ value: 4 }, { value: -1 }, { value: "x" }, { value: 9 }],
        partial: true,
      });
      expect(status).toBe(200);
      expect(json.predictions).toEqual([2, null, null, 3]);
      expect(json.errors.map(({ row, code }: { row: number; code: string }) => [row, code])).toEqual([
        [1, "model_output_invalid"],
        [2, "schema_mismatch"],
      ]);
      const labels = (await predict("/models/yes-no/predict", { rows: [{ value: -1 }, { value: 0 }], partial: true }))
        .json;
      expect(labels.predictions[0]).toBeNull();
      expect(labels.probabilities).toEqual([null, { no: 0.5, yes: 0.5 }]);
    });
  });

  describe("a row that the model fails on is model_failed", () => {
    test("and the runtime's words are for the log, not for the caller", async () => {
      const before = await results();
      const { status, json, text } = await predict("/models/lookup/predict", { value: lookupSize });
      expect(status).toBe(500);
      expect(json.error).toMatchObject({
        code: "model_failed",
        issues: [],
        message: "row 0: the model could not be run on it",
      });
      expect(text).not.toMatch(/Gather|onnx|indices|bounds/i);
      expect(await results()).toEqual({ ...before, model_failed: before.model_failed! + 1 });
      expect(
        await server.untilLogged(({ message }) => /the model failed on 1 rows: .*bounds/.test(message)),
      ).toMatchObject({
        level: "error",
        model: "lookup",
      });
    });

    test("which fails none of the rows that run beside it", async () => {
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, i) =>
          predict("/models/lookup/predict", { value: i % 8 === 3 ? lookupSize + i : i }),
        ),
      );
      for (const [i, { status, json }] of answers.entries()) {
        if (i % 8 === 3) expect([status, json.error.code]).toEqual([500, "model_failed"]);
        else expect(json.prediction).toBe(i);
      }
    });

    test("and null with its error in a partial request", async () => {
      const rows = Array.from({ length: 600 }, (_, i) => ({ value: i % 100 === 50 ? lookupSize : i % lookupSize }));
      const { status, json } = await predict("/models/lookup/predict", { rows, partial: true });
      expect(status).toBe(200);
      expect(json.predictions).toEqual(rows.map(({ value }) => (value === lookupSize ? null : value)));
      expect(json.errors.map(({ row, code }: { row: number; code: string }) => `${row} ${code}`)).toEqual(
        [50, 150, 250, 350, 450, 550].map((row) => `${row} model_failed`),
      );
      const whole = await predict("/models/lookup/predict", { rows });
      expect([whole.status, whole.json.error.code, whole.json.error.message]).toEqual([
        500,
        "model_failed",
        "row 50: the model could not be run on it",
      ]);
    });
  });

  test("a request id is echoed in header and body, and made where there is none", async () => {
    const own = await predict("/predict", { value: 1 }, { "x-request-id": "order-42" });
    expect([own.json.request_id, own.headers["x-request-id"]]).toEqual(["order-42", "order-42"]);
    const refused = await predict("/predict", {}, { "x-request-id": "order-43" });
    expect([refused.json.error.request_id, refused.headers["x-request-id"]]).toEqual(["order-43", "order-43"]);
    const made = await Promise.all(Array.from({ length: 50 }, () => predict("/predict", { value: 1 })));
    expect(new Set(made.map(({ json }) => json.request_id)).size).toBe(50);
  });
});

describe("which model /predict answers for", () => {
  test("is the only one, where none is set", async () => {
    const one = await writeStore(rootModel());
    server = await startServer(one.directory);
    expect((await predict("/predict", { value: 16 })).json).toMatchObject({ prediction: 4, model: "root" });
    await server.end();
    await one.remove();
  });

  test("has to be said, where there are several", async () => {
    server = await startServer(store.directory);
    const { status, json } = await predict("/predict", { value: 16 });
    expect([status, json.error.code]).toEqual([404, "model_not_found"]);
    expect(json.error.message).toMatch(/default model.*echo, lookup, root, yes-no/);
    expect((await predict("/models/root/predict", { value: 16 })).json.prediction).toBe(4);
    await server.end();
  });

  test("is never another one than the one that is set: a name that isn't in the store stops the start", async () => {
    const one = await writeStore(rootModel());
    const start = startServer(one.directory, "--default-model", "demand");
    await expect(start).rejects.toThrow(/the default model "demand" isn't in the model store .*: expected one of root/);
    await one.remove();
  });
});

describe("what models there are", () => {
  test("is listed, newest versions first, with what serves", async () => {
    server = await startServer(store.directory);
    for (const port of [server.httpPort, server.adminPort]) {
      const { models } = (await ask(port, "/models")).json;
      expect(models.map(({ name }: { name: string }) => name)).toEqual(["echo", "lookup", "root", "yes-no"]);
      expect(models[0]).toEqual({
        name: "echo",
        task: "regression",
        serving: 10,
        versions: [
          { version: 10, state: "ready" },
          { version: 2, state: "ready" },
          { version: 1, state: "unloaded", reason: "the newest 2 versions are loaded (versionsPerModel)" },
        ],
      });
      expect(models[3]).toMatchObject({ task: "classification", serving: 1 });
    }
  });

  test("is described one by one: schema, limits, roles, proof", async () => {
    for (const port of [server.httpPort, server.adminPort]) {
      const { status, json } = await ask(port, "/models/%65cho");
      expect(status).toBe(200);
      expect(json).toMatchObject({ name: "echo", serving: 10 });
      expect(json.schema.properties.value).toEqual({ type: "number", minimum: -1_000_000, maximum: 1_000_000 });
      const [newest, standby] = json.versions;
      expect(newest).toMatchObject({
        version: 10,
        state: "ready",
        role: "champion",
        engine: "onnxruntime",
        problems: [],
      });
      expect(newest.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(newest.limits).toEqual({ rows_max: 10_000, body_bytes_max: 1_048_576 });
      expect(newest.proof).toMatchObject({ rows: 256, featuresUlpMax: 0, rawUlpMax: 0, predictionUlpMax: 0 });
      expect(standby).toMatchObject({ version: 2, state: "ready", role: "standby" });
      const unheard = await ask(port, "/models/unheard");
      expect([unheard.status, unheard.json.error.code]).toEqual([404, "model_not_found"]);
    }
  });
});
