/**
 * Answers rows with the code that serves: node served_model.mjs FOLDER BATCH, where FOLDER has `model.onnx`,
 * `postprocessing.json` and `block.bin` -> `raw.bin`, and on stdout the predictions and probabilities as JSON.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createPostprocessor, parseGraph } from "../../dist/preprocessing/index.js";

const [folder, batchText] = process.argv.slice(2);
const { dtype, width } = JSON.parse(readFileSync(join(folder, "input.json"), "utf8"));
const bytes = readFileSync(join(folder, "block.bin"));
const Values = dtype === "float64" ? Float64Array : Float32Array;
const values = new Values(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const postprocessor = createPostprocessor(
  parseGraph(JSON.parse(readFileSync(join(folder, "postprocessing.json"), "utf8"))),
);
const options = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential" };
const session = await InferenceSession.create(join(folder, "model.onnx"), options);

const raw = [];
const predictions = [];
const probabilities = [];
for (let at = 0; at < values.length; at += Number(batchText) * width) {
  const part = values.slice(at, at + Number(batchText) * width);
  const rows = part.length / width;
  const { Y } = await session.run({ X: new Tensor(dtype, part, [rows, width]) });
  raw.push(Buffer.from(Y.data.buffer, Y.data.byteOffset, Y.data.byteLength));
  const answer = postprocessor.run([Y.data], 0, rows);
  for (const prediction of answer.predictions) predictions.push(prediction);
  for (const probability of answer.probabilities ?? []) probabilities.push(probability);
}
writeFileSync(join(folder, "raw.bin"), Buffer.concat(raw));
process.stdout.write(JSON.stringify({ predictions, probabilities }));
