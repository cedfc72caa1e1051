/** What a model has to have to show a rule. */

import type { Case } from "../case.js";
import { NotApplicable } from "../mismatch.js";
import type { ModelFacts } from "../model.js";
import type { Tensor } from "../tensors.js";

type Need = Case["needs"];

const ask = (holds: (model: ModelFacts) => boolean, reason: string) => (model: ModelFacts) =>
  holds(model) ? undefined : reason;

export const all =
  (...needs: Need[]): NonNullable<Need> =>
  (model) =>
    needs.map((need) => need?.(model)).find((reason) => reason !== undefined);

/** Inputs of half precision have no form in JSON, and none in typed contents. */
export const noHalf = ask(
  ({ inputs, outputs }) => [...inputs, ...outputs].every(({ datatype }) => datatype !== "FP16"),
  "the model has tensors of FP16",
);
export const versions = ask((model) => model.versions.length > 0, "the model's metadata list no version");
export const batch = all(
  noHalf,
  ask((model) => model.isBatched, "the model's tensors have no dimension of rows"),
);
export const otherRow = all(
  noHalf,
  ask((model) => model.otherRow !== undefined, "no two rows with different answers were found"),
);
export const inputsTwo = all(
  noHalf,
  ask((model) => model.inputs.length > 1, "the model has one input"),
);
export const outputsTwo = all(
  noHalf,
  ask((model) => model.outputs.length > 1, "the model has one output"),
);
export const rankTwo = all(
  noHalf,
  ask((model) => model.row[0]!.shape.length > 1, "the model's first input has one dimension"),
);
export const input = (datatype: string) =>
  ask((model) => model.inputs.some((each) => each.datatype === datatype), `the model has no input of ${datatype}`);
export const fixedSize = all(
  noHalf,
  ask((model) => fixedAt(model) >= 0, "the model's first input has no dimension of a fixed size"),
);
export const classes = all(
  noHalf,
  ask((model) => scoresOf(model) !== undefined, "the model has no output of two or more numbers a row"),
);
/** What an extension that infers shapes of raw bytes asks of a model. */
export const rawInput = ask(
  ({ inputs }) =>
    inputs.length === 1 &&
    inputs[0]!.datatype !== "BYTES" &&
    inputs[0]!.shape.slice(1).filter((size) => size === -1).length === 0,
  "the model has more than one input, or sizes that bytes don't tell",
);

/** The first dimension of a fixed size of the first input, behind the rows; -1 without one. */
export function fixedAt({ inputs }: ModelFacts): number {
  return inputs[0]!.shape.findIndex((size, index) => index > 0 && size > 0);
}

/** An output with as many numbers a row as classes can be made of. */
export function scoresOf({ outputs }: ModelFacts) {
  return outputs.find(
    ({ datatype, shape }) => datatype !== "BYTES" && datatype !== "BOOL" && shape.length === 2 && shape[1]! > 1,
  );
}

/** @throws NotApplicable when the run may not change what is served. */
export function mayUnload({ mayUnload }: { readonly mayUnload: boolean }): void {
  if (!mayUnload) throw new NotApplicable("changes what is served: only with --unload");
}

/** The tensors with the one of this data type changed. */
export function changeOf(tensors: readonly Tensor[], datatype: string, change: (tensor: Tensor) => Tensor): Tensor[] {
  const index = tensors.findIndex((tensor) => tensor.datatype === datatype);
  return tensors.map((tensor, at) => (at === index ? change(tensor) : tensor));
}
