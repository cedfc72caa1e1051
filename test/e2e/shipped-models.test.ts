/**
 * Goal: every model that is shipped answers over HTTP what its trained pipeline did: bit for bit, or within the bounds
 * that its bundle names.
 */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, type GoldenAnswer, readBundle } from "../../bundle/index.js";
import { ulpDistance } from "../../server/versions/ulp.js";
import { post } from "../support/http-client.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const names = readdirSync(models);
let server: ServerProcess;

beforeAll(async () => {
  server = await startServer(models, "--default-model", "demand", "--access-log", "off");
});

afterAll(endServers);

interface Answer {
  prediction: unknown;
  probabilities?: Record<string, number>;
}

/**
 * How far an answer is from a golden one, beyond what is granted however many units it is: 0 is the same bits; another
 * label, or a probability too few or too many, is infinitely far.
 */
function distance({ prediction, probabilities }: Answer, golden: GoldenAnswer, bundle: Bundle): number {
  const { dtype } = bundle.manifest.models[0]!.outputs[0]!;
  const { prediction_abs = 0 } = bundle.manifest.parity.tolerance;
  if (golden.probabilities === undefined) {
    return probabilities === undefined
      ? ulpDistance(prediction as number, golden.prediction as number, dtype)
      : Infinity;
  }
  const given = labelsOf(bundle).map((label) => probabilities?.[label]);
  if (prediction !== golden.prediction || Object.keys(probabilities ?? {}).length !== golden.probabilities.length)
    return Infinity;
  return Math.max(
    ...given.map((p, i) => {
      const expected = golden.probabilities![i]!;
      if (p === undefined) return Infinity;
      return Math.abs(p - expected) < prediction_abs ? 0 : ulpDistance(p, expected, dtype);
    }),
  );
}

/** The names by which probabilities go, in the order of the golden ones. */
function labelsOf({ postprocessing }: Bundle): string[] {
  return postprocessing.outputs.flatMap((output) =>
    output.name === "probabilities" && "params" in output ? output.params.labels.map(String) : [],
  );
}

test("there are three, of both tasks", () => {
  expect(names).toEqual(["breast-cancer", "demand", "digits"]);
});

describe.each(names)("%s", (name) => {
  const path = `/models/${name}/predict`;
  let bundle: Bundle;
  let answers: readonly GoldenAnswer[];
  let toleranceUlp: number;

  beforeAll(async () => {
    bundle = await readBundle(`${models}/${name}/1`);
    answers = bundle.golden.filter((row): row is GoldenAnswer => row.error === undefined);
    toleranceUlp = bundle.manifest.parity.tolerance.prediction_ulp;
  });

  /** The golden rows whose answers are too far from the trained pipeline's. */
  const wrong = (given: readonly Answer[]) =>
    answers.flatMap((golden, i) => {
      const ulp = distance(given[i]!, golden, bundle);
      return ulp > toleranceUlp ? [{ line: golden.line, ulp, given: given[i] }] : [];
    });

  test("each golden row alone", async () => {
    expect(answers.length).toBeGreaterThanOrEqual(256);
    const given: Answer[] = [];
    for (const { rowJson } of answers) {
      const { json } = await post(server.httpPort, path, rowJson);
      expect(json).toMatchObject({ model: name, version: 1 });
      given.push(json);
    }
    expect(wrong(given)).toEqual([]);
  });

  test("all golden rows in one request, and as many requests at once as there are rows", async () => {
    const { json } = await post(server.httpPort, path, `{"rows":[${answers.map(({ rowJson }) => rowJson).join(",")}]}`);
    const together = answers.map(
      (_, i): Answer => ({ prediction: json.predictions[i], probabilities: json.probabilities?.[i] }),
    );
    expect(wrong(together)).toEqual([]);
    const atOnce = await Promise.all(answers.map(({ rowJson }) => post(server.httpPort, path, rowJson)));
    expect(wrong(atOnce.map((reply) => reply.json))).toEqual([]);
  });

  test("golden rows that must be refused are, with their code", async () => {
    for (const { rowJson, error } of bundle.golden) {
      if (error === undefined) continue;
      const { status, json } = await post(server.httpPort, path, rowJson);
      expect([status, json.error.code]).toEqual([422, error]);
    }
  });
});

test("the default model answers without a name", async () => {
  const row = '{"feature_search_interest": 61.2, "feature_price": 101.3, "feature_promo": 1}';
  const { json } = await post(server.httpPort, "/predict", row);
  expect(json.model).toBe("demand");
});

/** The fifth digit of the data set, a 4 that the model was not fitted on: how dark each of 8 by 8 squares is. */
const four = [
  [0, 0, 0, 1, 11, 0, 0, 0],
  [0, 0, 0, 7, 8, 0, 0, 0],
  [0, 0, 1, 13, 6, 2, 2, 0],
  [0, 0, 7, 15, 0, 9, 8, 0],
  [0, 5, 16, 10, 0, 16, 6, 0],
  [0, 4, 15, 16, 13, 16, 1, 0],
  [0, 0, 0, 3, 15, 10, 0, 0],
  [0, 0, 0, 2, 16, 4, 0, 0],
];

/**
 * The measures of the data set's eighth tumour, a malignant one that the model was not fitted on, in order of the
 * schema.
 */
const tumour = [
  13.71, 20.83, 90.2, 577.9, 0.1189, 0.1645, 0.09366, 0.05985, 0.2196, 0.07451, 0.5835, 1.377, 3.856, 50.96, 0.008805,
  0.03029, 0.02488, 0.01448, 0.01486, 0.005412, 17.06, 28.14, 110.6, 897.0, 0.1654, 0.3682, 0.2678, 0.1556, 0.3196,
  0.1151,
];

test("a digit and a tumour that no model has seen are told for what they are", async () => {
  const pixels = Object.fromEntries(four.flatMap((line, y) => line.map((value, x) => [`pixel_${y}_${x}`, value])));
  const digit = await post(server.httpPort, "/models/digits/predict", JSON.stringify(pixels));
  expect(digit.json.prediction).toBe(4);
  expect(digit.json.probabilities["4"]).toBeGreaterThan(0.9);
  const { rowSchema } = await readBundle(`${models}/breast-cancer/1`);
  const measures = Object.fromEntries(rowSchema.features.map(({ name }, i) => [name, tumour[i]]));
  const diagnosis = await post(server.httpPort, "/models/breast-cancer/predict", JSON.stringify(measures));
  expect(diagnosis.json.prediction).toBe("malignant");
  expect(diagnosis.json.probabilities.malignant).toBeGreaterThan(0.9);
});
