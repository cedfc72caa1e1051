/** The tensors of a block view: those of the models themselves, each with its own name, data type and shape. */

import type { Feature } from "../../../bundle/index.js";
import { BlockRows } from "../../path/blocks.js";
import type { BlockTensor } from "../protocol.js";
import type { OutputTensor } from "./outputs.js";
import { type ColumnReader, type InputTensor, missingTensor, rowsOf } from "./tensor.js";

const datatypes = { float32: "FP32", float64: "FP64" } as const;

/** @param features - The tensors as the view's schema has them, in the same order. */
export function planBlockInputs(
  tensors: readonly BlockTensor[],
  features: readonly Feature[],
): ReadonlyMap<string, InputTensor> {
  const plan = ({ name, dtype, shape: [, ...blockShape] }: BlockTensor, at: number): InputTensor => ({
    name,
    feature: features[at]!,
    kind: "number",
    datatype: datatypes[dtype],
    isList: false,
    isMask: false,
    blockShape,
  });
  return new Map(tensors.map((tensor, at) => [tensor.name, plan(tensor, at)]));
}

/** Each takes its values out of the prediction, where those of all outputs stand in turn. */
export function planBlockOutputs(tensors: readonly BlockTensor[]): readonly OutputTensor[] {
  let firstValue = 0;
  return tensors.map(({ name, dtype, shape: [, ...dims], width }) => {
    const output = { name, datatype: datatypes[dtype], dims, width, labels: undefined, firstValue };
    firstValue += width;
    return output;
  });
}

/** @throws {@link ServeError} malformed_body for tensors of different lengths, schema_mismatch for one that isn't there. */
export function toBlocks(tensors: readonly Omit<ColumnReader, "read">[], wanted: readonly BlockTensor[]): BlockRows {
  const blocks = wanted.map(({ name }) => {
    const sent = tensors.find(({ head }) => head.input.name === name);
    if (sent === undefined) throw missingTensor(name);
    return sent.column as Float64Array;
  });
  return new BlockRows(rowsOf(tensors), blocks);
}
