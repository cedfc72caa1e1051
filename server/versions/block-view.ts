/**
 * A version without its graphs: rows are the blocks that its models take, and answers the raw outputs that its
 * postprocessing reads.
 *
 * Everything between is the version's: its lane, executors, limits and objective, and its calls run in batches with
 * those that bring rows. No fallback answers for it, because that one answers with predictions.
 */

import type { Bundle, RowSchema } from "../../bundle/index.js";
import type { Block, Postprocessor, Preprocessor, Row } from "../../preprocessing/index.js";
import type { BlockRows } from "../path/blocks.js";
import type { ServingVersion } from "../path/serving-version.js";
import type { BlockTensor } from "../protocol/protocol.js";

/** Behind a model's name. */
const suffix = ".onnx";

/** @returns The name of the model; undefined for a name without the suffix. */
export function viewedName(name: string): string | undefined {
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}

export function createBlockView(version: ServingVersion, models: Bundle["models"]): ServingVersion {
  const { preprocessor, postprocessor, hiddenFeatures, replyHeaders } = version;
  const inputs: readonly BlockTensor[] = preprocessor.outputs;
  // One model's outputs have their own names, those of several the names that postprocessing knows them by.
  const idChars = models.length === 1 ? models[0]!.id.length + 1 : 0;
  const outputs = postprocessor.inputs.map((output) => ({ ...output, name: output.name.slice(idChars) }));
  const { name, number, key, bodyLimits, sloMs } = version;
  return {
    viewOf: version,
    name: `${name}${suffix}`,
    number,
    key,
    bodyLimits,
    sloMs,
    replyHeaders,
    rowSchema: createBlockSchema(inputs, hiddenFeatures.size > 0),
    preprocessor: createCopier(preprocessor),
    postprocessor: createPassThrough(postprocessor, outputs),
    blockTensors: { inputs, outputs },
    hiddenFeatures: new Set(hiddenFeatures.size > 0 ? inputs.map((input) => input.name) : []),
    protocolStates: new Map(),
    fallback: undefined,
    cache: undefined,
    get intake() {
      return version.intake;
    },
    retain: () => version.retain(),
    release: () => version.release(),
  };
}

/**
 * Every float is taken: a missing value is NaN, and what is too large for float32 is infinite in the blocks that
 * preprocessing makes, too.
 *
 * @param isHidden - Whether values follow from personal data.
 */
function createBlockSchema(inputs: readonly BlockTensor[], isHidden: boolean): RowSchema {
  const lists = inputs.map(({ name, width }) => ({ name, type: "array" as const, minItems: width, maxItems: width }));
  const features = lists.map((list) => ({
    ...list,
    itemType: "number" as const,
    nullable: false,
    required: true,
    pii: isHidden,
  }));
  const propertyOf = ({ name, ...list }: (typeof lists)[number]) => [name, { ...list, items: { type: "number" } }];
  return {
    document: {
      type: "object",
      properties: Object.fromEntries(lists.map(propertyOf)),
      required: inputs.map(({ name }) => name),
      additionalProperties: false,
    },
    features,
    ignored: undefined,
    acceptsColumns: () => true,
    rowAt(rows, index) {
      const { blocks } = rows as BlockRows;
      const valuesOf = ({ name, width }: BlockTensor, at: number) => [
        name,
        [...blocks[at]!.subarray(index * width, (index + 1) * width)],
      ];
      return Object.fromEntries(inputs.map(valuesOf));
    },
    accepts: (_row): _row is Row => true,
    issues: () => [],
  };
}

function createCopier({ outputs }: Preprocessor): Preprocessor {
  return {
    inputs: [],
    outputs,
    run(rows, blocks, blockRow = 0, first = 0, end = rows.length) {
      for (let index = 0; index < outputs.length; index++) {
        const { width } = outputs[index]!;
        const from = (rows as BlockRows).blocks[index]!;
        const to = blocks[index]!;
        const shift = (blockRow - first) * width;
        for (let at = first * width; at < end * width; at++) to[at + shift] = from[at]!;
      }
      return none;
    },
    features: (rows) => ({ features: [...(rows as BlockRows).blocks], refused: none }),
  };
}

const none: readonly never[] = Object.freeze([]);

/** A row's prediction is the values of all outputs in turn; a number, where there is but one. */
function createPassThrough({ inputs }: Postprocessor, outputs: readonly BlockTensor[]): Postprocessor {
  const names = outputs.flatMap(({ name, width }) => Array.from({ length: width }, (_, at) => `${name}[${at}]`));
  const listOf = (raw: readonly Block[], row: number): number[] => {
    const values: number[] = [];
    for (let index = 0; index < inputs.length; index++) {
      const { width } = inputs[index]!;
      for (let at = row * width; at < (row + 1) * width; at++) values.push(raw[index]![at]!);
    }
    return values;
  };
  const answerOf = names.length === 1 ? (raw: readonly Block[], row: number) => raw[0]![row]! : listOf;
  return {
    inputs,
    names: names.length === 1 ? undefined : names,
    labels: undefined,
    hasProbabilities: false,
    run: (raw, firstRow, rowCount) => ({
      predictions: Array.from({ length: rowCount }, (_, row) => answerOf(raw, firstRow + row)),
      probabilities: undefined,
    }),
  };
}
