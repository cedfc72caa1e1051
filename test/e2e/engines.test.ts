/**
 * Goal: a server runs each model on the engine that it was told, in every thread, says which and why, and answers the
 * same whichever it is.
 */

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, type GoldenAnswer, readBundle } from "../../bundle/index.js";
import { Pool } from "../../server/inference/pool.js";
import { ask, post } from "../support/http-client.js";
import { scrape } from "../support/metrics.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type LogLine, type ServerProcess, startServer } from "../support/server-process.js";
import { treeModel } from "../support/tree-onnx.js";
import { makeSpec } from "../support/versions.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const slower = /^the tree kernel is slower for it here: /;

let demand: Bundle;
let golden: readonly GoldenAnswer[];
beforeAll(async () => {
  demand = await readBundle(`${models}/demand/1`);
  golden = demand.golden.filter((row): row is GoldenAnswer => row.error === undefined);
});
afterAll(endServers);

/** As many rows as a request may have, made of the golden ones. */
/** This is about bits: a machine that is busy with other things isn't to refuse them. */
const patient = { headers: { "x-timeout-ms": "60000" } };
const rowsAtOnce = 10_000;

describe.each(["onnxruntime", "tree", "auto"] as const)("--engine %s", (engine) => {
  describe.each(["inline", "pool"] as const)("--execution %s", (execution) => {
    let server: ServerProcess;

    beforeAll(async () => {
      server = await startServer(
        models,
        "--default-model",
        "demand",
        "--engine",
        engine,
        "--execution",
        execution,
        "--access-log",
        "off",
      );
    });
    afterAll(async () => {
      await server.end();
    });

    const version = async (model: string) => (await ask(server.httpPort, `/models/${model}`)).json.versions[0];
    const lines = async (model: string): Promise<LogLine[]> => {
      await server.untilLogged(({ message }) => message === "ready");
      return server.log.filter((line) => line.model === model && line.message.startsWith("engine: "));
    };

    test("is what runs a model of trees, and is told of it, in the log and in the metrics", async () => {
      const { engine: told, engines, state, proof } = await version("demand");
      expect(state).toBe("ready");
      expect(proof.executors).toContain(execution);
      expect(engines).toEqual([
        { model: "main", engine: told, reason: expect.toSatisfy((reason) => reason === null || slower.test(reason)) },
      ]);
      // Which of the two is the faster is this machine's business.
      if (engine !== "auto") expect(engines).toEqual([{ model: "main", engine, reason: null }]);
      expect(engines[0].reason === null).toBe(engine !== "auto" || told === "tree");
      const [line, ...others] = await lines("demand");
      expect(others).toEqual([]);
      expect(line).toMatchObject({ level: "info", message: `engine: ${told}`, version: 1, part: "main" });
      expect(line!.reason ?? null).toBe(engines[0].reason);
      const info = (await scrape(server)).get("plumb_engine_info")!;
      expect(info.samples.filter(({ labels }) => labels.model === "demand")).toMatchObject([
        { labels: { model: "demand", version: "1", engine: told }, value: 1 },
      ]);
    });

    test("is told of a network with the reason why it runs on ONNX Runtime, where another was asked", async () => {
      const reason = engine === "onnxruntime" ? null : "it has no TreeEnsemble";
      expect(await version("digits")).toMatchObject({
        engine: "onnxruntime",
        engines: [{ model: "main", engine: "onnxruntime", reason }],
      });
      expect(await lines("digits")).toMatchObject([{ level: "info", message: "engine: onnxruntime" }]);
    });

    test("gives the golden rows' answers, bit for bit", async () => {
      const { json } = await post(
        server.httpPort,
        "/predict",
        `{"rows":[${golden.map(({ rowJson }) => rowJson).join()}]}`,
        patient,
      );
      expect(json.predictions).toEqual(golden.map(({ prediction }) => prediction));
    });

    test("answers single rows beside ten thousand, and all of them as each alone", async () => {
      const large = `{"rows":[${Array.from({ length: rowsAtOnce }, (_, i) => golden[i % golden.length]!.rowJson).join()}]}`;
      const connection = await RawConnection.open(server.httpPort);
      await connection.write(
        `POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\ncontent-length: ${large.length}\r\n\r\n${large}`,
      );
      const small = await Promise.all(
        golden.slice(0, 20).map(({ rowJson }) => post(server.httpPort, "/predict", rowJson, patient)),
      );
      expect(small.map(({ json }) => json.prediction)).toEqual(golden.slice(0, 20).map(({ prediction }) => prediction));
      const { json } = await connection.reply();
      connection.destroy();
      expect(json.predictions).toEqual(
        Array.from({ length: rowsAtOnce }, (_, i) => golden[i % golden.length]!.prediction),
      );
    });
  });
});

describe("a worker", () => {
  // A network as a model: of the two engines only one can load it, so that a worker shows which one it took.
  const spec = makeSpec();
  const forest = treeModel({ dtype: "float32", featureCount: 1, trees: [{ feature: 0, split: 0.5, yes: 1, no: 2 }] });
  const started = async (engine: "tree" | "onnxruntime", bytes: Uint8Array) => {
    const models = [{ ...forest, bytes }];
    const pool = await Pool.start({ workers: 2, specs: [{ ...spec, models, chosen: [engine] }], onTrouble: () => {} });
    const raw =
      pool.notLoaded.size > 0 ? undefined : (await pool.run(spec.key, [Float32Array.of(0, 1)], 2, 10_000)).raw;
    await pool.close(10_000);
    return { raw, notLoaded: pool.notLoaded.get(spec.key) };
  };

  test.each(["tree", "onnxruntime"] as const)("runs a model on %s, where that was chosen", async (engine) => {
    expect(await started(engine, forest.bytes)).toEqual({ raw: [Float32Array.of(1, 2)], notLoaded: undefined });
  });

  test("chooses nothing itself: what its engine can't load isn't loaded", async () => {
    expect((await started("tree", new Uint8Array(0))).notLoaded).toBe("it has no TreeEnsemble");
    expect((await started("onnxruntime", new Uint8Array(0))).notLoaded).toMatch(
      /^model "main": ONNX Runtime can't load the file/,
    );
  });
});
