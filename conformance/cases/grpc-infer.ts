/** Inference over gRPC: typed and raw contents, what the answer looks like, and what is refused. */

import { Buffer } from "node:buffer";
import type { Case } from "../case.js";
import { isRefused, outputsOf, replyOf } from "../grpc-reply.js";
import { check } from "../mismatch.js";
import { type Probe, unknownName, unknownVersion } from "../probe.js";
import { hasItsElements, type Members } from "../reply.js";
import { extension, grpc, grpcCore } from "../sources.js";
import { bytesOf, datatypes, joinRows, sameValues, type Tensor } from "../tensors.js";
import { sameAnswer } from "./http-infer.js";
import {
  all,
  batch,
  classes,
  fixedAt,
  fixedSize,
  input,
  inputsTwo,
  noHalf,
  otherRow,
  outputsTwo,
  scoresOf,
  versions,
} from "./needs.js";

const inference = grpc("inference-1");
const tensorData = grpc("tensor-data");

const infer = async (probe: Probe, members: object = {}, tensors?: readonly Tensor[]) =>
  replyOf(await probe.call("ModelInfer", probe.grpcRequest(members, tensors)));

/** A request whose tensors are bytes. */
export function rawRequest(probe: Probe, tensors: readonly Tensor[] = probe.model.row, members: object = {}): Members {
  const inputs = tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape }));
  return { model_name: probe.model.name, inputs, raw_input_contents: tensors.map(bytesOf), ...members };
}

const inferRaw = async (probe: Probe, tensors?: readonly Tensor[], members?: object) =>
  replyOf(await probe.call("ModelInfer", rawRequest(probe, tensors, members)));

const answered: Readonly<Record<string, readonly [string, Case["check"], Case["needs"]?]>> = {
  status: [
    "A request with a tensor for each input of the metadata is answered with status OK.",
    async (probe) => void (await infer(probe)),
  ],
  "model-name": [
    "The answer has the name of the model.",
    async (probe) => {
      const { model_name: name } = await infer(probe);
      check(name === probe.model.name, `model_name: ${probe.model.name}`, name);
    },
  ],
  "model-version": [
    "The version of an answer, where it stands, is one of those that the metadata list.",
    async (probe) => {
      const { model_version: version } = await infer(probe);
      check(version === "" || probe.model.versions.includes(version), `one of [${probe.model.versions}]`, version);
    },
    versions,
  ],
  version: [
    "A request that names a version is answered by that one.",
    async (probe) => {
      const [expected] = probe.model.versions;
      const { model_version: version } = await infer(probe, { model_version: expected });
      check(version === "" || version === expected, `model_version: ${expected}`, version);
    },
    versions,
  ],
  id: [
    "The answer repeats the request's id.",
    async (probe) => {
      const { id } = await infer(probe, { id: "conformance-4711" });
      check(id === "conformance-4711", "id: conformance-4711", id);
    },
  ],
  "id-unicode": [
    "An id is any text: the answer repeats one beyond ASCII.",
    async (probe) => {
      const { id } = await infer(probe, { id: 'é "日本"\n🙂' });
      check(id === 'é "日本"\n🙂', 'id: é "日本"\\n🙂', id);
    },
  ],
  outputs: [
    "A request that names no outputs is answered with all that the metadata list.",
    async (probe) => {
      const names = outputsOf(await infer(probe)).map(({ name }) => name);
      const expected = probe.model.outputs.map(({ name }) => name);
      check(String([...names].sort()) === String([...expected].sort()), `outputs ${expected.join(", ")}`, names);
    },
  ],
  "output-one": [
    "A request that names one output is answered with that one.",
    async (probe) => {
      const { name } = probe.model.outputs[1]!;
      const names = outputsOf(await infer(probe, { outputs: [{ name }] })).map((output) => output.name);
      check(String(names) === name, `the output ${name}`, names);
    },
    outputsTwo,
  ],
  "output-datatype": [
    "Each output has the data type that the metadata give it.",
    async (probe) => {
      for (const { name, datatype } of outputsOf(await infer(probe))) {
        const expected = probe.model.outputs.find((each) => each.name === name)?.datatype;
        check(datatype === expected, `${name} of ${expected}`, datatype);
      }
    },
  ],
  "output-shape": [
    "Each output has a shape of the sizes that the metadata fix.",
    async (probe) => {
      for (const { name, shape } of outputsOf(await infer(probe))) {
        const expected = probe.model.outputs.find((each) => each.name === name)?.shape ?? [];
        const fits = shape.length === expected.length && shape.every((size, at) => [-1, size].includes(expected[at]!));
        check(fits, `${name} of shape [${expected}]`, shape);
      }
    },
  ],
  "shape-product": [
    "Each output has as many elements as the product of its shape, in the field of its data type or raw.",
    async (probe) => outputsOf(await infer(probe)).forEach(hasItsElements),
  ],
  "one-form": [
    "An answer with raw contents has no typed ones, and one raw entry for each output.",
    async (probe) => {
      const { raw_output_contents: raw, outputs } = await infer(probe);
      const typed = outputs.filter(({ contents }: Members) =>
        Object.values((contents ?? {}) as object).some((list) => (list as unknown[]).length > 0),
      ).length;
      const isRaw = raw.length === outputs.length && typed === 0;
      check(isRaw || raw.length === 0, "raw contents or typed ones", { raw: raw.length, typed });
    },
  ],
  values: [
    "A row has the same answer over gRPC as over HTTP.",
    async (probe) => sameAnswer(outputsOf(await infer(probe)), await probe.answerTo(probe.model.row)),
  ],
  "input-order": [
    "Inputs are known by their names: their order doesn't matter.",
    async (probe) => {
      const reply = await infer(probe, {}, [...probe.model.row].reverse());
      sameAnswer(outputsOf(reply), await probe.answerTo(probe.model.row));
    },
    inputsTwo,
  ],
  batch: [
    "The rows of a batch are row-major and keep their order: each has the answer that it has alone.",
    async (probe) => {
      const rows = joinRows(probe.model.row, probe.model.otherRow!);
      sameAnswer(outputsOf(await infer(probe, {}, rows)), await probe.answerTo(rows));
    },
    all(batch, otherRow),
  ],
};

