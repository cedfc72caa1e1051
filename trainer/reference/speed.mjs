// Times the serving side's preprocessing for speed.py: argv is the graph and its rows, where the batch's block goes,
// and how often to run.
import { readFileSync, writeFileSync } from "node:fs";
import { createPreprocessor, parseGraph } from "../../dist/preprocessing/index.js";

const [given, result, times] = process.argv.slice(2);
const { graph, rows } = JSON.parse(readFileSync(given, "utf8"));
const preprocessor = createPreprocessor(parseGraph(graph));
const { width } = preprocessor.outputs[0];

/** Seconds of each run, sorted, after as many that warm up. */
function seconds(run) {
  for (let time = 0; time < times; time++) run();
  const found = Array.from({ length: Number(times) }, () => {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / 1e9;
  });
  return found.sort((one, other) => one - other);
}

const block = new Float32Array(rows.length * width);
const batch = seconds(() => preprocessor.run(rows, [block]));
writeFileSync(result, block);

// Another row each time, so that no value is remembered; the mean of all is one figure.
const single = rows.map((row) => [row]);
const blocks = [new Float32Array(width)];
const row = seconds(() => {
  for (let index = 0; index < single.length; index++) preprocessor.run(single[index], blocks);
}).map((all) => all / rows.length);
console.log(JSON.stringify({ batch, row }));
