/**
 * Runs an ONNX model with the runtime that serves it: node onnx_answers.mjs MODEL BLOCK DTYPE WIDTH BATCH -> the
 * outputs as raw bytes.
 */

import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";

const [model, block, dtype, widthText, batchText] = process.argv.slice(2);
const Values = dtype === "float64" ? Float64Array : Float32Array;
const width = Number(widthText);
const batch = Number(batchText);

const bytes = readFileSync(block);
const values = new Values(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const session = await InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
});
const chunks = [];
for (let at = 0; at < values.length; at += batch * width) {
  const part = values.slice(at, at + batch * width);
  const { Y } = await session.run({ X: new Tensor(dtype, part, [part.length / width, width]) });
  chunks.push(Buffer.from(Y.data.buffer, Y.data.byteOffset, Y.data.byteLength));
}
process.stdout.write(Buffer.concat(chunks));
