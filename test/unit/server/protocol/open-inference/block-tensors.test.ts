/** Goal: a block view's tensors are those of the model, with its names, data types and shapes, and no others. */

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { BlockRows } from "../../../../../server/path/blocks.js";
import { takeWhole } from "../../../../../server/path/sliced-work.js";
import { modelConfiguration, modelMetadata } from "../../../../../server/protocol/open-inference/metadata.js";
import { openInference } from "../../../../../server/protocol/open-inference/protocol.js";
import type { BlockTensor, ProtocolContract } from "../../../../../server/protocol/protocol.js";
import {
  bytesOf,
  decode,
  headOf,
  makeContract,
  makeMessage,
  readReply,
  refusalOf,
  type SentInput,
} from "../../../../support/open-inference.js";

const tensor = (name: string, dtype: BlockTensor["dtype"], ...dims: readonly number[]): BlockTensor => ({
  name,
  dtype,
  shape: ["rows", ...dims],
  width: dims.reduce((product, dim) => product * dim, 1),
});
const list = (length: number) => ({ type: "array", items: { type: "number" }, minItems: length, maxItems: length });

function contractOf(inputs: readonly BlockTensor[], outputs: readonly BlockTensor[]): ProtocolContract {
  const properties = Object.fromEntries(inputs.map(({ name, width }) => [name, list(width)]));
  return { ...makeContract({ properties, required: Object.keys(properties) }), blockTensors: { inputs, outputs } };
}

const one = contractOf([tensor("X", "float32", 3)], [tensor("Y", "float32", 1)]);
const two = contractOf(
  [tensor("X", "float32", 2, 2), tensor("Z", "float64", 1)],
  [tensor("Y", "float32", 2), tensor("W", "float64", 1)],
);

const blocksOf = (inputs: readonly SentInput[], contract = one) => {
  const rows = decode(makeMessage(inputs), contract).rows as BlockRows;
  return [rows.length, ...rows.blocks.map((block) => [...block])];
};
const refused = (input: Partial<SentInput>, contract = one) =>
  refusalOf(makeMessage([{ name: "X", datatype: "FP32", shape: [1, 3], data: [1, 2, 3], ...input }]), contract);

describe("a request", () => {
  it("has the same blocks in JSON, nested or flat, and as binary data", () => {
    const head = { name: "X", datatype: "FP32", shape: [2, 3] };
    const expected = [2, [1, 2.5, -0, 4, 5, 6]];
    expect(blocksOf([{ ...head, data: [1, 2.5, 0, 4, 5, 6] }])).toEqual([2, [1, 2.5, 0, 4, 5, 6]]);
    expect(
      blocksOf([
        {
          ...head,
          data: [
            [1, 2.5, 0],
            [4, 5, 6],
          ],
        },
      ]),
    ).toEqual([2, [1, 2.5, 0, 4, 5, 6]]);
    expect(blocksOf([{ ...head, bytes: bytesOf(Float32Array.of(1, 2.5, -0, 4, 5, 6)) }])).toEqual(expected);
  });

  it("has missing values as null or NaN", () => {
    const head = { name: "X", datatype: "FP32", shape: [1, 3] };
    expect(blocksOf([{ ...head, data: [1, null, 3] }])).toEqual([1, [1, Number.NaN, 3]]);
    expect(blocksOf([{ ...head, bytes: bytesOf(Float32Array.of(1, Number.NaN, 3)) }])).toEqual([1, [1, Number.NaN, 3]]);
  });

  it("has its blocks in the model's order, of any rank", () => {
    const x = { name: "X", datatype: "FP32", shape: [2, 2, 2] };
    const z = { name: "Z", datatype: "FP64", shape: [2, 1], data: [0.1, 0.2] };
    const expected = [2, [1, 2, 3, 4, 5, 6, 7, 8], [0.1, 0.2]];
    expect(blocksOf([z, { ...x, data: [1, 2, 3, 4, 5, 6, 7, 8] }], two)).toEqual(expected);
    const nested = [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    ];
    expect(blocksOf([z, { ...x, data: nested }], two)).toEqual(expected);
    expect(
      refusalOf(
        makeMessage([
          z,
          {
            ...x,
            data: [
              [[1, 2], [3]],
              [
                [5, 6],
                [7, 8],
              ],
            ],
          },
        ]),
        two,
      ),
    ).toMatch(/expected a list of 4 for row 0/);
  });

  it("is the same in slices", () => {
    const contract = { ...one, bodyLimits: { ...one.bodyLimits, decode: { ...one.bodyLimits.decode, rowsMax: 5000 } } };
    const values = Float32Array.from({ length: 3 * 3000 }, (_, i) => i / 7);
    const message = makeMessage([{ name: "X", datatype: "FP32", shape: [3000, 3], bytes: bytesOf(values) }]);
    const slices = openInference.sliced!.decode(message.body, headOf(message.header), contract);
    expect(takeWhole(slices)).toEqual(decode(message, contract));
  });

  it("may be raw", () => {
    const body = bytesOf(Float32Array.of(1, 2, 3));
    expect([...(decode({ body, header: "0" }, one).rows as BlockRows).blocks[0]!]).toEqual([1, 2, 3]);
    expect(refusalOf({ body: Buffer.alloc(13), header: "0" }, one)).toMatch(/expected 12 bytes .*, got 13$/);
    expect(refusalOf({ body, header: "0" }, two)).toMatch(/of one input tensor: this one has 2$/);
  });

  it.each<[string, Partial<SentInput>, RegExp]>([
    ["another data type", { datatype: "FP64" }, /^400 input "X": expected the datatype FP32, got the string "FP64"$/],
    ["a list of another width", { shape: [1, 2], data: [1, 2] }, /expected the shape \[rows, 3\], got \[1,2\]$/],
    ["a shape of another rank", { shape: [3] }, /expected the shape \[rows, 3\], got \[3\]$/],
    ["too few elements", { data: [1, 2] }, /expected 3 elements, as its shape says, got 2$/],
    [
      "a number beyond FP32",
      { data: [1, 2, 1e39] },
      /expected a number from -3.4\d+e\+38 to 3.4\d+e\+38, in element 2/,
    ],
    ["no rows", { shape: [0, 3], data: [] }, /expected 1 to 100 rows, got none$/],
    ["too many rows", { shape: [101, 3] }, /expected 1 to 100 rows, got 101$/],
    ["a mask", { name: "X:missing", datatype: "BOOL", shape: [1], data: [true] }, /expected the name of a tensor, "X"/],
    ["a feature", { name: "price" }, /expected the name of a tensor, "X", got "price"$/],
  ])("with %s is refused", (_, input, words) => expect(refused(input)).toMatch(words));

  it("with a block that isn't there, or is of another length, is refused", () => {
    const z = (rows: number) => ({ name: "Z", datatype: "FP64", shape: [rows, 1], data: new Array(rows).fill(1) });
    const x = { name: "X", datatype: "FP32", shape: [1, 2, 2], data: [1, 2, 3, 4] };
    expect(refusalOf(makeMessage([z(1)]), two)).toMatch(/expected a tensor "X", which is required, got none$/);
    expect(refusalOf(makeMessage([x, z(2)]), two)).toMatch(
      /^400 input "Z": expected as many rows as "X" has, 1, got 2$/,
    );
  });
});