const inferCases: readonly Case[] = Object.entries(answered).map(([name, [rule, check, needs]]) => ({
  id: `grpc.infer.${name}`,
  rule,
  source: inference,
  needs: all(noHalf, needs),
  check,
}));

const contentCases: readonly Case[] = [
  ...Object.keys(datatypes)
    .filter((datatype) => datatype !== "FP16")
    .map(
      (datatype): Case => ({
        id: `grpc.typed.${datatype}`,
        rule: `Elements of ${datatype} stand in ${datatypes[datatype]!.contents}, and mean what they mean in JSON.`,
        source: tensorData,
        needs: all(noHalf, input(datatype)),
        check: async (probe) => sameAnswer(outputsOf(await infer(probe)), await probe.answerTo(probe.model.row)),
      }),
    ),
  ...Object.keys(datatypes).map(
    (datatype): Case => ({
      id: `grpc.raw.${datatype}`,
      rule: `Elements of ${datatype} may stand in raw_input_contents, little-endian and row-major.`,
      source: inference,
      needs: input(datatype),
      check: async (probe) => sameAnswer(outputsOf(await inferRaw(probe)), await probe.answerTo(probe.model.row)),
    }),
  ),
  {
    id: "grpc.raw.order",
    rule: "The entries of raw_input_contents have the order of the inputs.",
    source: inference,
    needs: inputsTwo,
    check: async (probe) => {
      const reply = await inferRaw(probe, [...probe.model.row].reverse());
      sameAnswer(outputsOf(reply), await probe.answerTo(probe.model.row));
    },
  },
  {
    id: "grpc.raw.batch",
    rule: "The rows of a batch follow each other in the bytes of a tensor.",
    source: inference,
    needs: all(batch, otherRow),
    check: async (probe) => {
      const rows = joinRows(probe.model.row, probe.model.otherRow!);
      const [raw, typed] = [outputsOf(await inferRaw(probe, rows)), await probe.answerTo(rows)];
      for (const [index, { name, values }] of typed.entries())
        check(
          sameValues(raw[index]?.values ?? [], values),
          `${name}: ${JSON.stringify(values).slice(0, 80)}`,
          raw[index]?.values,
        );
    },
  },
];

type Change = (probe: Probe) => Members;

/** The first input with other members. */
const first =
  (change: (input: Members, tensor: Tensor) => Members): Change =>
  (probe) => {
    const request = probe.grpcRequest();
    const [input, ...rest] = request.inputs as Members[];
    return { ...request, inputs: [{ ...input, ...change(input!, probe.model.row[0]!) }, ...rest] };
  };

/** The elements of an input's contents, changed. */
const elements = (input: Members, change: (list: readonly unknown[]) => readonly unknown[]): Members => ({
  contents: Object.fromEntries(
    Object.entries(input.contents as Record<string, readonly unknown[]>).map(([field, list]) => [field, change(list)]),
  ),
});

/** The bytes of the first raw entry, changed. */
const firstRaw =
  (change: (bytes: Buffer) => readonly Buffer[]): Change =>
  (probe) => {
    const request = rawRequest(probe);
    const [bytes, ...rest] = request.raw_input_contents as Buffer[];
    return { ...request, raw_input_contents: [...change(bytes!), ...rest] };
  };

const shapeOf = (input: Members) => input.shape as readonly number[];
const otherField = ({ datatype }: Tensor) =>
  datatype === "BYTES" ? { fp32_contents: [1] } : { bytes_contents: [Buffer.from("1")] };

