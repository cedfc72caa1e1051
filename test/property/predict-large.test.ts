/**
 * Goal: whatever is wrong with which of its rows, a large call gets the answer that the same steps give in one go: the
 * same rows run, with the same blocks, and the same words come back.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Row } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { newBlocks } from "../../server/path/blocks.js";
import type { Call } from "../../server/path/call.js";
import { checkAnswer, preprocess, takeRows, validate } from "../../server/path/rows.js";
import { protocolState } from "../../server/path/serving-version.js";
import { predictJson } from "../../server/protocol/predict-json/protocol.js";
import type { Encoded } from "../../server/protocol/protocol.js";
import type { Version } from "../../server/versions/version.js";
import { makeCall } from "../support/calls.js";
import { createHandPath } from "../support/hand-path.js";
import { binaryGraph, makeVersion, namedGraph, sizeAndColour } from "../support/versions.js";

const { schema, preprocessing } = sizeAndColour;
const graphs = {
  schema,
  // Two tensors, of either dtype.
  preprocessing: {
    ...preprocessing,
    outputs: [...preprocessing.outputs, { name: "S", dtype: "float64", shape: ["rows", 1], from: ["n1"] }],
  },
};
const versions = {
  "labels and probabilities": makeVersion({
    ...graphs,
    postprocessing: binaryGraph(["no", "yes"]),
    task: "classification",
  }),
  "several numbers": makeVersion({ ...graphs, postprocessing: namedGraph(["low", "middle", "high"]) }),
};

const good = fc.record({ size: fc.integer({ min: 0, max: 1000 }), colour: fc.constantFrom("blue", "red") });
const refused = fc.record({ size: fc.integer({ min: 0, max: 1000 }), colour: fc.constant("green") });
const bad = fc.constantFrom({ size: -1, colour: "blue" }, { size: 1 }, {}, null, 7, { size: "1", colour: 2, more: 3 });
/** The share of the rows that are bad matters: none, a few, most, all. */
const rows = fc
  .constantFrom([1, 0, 0], [100, 1, 0], [100, 0, 1], [100, 1, 1], [1, 1, 1], [0, 1, 0], [0, 0, 1])
  .chain(([goods, refusals, bads]) => {
    const row = fc.oneof(
      { weight: goods!, arbitrary: good },
      { weight: refusals!, arbitrary: refused },
      { weight: bads!, arbitrary: bad },
    );
    // More than are taken in one go, and not a whole number of slices.
    return fc.array(row, { minLength: 1700, maxLength: 1900, size: "max" });
  });
const fates = fc.array(fc.constantFrom(...[..."aaaaaaaaaa"], "nan", "failed"), { minLength: 1, maxLength: 40 });

/**
 * What the models do with a call's rows, by its rows' number only; of several outputs one is enough to be no answer.
 */
function run(call: Call, fates: readonly string[]): void {
  const { width } = call.version!.postprocessor.inputs[0]!;
  const isNan = (row: number, column: number) => fates[row % fates.length] === "nan" && column === row % width;
  call.raw = [
    Float32Array.from({ length: call.rowCount * width }, (_, i) =>
      isNan(Math.floor(i / width), i % width) ? Number.NaN : Math.sin(i),
    ),
  ];
  const failed = Array.from({ length: call.rowCount }, (_, i) => i).filter((i) => fates[i % fates.length] === "failed");
  // Slices of a large call end in any order.
  if (failed.length > 0) call.failedRows = failed.reverse();
}

const textOf = ({ body }: Encoded) => body.toString();

function answerWhole(call: Call, version: Version, fates: readonly string[]): { status: number; text: string } {
  call.version = version;
  call.protocolState = protocolState(version, predictJson);
  try {
    const request = predictJson.decode(call.body, call.head, version);
    takeRows(call, version, request, 0);
    validate(call, version);
    preprocess(call, version);
    run(call, fates);
    const raw = call.rowCount === 0 ? newBlocks(0, version.postprocessor.inputs) : call.raw;
    const answer = version.postprocessor.run(raw, 0, call.rowCount);
    checkAnswer(call, answer);
    return { status: 200, text: textOf(predictJson.encode(predictJson.frame(version), { ...call, request }, answer)) };
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    return { status: error.status, text: textOf(predictJson.refuse(error, call.requestId)) };
  }
}

/** Of rows that are all good. */
function blocksOf(version: Version, rows: readonly unknown[]) {
  const blocks = newBlocks(rows.length, version.preprocessor.outputs);
  expect(version.preprocessor.run(rows as Row[], blocks)).toEqual([]);
  return blocks;
}

test.each(Object.keys(versions))("a large call is answered with %s as if its steps were taken in one go", (which) => {
  const version = versions[which as keyof typeof versions];
  fc.assert(
    fc.property(rows, fc.boolean(), fates, (all, partial, fates) => {
      const body = JSON.stringify({ rows: all, partial });
      const whole = makeCall({ body }).call;
      const expected = answerWhole(whole, version, fates);

      const { send, turns, submitted } = createHandPath([version]);
      const { call, sent } = send({ body });
      turns.untilQuiet();
      if (submitted.length > 0) {
        expect([call.rowCount, call.rowIndexes]).toEqual([whole.rowCount, whole.rowIndexes]);
        expect(call.blocks).toEqual(whole.blocks);
        expect(call.blocks).toEqual(blocksOf(version, call.rowIndexes ? call.rowIndexes.map((row) => all[row]) : all));
        run(call, fates);
        call.onRun(call);
        turns.untilQuiet();
      }
      expect(sent.map(({ status, text }) => ({ status, text }))).toEqual([expected]);
    }),
    { numRuns: 40 },
  );
});
