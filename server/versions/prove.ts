/**
 * The proof: a version's golden rows through the very path that serves, before it serves.
 *
 * Each row goes in as the JSON text that a caller would send, as a call of its own, through decode, validate,
 * preprocess, run, postprocess and encode; a few together as one request of several rows. What the calls gave to the
 * model then runs in batches of 7 and of the largest size that will run, on the executor that will run them, and is
 * postprocessed again: only a run can depend on how many rows are in it. Features (before their cast), the models' raw
 * outputs and the answers are compared with what the trained pipeline gave, and may differ by no more than the
 * manifest's tolerance.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { type GoldenAnswer, type GoldenRow, noPause, type Pause } from "../../bundle/index.js";
import type { Block, Prediction, Scalar } from "../../preprocessing/index.js";
import type { RunResult } from "../inference/runner.js";
import { newBlocks } from "../path/blocks.js";
import type { Call } from "../path/call.js";
import { createLocalPath, localCall, type RunBatch } from "../path/local-path.js";
import type { Encoded } from "../protocol/protocol.js";
import { Findings, type WorstDifference } from "./findings.js";
import type { Servable } from "./servable.js";

export interface Proof {
  readonly rows: number;
  readonly batchSizes: readonly number[];
  readonly features: WorstDifference;
  readonly raw: WorstDifference;
  readonly prediction: WorstDifference;
  /** What breaks the tolerance, a sentence each; empty means proved. At most 20 are kept. */
  readonly problems: readonly string[];
  /** How many there were. */
  readonly problemCount: number;
}

/** The largest batch that is proved: as many rows as the scheduler puts into one. */
const batchRowsMax = 256;

export interface ProveOptions {
  /** Called between steps: a call, a batch, or the comparison of a few rows. */
  readonly pause?: Pause;
  /** The largest batch that runs on this executor, if that is known to be smaller. */
  readonly rowsMax?: number;
}

/** @returns What was found; the caller decides by `problemCount`. */
export async function prove(
  version: Servable,
  runBatch: RunBatch,
  { pause = noPause, rowsMax }: ProveOptions = {},
): Promise<Proof> {
  const { golden, manifest } = version.contract.bundle;
  const found = new Findings(manifest.parity.tolerance);
  const { answers, batchSizes } = goldenBatches(version, rowsMax);
  const refusals = golden.filter((row) => row.error !== undefined);

  await proveFeatures(version, answers, found, pause);
  const blocks = await proveCalls(version, answers, runBatch, found, pause);
  for (const batchSize of blocks === undefined ? [] : batchSizes.slice(1)) {
    const firsts = Array.from({ length: Math.ceil(answers.length / batchSize) }, (_, k) => k * batchSize);
    await together(firsts, pause, (first) => {
      const batch = answers.slice(first, first + batchSize);
      const ofBatch = blocks!.map((block, i) =>
        rowsOf(block, first, batch.length, version.preprocessor.outputs[i]!.width),
      );
      return proveBatch(version, batch, ofBatch, runBatch, found, pause);
    });
    // Rows that run on this thread leave no other time to answer health, and to hear the pool's workers.
    await nextTurn();
  }
  for (const refusal of refusals) {
    await proveRefusal(version, refusal, runBatch, found);
    await pause();
  }
  return { rows: golden.length, batchSizes, ...found.result() };
}

/**
 * Begins with each, and has all of them under way together: a pool's workers are kept busy, and the start of a server
 * isn't 400 round trips long. None is left under way, also where a pause ends the proof.
 */
async function together<T, Result>(
  items: Iterable<T>,
  pause: Pause,
  begin: (item: T) => Promise<Result>,
): Promise<Result[]> {
  const begun: Promise<Result>[] = [];
  try {
    for (const item of items) {
      const one = begin(item);
      // It may fail before it is waited for.
      one.catch(() => {});
      begun.push(one);
      await pause();
    }
    return await Promise.all(begun);
  } finally {
    await Promise.allSettled(begun);
  }
}

/** Runs all rows in one executor, in batches of a given size; one result per executor, such as a pool's workers. */
export type RunInEach = (
  makeBlocks: () => Block[],
  rowCount: number,
  batchRows: number,
) => Promise<readonly RunResult[]>;

/**
 * The part of a proof that differs between executors of one server: the models' raw outputs, at each batch size, in
 * each of them. What comes before and after is the same code on the same thread, and was proved by {@link prove}.
 */
