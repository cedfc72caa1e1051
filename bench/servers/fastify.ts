/**
 * The plain peer: what a Node developer would write in an afternoon. Fastify's own validation, scaling by hand, one
 * onnxruntime-node run a request; no batches, no metrics, no logs. A process of its own: `node fastify.js PORT BUNDLE`.
 */

import "../no-telemetry.js";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fastify from "fastify";
import { InferenceSession, Tensor } from "onnxruntime-node";

interface DemandRow {
  readonly feature_search_interest: number;
  readonly feature_price: number;
  readonly feature_promo: number;
}

const [, , port, bundle] = process.argv as [string, string, string, string];

// The constants that the developer would have copied from the training run.
const { nodes } = JSON.parse(readFileSync(join(bundle, "preprocessing.json"), "utf8")) as {
  nodes: { op: string; params: { mean?: number[]; scale?: number[] } }[];
};
const scalers = nodes.filter(({ op }) => op === "standard_scaler");
const [interestMean, priceMean] = scalers.flatMap(({ params }) => params.mean ?? []) as [number, number];
const [interestScale, priceScale] = scalers.flatMap(({ params }) => params.scale ?? []) as [number, number];

const session = await InferenceSession.create(join(bundle, "model.onnx"), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
});
const [input] = session.inputNames as [string];
const [output] = session.outputNames as [string];

const app = fastify();
const body = {
  type: "object",
  required: ["feature_search_interest", "feature_price", "feature_promo"],
  properties: {
    feature_search_interest: { type: "number" },
    feature_price: { type: "number" },
    feature_promo: { type: "integer" },
  },
};
app.post<{ Body: DemandRow }>("/predict", { schema: { body } }, async ({ body: row }) => {
  const features = Float32Array.of(
    (row.feature_search_interest - interestMean) / interestScale,
    (row.feature_price - priceMean) / priceScale,
    row.feature_promo === 0 ? 1 : 0,
    row.feature_promo === 1 ? 1 : 0,
  );
  const results = await session.run({ [input]: new Tensor("float32", features, [1, 4]) });
  return { prediction: (results[output]!.data as Float32Array)[0] };
});
app.get("/health/ready", async () => "ready");
await app.listen({ host: "127.0.0.1", port: Number(port) });

process.on("SIGTERM", () => process.exit(0));