const refused: Readonly<Record<string, readonly [string, Change, Case["needs"]?]>> = {
  "unknown-model": ["A model that isn't there", (probe) => ({ ...probe.grpcRequest(), model_name: unknownName })],
  "unknown-version": [
    "A version that isn't there",
    (probe) => ({ ...probe.grpcRequest(), model_version: unknownVersion }),
  ],
  "unknown-output": [
    "An output that the model doesn't have",
    (probe) => probe.grpcRequest({ outputs: [{ name: unknownName }] }),
  ],
  "input-unknown": ["A tensor that the model doesn't have", first(() => ({ name: unknownName }))],
  "inputs-none": ["A request without inputs", (probe) => probe.grpcRequest({ inputs: [] })],
  "datatype-unknown": ["A data type that isn't in the protocol's table", first(() => ({ datatype: "FLOAT" }))],
  "datatype-missing": ["A tensor without a data type", first(() => ({ datatype: "" }))],
  "shape-missing": ["A tensor without a shape", first(() => ({ shape: [] }))],
  "shape-negative": ["A dimension below 0", first((input) => ({ shape: [-1, ...shapeOf(input).slice(1)] }))],
  "shape-huge": [
    "A shape of more elements than the tensor has",
    first((input) => ({ shape: [2 ** 40, ...shapeOf(input).slice(1)] })),
  ],
  "shape-size": [
    "A dimension of another size than the metadata fix",
    (probe) => {
      const at = fixedAt(probe.model);
      return first((input) => ({
        shape: shapeOf(input).map((size, index) => (index === at ? size + 1 : size)),
        ...elements(input, (list) => [...list, ...list]),
      }))(probe);
    },
    fixedSize,
  ],
  "typed-more": [
    "A tensor with one element more than its shape",
    first((input) => elements(input, (list) => [...list, list[0]])),
  ],
  "typed-fewer": [
    "A tensor with one element less than its shape",
    first((input) => elements(input, (list) => list.slice(1))),
  ],
  "typed-none": ["A tensor without contents", first(() => ({ contents: undefined }))],
  "typed-field": [
    "A tensor whose elements stand in the field of another data type",
    first((_, tensor) => ({ contents: otherField(tensor) })),
  ],
  "raw-more": [
    "A raw entry that is longer than shape and data type ask for",
    firstRaw((bytes) => [Buffer.concat([bytes, Buffer.alloc(1)])]),
  ],
  "raw-fewer": [
    "A raw entry that is shorter than shape and data type ask for",
    firstRaw((bytes) => [bytes.subarray(1)]),
  ],
  "raw-missing": ["A raw request with fewer entries than inputs", firstRaw(() => []), inputsTwo],
  "raw-extra": ["A raw request with more entries than inputs", firstRaw((bytes) => [bytes, bytes])],
  "raw-and-typed": [
    "A request with raw contents and typed ones",
    (probe) => ({ ...probe.grpcRequest(), raw_input_contents: probe.model.row.map(bytesOf) }),
  ],
  "raw-text-length": [
    "An element of raw BYTES whose length goes beyond the tensor",
    (probe) => {
      const at = probe.model.row.findIndex(({ datatype }) => datatype === "BYTES");
      const raw = probe.model.row.map(bytesOf);
      raw[at]!.writeUInt32LE(0x7fffffff);
      return { ...rawRequest(probe), raw_input_contents: raw };
    },
    input("BYTES"),
  ],
};

const refusedCases: readonly Case[] = Object.entries(refused).map(([name, [what, change, needs]]) => ({
  id: `grpc.errors.${name}`,
  rule: `${what}: refused, with a status that says that the request is wrong (not UNKNOWN, not INTERNAL), and a message.`,
  source: grpcCore("doc/statuscodes.md"),
  needs: all(noHalf, needs),
  check: async (probe) => isRefused(await probe.call("ModelInfer", change(probe))),
}));

export const grpcInferCases: readonly Case[] = [
  ...inferCases,
  ...contentCases,
  ...refusedCases,
  {
    id: "grpc.errors.goes-on",
    rule: "A refused request changes nothing for the next one on the connection.",
    source: inference,
    needs: noHalf,
    check: async (probe) => {
      await probe.call("ModelInfer", { model_name: probe.model.name });
      await infer(probe);
    },
  },
  {
    id: "grpc.classification.text",
    rule: "An output with the parameter classification is of BYTES, with as many classes a row as asked for, each as value:index.",
    source: extension("classification", "grpc"),
    extension: "classification",
    needs: all(noHalf, classes),
    check: async (probe) => {
      const { name } = scoresOf(probe.model)!;
      const outputs = [{ name, parameters: { classification: { int64_param: 2 } } }];
      const [output] = outputsOf(await infer(probe, { outputs }));
      const texts = (output?.values ?? []).map(String);
      const isRight =
        output?.datatype === "BYTES" && texts.length === 2 && texts.every((text) => /^[^:]+:\d+/.test(text));
      check(isRight, "two classes of BYTES", output?.members);
    },
  },
];
