/** What is known of a model before the cases run: its metadata, and rows that it takes. */

import type { HttpClient } from "./http-client.js";
import { Mismatch } from "./mismatch.js";
import { isObject, lengthHeader, type Members, objectOf, objectsOf, readInfer, textOf } from "./reply.js";
import { binaryMessage } from "./requests.js";
import { jsonInput, sameValues, type Tensor, type TensorFacts, type Value } from "./tensors.js";

export interface ModelFacts {
  readonly name: string;
  readonly versions: readonly string[];
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
  /** Every tensor's first dimension is of any size: it is taken for the rows. */
  readonly isBatched: boolean;
  /** One row that the model takes. */
  readonly row: readonly Tensor[];
  /** Another one, whose answer differs; undefined where none was found. */
  readonly otherRow: readonly Tensor[] | undefined;
}

/** Tried in turn for all elements of all inputs, until two give different answers. */
const fills = [1, 0, 2, 0.5, 3, 5, 10, 50, 100];

const setUp = "set-up";

/**
 * @param request - A JSON inference request of one row to use in the place of a made one.
 * @throws Error with a sentence when the metadata can't be read or no row is taken.
 */
export async function readModel(client: HttpClient, name: string, request?: Members): Promise<ModelFacts> {
  const address = `v2/models/${encodeURIComponent(name)}`;
  try {
    const metadata = objectOf(await client.send(setUp, "GET", address));
    const inputs = tensorsOf(metadata.inputs, "inputs");
    const outputs = tensorsOf(metadata.outputs, "outputs");
    const rows = await findRows(client, address, inputs, request);
    return {
      name,
      versions: Array.isArray(metadata.versions) ? metadata.versions.map(String) : [],
      inputs,
      outputs,
      isBatched: [...inputs, ...outputs].every(({ shape }) => shape[0] === -1),
      row: rows[0]!,
      otherRow: rows[1],
    };
  } catch (reason) {
    if (!(reason instanceof Mismatch)) throw reason;
    throw new Error(`the model ${JSON.stringify(name)} can't be prepared for the cases: ${reason.message}`);
  }
}

function tensorsOf(value: unknown, what: string): TensorFacts[] {
  return objectsOf(value, what).map(({ name, datatype, shape }) => {
    const isRight = typeof name === "string" && typeof datatype === "string" && Array.isArray(shape);
    if (!isRight) throw new Mismatch(`name, datatype and shape of ${what}`, { name, datatype, shape });
    return { name, datatype, shape: shape.map(Number) };
  });
}

async function findRows(
  client: HttpClient,
  address: string,
  inputs: readonly TensorFacts[],
  request: Members | undefined,
): Promise<Tensor[][]> {
  const candidates = request === undefined ? fills.map((fill) => fillRow(inputs, fill)) : [sentRow(request)];
  const taken: { row: Tensor[]; values: readonly (readonly Value[])[] }[] = [];
  let refusal = "";
  for (const row of candidates) {
    const reply = await inferRow(client, address, row);
    if (reply.status !== 200) {
      refusal ||= textOf(reply);
      continue;
    }
    const values = readInfer(reply).outputs.map((output) => output.values);
    const isNew = taken.every((each) => !values.every((list, index) => sameValues(list, each.values[index] ?? [])));
    if (isNew) taken.push({ row, values });
    if (taken.length === 2) break;
  }
  if (taken.length === 0) throw new Mismatch("a row that is taken (name one with --request)", refusal);
  return taken.map(({ row }) => row);
}

/** Half precision has no form in JSON, so such rows go as bytes. */
async function inferRow(client: HttpClient, address: string, row: readonly Tensor[]) {
  if (row.every(({ datatype }) => datatype !== "FP16"))
    return await client.send(setUp, "POST", `${address}/infer`, {
      body: JSON.stringify({ inputs: row.map(jsonInput) }),
    });
  const { body, length } = binaryMessage(row, { parameters: { binary_data_output: true } });
  return await client.send(setUp, "POST", `${address}/infer`, { body, headers: { [lengthHeader]: length } });
}

/** Dimensions of any size are 1. */
export function fillRow(inputs: readonly TensorFacts[], fill: number): Tensor[] {
  return inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => (size === -1 ? 1 : size));
    const count = sizes.reduce((product, size) => product * size, 1);
    const value = datatype === "BYTES" ? String(fill) : datatype === "BOOL" ? fill % 2 === 1 : fill;
    const whole = typeof value === "number" && !datatype.startsWith("FP") ? Math.ceil(value) : value;
    return { name, datatype, shape: sizes, values: Array.from({ length: count }, () => whole) };
  });
}

function sentRow(request: Members): Tensor[] {
  return objectsOf(request.inputs, "inputs of --request").map(({ name, datatype, shape, data }) => ({
    name: String(name),
    datatype: String(datatype),
    shape: (shape as number[]) ?? [],
    values: (Array.isArray(data) ? data.flat(Infinity) : []) as Value[],
  }));
}

export function parseRequest(text: string): Members {
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || !Array.isArray(value.inputs)) throw new Error('expected {"inputs": [...]}');
  return value;
}
