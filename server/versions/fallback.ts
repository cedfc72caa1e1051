/**
 * What answers in the model's place, as the bundle declares it: a constant, a rule over the row, or the version that
 * served before.
 *
 * It runs while something has gone wrong, so it asks for nothing but the processor, and never makes things worse:
 * whatever keeps it from a sound answer is no answer, and the caller hears of the failure itself.
 */

import type { Bundle, RowSchema } from "../../bundle/index.js";
import {
  type Answer,
  Columns,
  createPostprocessor,
  createPreprocessor,
  type Postprocessor,
  type Preprocessor,
  type Row,
  type RowInput,
} from "../../preprocessing/index.js";
import type { Runner } from "../inference/runner.js";
import { newBlocks } from "../path/blocks.js";
import { isFiniteAnswer } from "../path/finite.js";

export interface Fallback {
  /** Whether it looks at the rows; a constant doesn't. */
  readonly needsRows: boolean;
  /**
   * Answers rows `first` to `end - 1` of `rows`; of a constant only their number matters.
   *
   * @returns Undefined if it can't: the rule refuses a row, gives a number that isn't finite, or throws.
   */
  answer(rows: RowInput<Row>, first: number, end: number): Answer | undefined;
}

type Declared = Bundle["manifest"]["fallback"];

/** A version that may answer for another one. */
export interface StandIn {
  readonly rowSchema: RowSchema;
  readonly preprocessor: Preprocessor;
  readonly postprocessor: Postprocessor;
  /** Undefined where its models don't run on the event loop. */
  readonly lane: { readonly runner: Runner | undefined } | undefined;
}

/**
 * @param lastGood - The version that served before, while it does.
 * @returns Undefined for a bundle that declares none.
 */
export function createFallback(
  { manifest: { fallback }, postprocessing }: Pick<Bundle, "manifest" | "postprocessing">,
  lastGood: () => StandIn | undefined = () => undefined,
): Fallback | undefined {
  switch (fallback.kind) {
    case "last_good_version":
      return createStandIn(createPostprocessor(postprocessing), lastGood);
    case "none":
      return undefined;
    case "constant":
      return createConstant(fallback, createPostprocessor(postprocessing).labels);
    case "rule":
      return createRule(fallback);
  }
}

function createConstant(
  { prediction, probabilities }: Extract<Declared, { kind: "constant" }>,
  labels: readonly unknown[] = [],
): Fallback {
  const ofOneRow = probabilities && labels.map((label) => probabilities[String(label)]!);
  return {
    needsRows: false,
    answer(_rows, first, end) {
      const predictions = new Array(end - first).fill(prediction);
      if (ofOneRow === undefined) return { predictions, probabilities: undefined };
      const ofAllRows = new Float64Array(predictions.length * ofOneRow.length);
      for (let row = 0; row < predictions.length; row++) ofAllRows.set(ofOneRow, row * ofOneRow.length);
      return { predictions, probabilities: ofAllRows };
    },
  };
}

/** It runs the other version's model at once, without a queue: what keeps the version's own lane doesn't keep it. */
function createStandIn(own: Postprocessor, lastGood: () => StandIn | undefined): Fallback {
  return {
    needsRows: true,
    answer(rows, first, end) {
      const other = lastGood();
      const runner = other?.lane?.runner;
      if (other === undefined || runner === undefined || !hasSameForm(own, other.postprocessor)) return undefined;
      try {
        if (!acceptsAll(other.rowSchema, rows, first, end)) return undefined;
        const blocks = newBlocks(end - first, other.preprocessor.outputs);
        if (other.preprocessor.run(rows, blocks, 0, first, end).length > 0) return undefined;
        const { raw, failedRows } = runner.run(blocks, end - first);
        if (failedRows.length > 0) return undefined;
        const answer = other.postprocessor.run(raw, 0, end - first);
        return isFiniteAnswer(answer) ? answer : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** Callers read its answer as they read the version's own. */
function hasSameForm(own: Postprocessor, other: Postprocessor): boolean {
  const form = ({ names, labels, hasProbabilities }: Postprocessor) =>
    JSON.stringify([names ?? null, labels ?? null, hasProbabilities]);
  return form(own) === form(other);
}

function acceptsAll(schema: RowSchema, rows: RowInput<Row>, first: number, end: number): boolean {
  if (rows instanceof Columns) return schema.acceptsColumns(rows, first, end);
  for (let row = first; row < end; row++) if (!schema.accepts(rows[row])) return false;
  return true;
}

function createRule({ preprocessing, postprocessing }: Extract<Declared, { kind: "rule" }>): Fallback {
  const before = createPreprocessor(preprocessing);
  const after = createPostprocessor(postprocessing);
  // The second graph may name the first one's tensors in an order of its own.
  const order = after.inputs.map((input) => before.outputs.findIndex(({ name }) => name === input.name));
  return {
    needsRows: true,
    answer(rows, first, end) {
      const blocks = newBlocks(end - first, before.outputs);
      try {
        if (before.run(rows, blocks, 0, first, end).length > 0) return undefined;
        const raw = order.map((index) => blocks[index]!);
        const answer = after.run(raw, 0, end - first);
        return isFiniteAnswer(answer) ? answer : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
