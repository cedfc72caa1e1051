/**
 * The models of the reference server: `sum` adds all elements of a row of every data type that JSON has, `half` those of
 * half precision, and `vector` has the one input that raw requests ask for.
 */

import { elementCount, type Tensor, type TensorFacts, type Value } from "../../../conformance/tensors.js";

export class Refusal extends Error {
  readonly isUnknown: boolean;

  /** @param isUnknown - What was asked for isn't there. */
  constructor(message: string, isUnknown = false) {
    super(message);
    this.isUnknown = isUnknown;
  }
}

export interface ReferenceModel {
  readonly name: string;
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
}

const jsonTypes = [
  "FP32",
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP64",
  "BYTES",
];

export const models: readonly ReferenceModel[] = [
  {
    name: "sum",
    inputs: jsonTypes.map((datatype) => ({ name: `in_${datatype}`, datatype, shape: [-1, 2] })),
    outputs: [
      { name: "sum", datatype: "FP64", shape: [-1, 1] },
      { name: "scores", datatype: "FP32", shape: [-1, 3] },
      { name: "text", datatype: "BYTES", shape: [-1, 1] },
    ],
  },
  {
    name: "half",
    inputs: [{ name: "x", datatype: "FP16", shape: [-1, 2] }],
    outputs: [{ name: "sum", datatype: "FP16", shape: [-1, 1] }],
  },
  {
    name: "vector",
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, 3] }],
    outputs: [{ name: "sum", datatype: "FP64", shape: [-1, 1] }],
  },
];

/** @throws Refusal for tensors that aren't the model's, or whose elements aren't as many as their shapes say. */
export function checkInputs({ inputs }: ReferenceModel, tensors: readonly Tensor[]): number {
  for (const { name } of tensors)
    if (!inputs.some((input) => input.name === name)) throw new Refusal(`there is no input ${name}`);
  const rows = tensors[0]?.shape[0] ?? 0;
  for (const { name, datatype, shape } of inputs) {
    const tensor = tensors.find((each) => each.name === name);
    if (tensor === undefined) throw new Refusal(`the input ${name} is missing`);
    if (tensor.datatype !== datatype) throw new Refusal(`${name} is of ${datatype}`);
    const isRight = tensor.shape.length === 2 && tensor.shape[0] === rows && tensor.shape[1] === shape[1];
    if (!isRight || !Number.isSafeInteger(rows) || rows < 0) throw new Refusal(`${name} has another shape`);
    if (tensor.values.length !== elementCount(tensor.shape))
      throw new Refusal(`${name} has another number of elements`);
  }
  return rows;
}

/** The outputs of a model, of rows that were checked. */
export function compute({ name: model, outputs }: ReferenceModel, tensors: readonly Tensor[], rows: number): Tensor[] {
  const sums = Array.from({ length: rows }, (_, row) =>
    tensors.reduce((sum, { shape, values }) => {
      const width = shape[1]!;
      return values.slice(row * width, (row + 1) * width).reduce((total: number, value) => total + Number(value), sum);
    }, 0),
  );
  const valuesOf: Readonly<Record<string, (sum: number) => Value[]>> = {
    sum: (sum) => [sum],
    scores: (sum) => [-sum, 2 * sum, sum],
    text: (sum) => [`${model} ${sum}`],
  };
  return outputs.map(({ name, datatype, shape }) => ({
    name,
    datatype,
    shape: [rows, shape[1]!],
    values: sums.flatMap(valuesOf[name]!),
  }));
}

/** The largest values of each row as `value:index`. */
export function classify({ name, shape: [rows, width], values }: Tensor, count: number): Tensor {
  const texts = Array.from({ length: rows! }, (_, row) =>
    values
      .slice(row * width!, (row + 1) * width!)
      .map((value, index) => [Number(value), index] as const)
      .sort(([a], [b]) => b - a)
      .slice(0, count)
      .map(([value, index]) => `${value}:${index}`),
  );
  return { name, datatype: "BYTES", shape: [rows!, count], values: texts.flat() };
}

/** What the server remembers between requests. */
export class ReferenceState {
  readonly counts = new Map(models.map(({ name }) => [name, { inferences: 0, executions: 0, last: 0 }]));
  readonly loaded = new Set(models.map(({ name }) => name));

  /** @throws Refusal for a model or version that isn't there. */
  model(name: string, version = ""): ReferenceModel {
    const found = models.find((model) => model.name === name);
    if (found === undefined) throw new Refusal(`there is no model ${name}`, true);
    if (version !== "" && version !== "1") throw new Refusal(`there is no version ${version} of ${name}`, true);
    return found;
  }

  infer(model: ReferenceModel, tensors: readonly Tensor[]): Tensor[] {
    if (!this.loaded.has(model.name)) throw new Refusal(`${model.name} isn't loaded`);
    const rows = checkInputs(model, tensors);
    const counts = this.counts.get(model.name)!;
    counts.inferences += rows;
    counts.executions++;
    counts.last = 1_700_000_000_000 + counts.executions;
    return compute(model, tensors, rows);
  }
}