export async function proveOutputs(
  version: Servable,
  runInEach: RunInEach,
  { pause = noPause }: ProveOptions = {},
): Promise<Proof> {
  const { answers, batchSizes } = goldenBatches(version);
  const found = new Findings(version.contract.bundle.manifest.parity.tolerance);
  const { outputs } = version.preprocessor;
  const blocks = newBlocks(answers.length, outputs);
  for (const [first, some] of inSteps(answers)) {
    const end = first + some.length;
    const part = blocks.map((block, i) => block.subarray(first * outputs[i]!.width, end * outputs[i]!.width));
    version.preprocessor.run(
      some.map(({ row }) => row),
      part,
    );
    await pause();
  }
  // What moves to a worker is a copy.
  const makeBlocks = () => blocks.map((block) => block.slice());
  for (const batchSize of batchSizes) {
    for (const { raw, failure } of await runInEach(makeBlocks, answers.length, batchSize)) {
      if (failure !== undefined) found.problem(`a worker failed on golden rows in batches of ${batchSize}: ${failure}`);
      else await proveRawInSteps(version, raw, answers, found, batchSize, pause);
    }
  }
  return { rows: answers.length, batchSizes, ...found.result() };
}

/** Rows that are dealt with in one step: a tenth of a millisecond or two where they are wide. */
const stepRows = 16;

function* inSteps<T>(rows: readonly T[]): Generator<readonly [first: number, some: readonly T[]], void> {
  for (let first = 0; first < rows.length; first += stepRows) yield [first, rows.slice(first, first + stepRows)];
}

async function proveRawInSteps(
  version: Servable,
  raw: readonly Block[],
  answers: readonly GoldenAnswer[],
  found: Findings,
  batchSize: number,
  pause: Pause,
): Promise<void> {
  for (const [first, some] of inSteps(answers)) {
    proveRaw(version, raw, first, some, found, batchSize);
    await pause();
  }
}

/** The golden rows that are to be answered, and the sizes of batch in which they run. */
function goldenBatches(
  { contract: { bundle } }: Servable,
  rowsMax = batchRowsMax,
): { answers: GoldenAnswer[]; batchSizes: number[] } {
  const answers = bundle.golden.filter((row): row is GoldenAnswer => row.error === undefined);
  const largest = Math.min(rowsMax, batchRowsMax, bundle.manifest.limits.rows_max, answers.length);
  return { answers, batchSizes: [...new Set([1, Math.min(7, largest), largest])] };
}

async function proveFeatures(
  version: Servable,
  answers: readonly GoldenAnswer[],
  found: Findings,
  pause: Pause,
): Promise<void> {
  for (const [, some] of inSteps(answers)) {
    proveFeaturesOf(version, some, found);
    await pause();
  }
}

function proveFeaturesOf(version: Servable, answers: readonly GoldenAnswer[], found: Findings): void {
  const { outputs } = version.preprocessor;
  const { features, refused } = version.preprocessor.features(answers.map(({ row }) => row));
  for (const { row, feature, expected, got } of refused) {
    found.problem(
      `${place(answers[row]!)}, feature "${feature}": the graph refuses the row: expected ${expected}, got ${got}`,
    );
  }
  if (refused.length > 0) return;
  for (const [i, { name, width }] of outputs.entries()) {
    for (const [row, answer] of answers.entries()) {
      for (let k = 0; k < width; k++) {
        const expected = answer.features[name]![k]!;
        const got = features[i]![row * width + k]!;
        if (!Object.is(expected, got))
          found.difference("features", expected, got, "float64", `${place(answer)}, features.${name}[${k}]`);
      }
    }
  }
}

/** Requests of so many rows are as many as show that the form of the answer is right. */
const requestRows = 7;

/**
 * Each row as a call of its own, and the first few as one request.
 *
 * @returns The blocks that the calls gave to the model, row by row; undefined if a call wasn't answered.
 */
async function proveCalls(
  version: Servable,
  answers: readonly GoldenAnswer[],
  runBatch: RunBatch,
  found: Findings,
  pause: Pause,
): Promise<Block[] | undefined> {
  const blocks = newBlocks(answers.length, version.preprocessor.outputs);
  const calls = await together(answers, pause, (golden) => proveCall(version, [golden], runBatch, found));
  await nextTurn();
  await proveCall(version, answers.slice(0, requestRows), runBatch, found);
  if (calls.includes(undefined)) return undefined;
  for (const [row, call] of calls.entries()) {
    for (const [i, block] of blocks.entries()) block.set(call!.blocks[i]!, row * call!.blocks[i]!.length);
  }
  return blocks;
}

/** @returns Undefined if it wasn't answered. */
async function proveCall(
  version: Servable,
  rows: readonly GoldenAnswer[],
  runBatch: RunBatch,
  found: Findings,
): Promise<Call | undefined> {
  const single = rows.length === 1;
  const text = single ? rows[0]!.rowJson : `{"rows":[${rows.map(({ rowJson }) => rowJson).join(",")}]}`;
  const { call, body } = await answerOf(version, text, runBatch);
  if (call.error !== undefined) {
    const where = single ? place(rows[0]!) : `${place(rows[0]!)} to ${rows.at(-1)!.line}`;
    found.problem(`${where}: expected an answer, got the error ${call.error.code}: ${call.error.message}`);
    return undefined;
  }
  proveRaw(version, call.raw, call.rawFirstRow, rows, found, rows.length);
  const predictions: readonly Prediction[] = single ? [body.prediction] : body.predictions;
  const probabilities: readonly Record<string, number>[] = single ? [body.probabilities] : (body.probabilities ?? []);
  for (const [i, golden] of rows.entries()) {
    const probabilityOf = (k: number) => probabilities[i]?.[String(version.postprocessor.labels![k])];
    proveAnswer(version, golden, predictions[i]!, probabilityOf, found, rows.length);
  }
  return call;
}

