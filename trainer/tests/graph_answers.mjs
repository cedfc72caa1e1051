/**
 * Answers rows with a fallback's two graphs, by the code that serves: node graph_answers.mjs RULE ROWS -> {predictions,
 * probabilities} as JSON.
 */

import { readFileSync } from "node:fs";
import { createPostprocessor, createPreprocessor, parseGraph } from "../../dist/preprocessing/index.js";

const [rule, rows] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
const before = createPreprocessor(parseGraph(rule.preprocessing));
const after = createPostprocessor(parseGraph(rule.postprocessing));
const blocks = before.outputs.map(({ width }) => new Float64Array(rows.length * width));
const refused = before.run(rows, blocks);
const { predictions, probabilities } = after.run(blocks, 0, rows.length);
process.stdout.write(
  JSON.stringify({ refused, predictions, probabilities: probabilities && Array.from(probabilities) }),
);