describe("an answer", () => {
  const answer = {
    predictions: [
      [1, 2.5, 0.1],
      [3, 4, 0.2],
    ],
    probabilities: undefined,
  };
  const rows = (contract: ProtocolContract, members: object) =>
    decode(
      makeMessage(
        contract.blockTensors!.inputs.map(({ name, dtype, shape: [, ...dims], width }) => ({
          name,
          datatype: dtype === "float32" ? "FP32" : "FP64",
          shape: [2, ...dims],
          data: new Array(2 * width).fill(1),
        })),
        members,
      ),
      contract,
    );
  const none = { requestId: "r", rowIndexes: undefined, unanswered: undefined, rowErrors: undefined };

  it.each([false, true])("has the outputs of the model (binary: %s)", (binary_data_output) => {
    const request = rows(two, { parameters: { binary_data_output } });
    const call = { ...none, request, fallback: undefined, fallbackRows: undefined };
    const { body, headers } = openInference.encode(openInference.frame(two), call, answer);
    expect(readReply(body, headers[1]).outputs).toEqual([
      { name: "Y", datatype: "FP32", shape: [2, 2], data: [1, 2.5, 3, 4] },
      { name: "W", datatype: "FP64", shape: [2, 1], data: [0.1, 0.2] },
    ]);
  });

  it("of one value a row has it", () => {
    const request = rows(one, {});
    const call = { ...none, request, fallback: undefined, fallbackRows: undefined };
    const { body } = openInference.encode(openInference.frame(one), call, {
      predictions: [1.5, -0],
      probabilities: undefined,
    });
    expect(readReply(body, undefined).outputs).toEqual([
      { name: "Y", datatype: "FP32", shape: [2, 1], data: [1.5, -0] },
    ]);
  });
});

it("metadata and configuration are the model's", () => {
  expect(modelMetadata(two, [3])).toMatchObject({
    inputs: [
      { name: "X", datatype: "FP32", shape: [-1, 2, 2] },
      { name: "Z", datatype: "FP64", shape: [-1, 1] },
    ],
    outputs: [
      { name: "Y", datatype: "FP32", shape: [-1, 2] },
      { name: "W", datatype: "FP64", shape: [-1, 1] },
    ],
  });
  expect(modelConfiguration(two)).toMatchObject({
    input: [
      { name: "X", data_type: "TYPE_FP32", dims: [2, 2], optional: false },
      { name: "Z", data_type: "TYPE_FP64", dims: [1], optional: false },
    ],
    output: [
      { name: "Y", data_type: "TYPE_FP32", dims: [2] },
      { name: "W", data_type: "TYPE_FP64", dims: [1] },
    ],
  });
});