async function proveBatch(
  version: Servable,
  batch: readonly GoldenAnswer[],
  blocks: Block[],
  runBatch: RunBatch,
  found: Findings,
  pause: Pause,
): Promise<void> {
  const { postprocessor } = version;
  let result: RunResult;
  try {
    result = await runBatch(blocks, batch.length);
  } catch (error) {
    found.problem(
      `${place(batch[0]!)} to ${batch.at(-1)!.line}, batch of ${batch.length}: the run failed: ${(error as Error).message}`,
    );
    return;
  }
  const [failed] = result.failedRows;
  if (failed !== undefined) {
    found.problem(`${place(batch[failed]!)}, batch of ${batch.length}: the model failed on it: ${result.failure}`);
    return;
  }
  await pause();
  const width = postprocessor.labels?.length ?? 0;
  for (const [first, some] of inSteps(batch)) {
    proveRaw(version, result.raw, first, some, found, batch.length);
    const { predictions, probabilities } = postprocessor.run(result.raw, first, first + some.length);
    for (const [i, golden] of some.entries()) {
      const probabilityOf = (k: number) => probabilities?.[i * width + k];
      proveAnswer(version, golden, predictions[i]!, probabilityOf, found, batch.length);
    }
    await pause();
  }
}

function proveAnswer(
  version: Servable,
  golden: GoldenAnswer,
  prediction: Prediction,
  probabilityOf: (k: number) => number | undefined,
  found: Findings,
  batchRows: number,
): void {
  const { predictionDtype, postprocessor } = version.contract;
  const compare = (expected: Scalar, got: Scalar | undefined, what: string, name?: Scalar): void => {
    if (Object.is(expected, got)) return;
    const where = `${place(golden)}, ${what}${name === undefined ? "" : `["${name}"]`}, batch of ${batchRows}`;
    if (typeof expected === "number" && typeof got === "number")
      found.difference("prediction", expected, got, predictionDtype, where);
    else found.problem(`${where}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
  };
  if (typeof golden.prediction === "object") {
    const numbers = prediction as readonly number[];
    for (const [k, expected] of golden.prediction.entries())
      compare(expected, numbers[k], "prediction", postprocessor.names![k]!);
  } else compare(golden.prediction, prediction as Scalar, "prediction");
  for (const [k, expected] of golden.probabilities?.entries() ?? []) {
    compare(expected, probabilityOf(k) ?? Number.NaN, "probabilities", postprocessor.labels![k]!);
  }
}

function rowsOf(block: Block, first: number, rowCount: number, width: number): Block {
  return block.slice(first * width, (first + rowCount) * width);
}

function proveRaw(
  version: Servable,
  raw: readonly Block[],
  firstRow: number,
  batch: readonly GoldenAnswer[],
  found: Findings,
  batchSize: number,
): void {
  for (const [i, { name, dtype, width }] of version.postprocessor.inputs.entries()) {
    for (const [row, golden] of batch.entries()) {
      for (let k = 0; k < width; k++) {
        const expected = golden.raw[name]![k]!;
        const got = raw[i]![(firstRow + row) * width + k]!;
        if (Object.is(expected, got)) continue;
        found.difference("raw", expected, got, dtype, `${place(golden)}, raw["${name}"][${k}], batch of ${batchSize}`);
      }
    }
  }
}

async function proveRefusal(version: Servable, golden: GoldenRow, runBatch: RunBatch, found: Findings): Promise<void> {
  const { call, body } = await answerOf(version, golden.rowJson, runBatch);
  const { error } = call;
  if (error === undefined)
    found.problem(
      `${place(golden)}: expected the error ${golden.error}, got the answer ${JSON.stringify(body).slice(0, 200)}`,
    );
  else if (error.code !== golden.error)
    found.problem(`${place(golden)}: expected the error ${golden.error}, got ${error.code}: ${error.message}`);
}

interface Answered {
  /** With its error, if it wasn't answered. */
  readonly call: Call;
  // biome-ignore lint/suspicious/noExplicitAny: the answer as a caller reads it
  readonly body?: any;
}

/** One call through the serving path, with `runBatch` in the place of the scheduler. */
async function answerOf(version: Servable, text: string, runBatch: RunBatch): Promise<Answered> {
  return new Promise((resolve) => {
    const reply = {
      send: ({ body }: Encoded) => resolve({ call, body: JSON.parse(body.toString()) }),
      refuse: () => resolve({ call }),
    };
    const call = localCall(reply, "proof", Buffer.from(text));
    createLocalPath(version, runBatch).predict(call);
  });
}

function place({ line, kind }: GoldenRow): string {
  return `golden.jsonl line ${line} (${kind})`;
}
