/**
 * Reads an ONNX file as far as the tree kernel needs it: nodes with their attributes, constants, inputs and outputs.
 * It and onnx-outline.ts import pbf.
 *
 * ONNX is a protobuf message; the field numbers below are those of onnx.proto3. What isn't read is skipped, so an odd
 * file gives an odd graph, which its reader has to refuse.
 */

import { PbfReader } from "pbf";
import { NotCovered } from "./not-covered.js";

export interface OnnxFile {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** A whole number, whole numbers, or a tensor; of other kinds only that they are there. */
export type OnnxAttribute = number | readonly number[] | OnnxTensor | undefined;

export interface OnnxTensor {
  readonly dtype: "float32" | "float64" | "uint8" | "bool" | "other";
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | Uint8Array;
}

/** @throws {@link NotCovered} for bytes that are no such message. */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const file = {
    nodes: [] as OnnxNode[],
    constants: new Map<string, OnnxTensor>(),
    inputs: [] as string[],
    outputs: [] as string[],
  };
  const readGraph = (field: number, graph: typeof file, reader: PbfReader): void => {
    if (field === 1) graph.nodes.push(readNode(reader));
    else if (field === 5) {
      const { name, tensor } = readTensor(reader);
      graph.constants.set(name, tensor);
    } else if (field === 11) graph.inputs.push(readName(reader));
    else if (field === 12) graph.outputs.push(readName(reader));
  };
  const reader = new PbfReader(bytes);
  try {
    reader.readFields((field, model) => {
      if (field === 7) reader.readMessage(readGraph, model);
    }, file);
  } catch (error) {
    if (error instanceof NotCovered) throw error;
    throw new NotCovered(`its file can't be read: byte ${reader.pos} of ${bytes.length}: ${(error as Error).message}`);
  }
  return file;
}

function readNode(reader: PbfReader): OnnxNode {
  const node = {
    op: "",
    domain: "",
    inputs: [] as string[],
    outputs: [] as string[],
    attributes: new Map<string, OnnxAttribute>(),
  };
  return reader.readMessage((field, to, from) => {
    if (field === 1) to.inputs.push(from.readString());
    else if (field === 2) to.outputs.push(from.readString());
    else if (field === 4) to.op = from.readString();
    else if (field === 5) readAttribute(from, to.attributes);
    else if (field === 7) to.domain = from.readString();
  }, node);
}

/**
 * AttributeProto.AttributeType, as far as it is read. It decides: what stands for a type that isn't the attribute's is
 * none of its value.
 */
const attributeTypes = { whole: 2, tensor: 4, list: 7 } as const;

function readAttribute(reader: PbfReader, attributes: Map<string, OnnxAttribute>): void {
  const read = { name: "", type: 0, whole: 0, list: [] as number[], tensor: undefined as OnnxTensor | undefined };
  reader.readMessage((field, to, from) => {
    if (field === 1) to.name = from.readString();
    else if (field === 3) to.whole = from.readVarint(true);
    else if (field === 5) to.tensor = readTensor(from).tensor;
    else if (field === 8) readWholeNumbers(from, to.list);
    else if (field === 20) to.type = from.readVarint();
  }, read);
  const { name, type, whole, list, tensor } = read;
  // A zero, or an empty list, needn't be written.
  attributes.set(
    name,
    type === attributeTypes.whole
      ? whole
      : type === attributeTypes.list
        ? list
        : type === attributeTypes.tensor
          ? tensor
          : undefined,
  );
}

/** A list of ints is seldom packed: each of tens of thousands has a tag of its own, and they follow one another. */
const tagOfInts = (8 << 3) | 0;

/**
 * Nodes and leaves of the largest ensemble that is taken (ensemble.ts) aren't more. A longer list isn't read to its
 * end: it would fill the heap.
 */
const listMax = 8_000_000;

function readWholeNumbers(reader: PbfReader, list: number[]): void {
  const take = () => {
    if (list.length === listMax) throw new NotCovered(`it has a list of more than ${listMax} whole numbers`);
    list.push(reader.readVarint(true));
  };
  const end = reader.readPackedEnd();
  while (reader.pos < end) take();
  while (reader.buf[reader.pos] === tagOfInts) {
    reader.pos++;
    take();
  }
}

/** TensorProto.DataType, as far as it is read. */
const dtypes: Readonly<Record<number, OnnxTensor["dtype"]>> = { 1: "float32", 2: "uint8", 9: "bool", 11: "float64" };

function readTensor(reader: PbfReader): { name: string; tensor: OnnxTensor } {
  const read = {
    name: "",
    type: 0,
    shape: [] as number[],
    numbers: [] as number[],
    raw: undefined as Uint8Array | undefined,
  };
  reader.readMessage((field, to, from) => {
    if (field === 1) from.readPackedVarint(to.shape, true);
    else if (field === 2) to.type = from.readVarint();
    else if (field === 4) from.readPackedFloat(to.numbers);
    else if (field === 5) from.readPackedVarint(to.numbers, true);
    else if (field === 8) to.name = from.readString();
    else if (field === 9) to.raw = from.readBytes();
    else if (field === 10) from.readPackedDouble(to.numbers);
  }, read);
  const dtype = dtypes[read.type] ?? "other";
  return { name: read.name, tensor: { dtype, shape: read.shape, values: valuesOf(dtype, read.raw, read.numbers) } };
}

/** A tensor's values stand in its bytes, little-endian, or in a list. */
function valuesOf(
  dtype: OnnxTensor["dtype"],
  raw: Uint8Array | undefined,
  numbers: readonly number[],
): OnnxTensor["values"] {
  const Values = dtype === "float32" ? Float32Array : dtype === "float64" ? Float64Array : Uint8Array;
  if (raw === undefined) return Values.from(numbers);
  // A copy, since what stands in a file is seldom aligned (and a Buffer's own `slice` is none). Bytes of a last,
  // incomplete value are no value.
  return new Values(new Uint8Array(raw).buffer, 0, Math.floor(raw.length / Values.BYTES_PER_ELEMENT));
}

function readName(reader: PbfReader): string {
  return reader.readMessage(
    (field, to, from) => {
      if (field === 1) to.name = from.readString();
    },
    { name: "" },
  ).name;
}
