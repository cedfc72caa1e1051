/**
 * The elements of a tensor as `InferTensorContents` has them: repeated fields of a protocol buffer, one for each kind of
 * data type.
 *
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_grpc.md: tensor contents
 */

import { Buffer } from "node:buffer";
import { countOf, listWords } from "../../../bundle/index.js";
import { WireReader, WireWriter, wireTypes } from "../protobuf/wire.js";
import type { OutputTensor, OutputValues } from "./outputs.js";
import {
  type Datatype,
  describeElement,
  type ElementReader,
  numberRange,
  type TensorHead,
  tensorFault,
} from "./tensor.js";

const fieldNames = ["bool", "int", "int64", "uint", "uint64", "fp32", "fp64", "bytes"].map(
  (kind) => `${kind}_contents`,
);

/** The field of each data type; FP16 has none. */
const fields: Readonly<Partial<Record<Datatype, number>>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
};
const bytesField = 8;
const elementTypes: Readonly<Record<number, number>> = {
  6: wireTypes.fixed32,
  7: wireTypes.fixed64,
  8: wireTypes.bytes,
};

/**
 * Reads a tensor; the bytes are kept.
 *
 * @throws {@link ServeError} malformed_body for FP16; the reader throws it for elements that aren't as many as the shape
 *   says, or of another type.
 */
export function openContents({ input, datatype, rowCount, width }: TensorHead, contents: Buffer): ElementReader {
  const field = fields[datatype];
  if (field === undefined)
    throw tensorFault(input.name, `raw_input_contents, the only form of ${datatype}`, '"contents"');
  const count = rowCount * width;
  const reader = new WireReader(contents);
  const elements = new Elements(reader, field, (got) =>
    tensorFault(input.name, `its elements, of ${datatype}, in ${fieldNames[field - 1]}`, got),
  );
  const values: Float64Array | string[] = datatype === "BYTES" ? [] : new Float64Array(count);
  const take = takerOf(datatype, reader);
  const read = (first: number, end: number) => {
    for (let i = first; i < end; i++) {
      if (!elements.next()) throw tensorFault(input.name, `${countOf(count, "element")}, as its shape says`, String(i));
      const value = take();
      if (typeof value === "string") (values as string[]).push(value);
      else if (value[1]) (values as Float64Array)[i] = value[0];
      else {
        const got = describeElement(input, value[0]);
        throw tensorFault(input.name, `${describeRange(datatype)}, in element ${i}`, got);
      }
    }
    if (end === count && elements.next())
      throw tensorFault(input.name, `${countOf(count, "element")}, as its shape says`, "more");
  };
  return { values, read };
}

/** Finds one element after another, packed or not. */
class Elements {
  readonly #reader: WireReader;
  readonly #field: number;
  readonly #elementType: number;
  readonly #fault: (got: string) => Error;
  #packedEnd = 0;

  constructor(reader: WireReader, field: number, fault: (got: string) => Error) {
    this.#reader = reader;
    this.#field = field;
    this.#elementType = elementTypes[field] ?? wireTypes.varint;
    this.#fault = fault;
  }

  /** False when there are no more. */
  next(): boolean {
    const reader = this.#reader;
    if (reader.pos < this.#packedEnd) return true;
    // One that ends behind its packed field took bytes that aren't its own.
    if (this.#packedEnd > 0 && reader.pos > this.#packedEnd) throw this.#fault("half an element");
    this.#packedEnd = 0;
    while (reader.nextUncounted()) {
      if (reader.field !== this.#field) throw this.#fault(fieldNames[reader.field - 1] ?? `field ${reader.field}`);
      if (reader.wireType === this.#elementType) return true;
      reader.expect(wireTypes.bytes);
      const end = reader.span();
      if (end === reader.pos) continue;
      this.#packedEnd = end;
      return true;
    }
    return false;
  }
}

/** @returns What reads an element: a text, or a number and whether the data type has it. */
function takerOf(datatype: Datatype, reader: WireReader): () => string | readonly [number, boolean] {
  if (datatype === "BYTES") return () => reader.readText();
  if (datatype === "BOOL") return () => [reader.readBool() ? 1 : 0, true];
  if (datatype === "FP32") return () => [reader.readFloat(), true];
  if (datatype === "FP64") return () => [reader.readDouble(), true];
  const isUnsigned = datatype.startsWith("U");
  const readInteger = () => (isUnsigned ? reader.readUnsigned() : reader.readSigned());
  if (datatype.endsWith("64")) return readInteger;
  const { least, most } = numberRange(datatype);
  return () => {
    const [value] = readInteger();
    return [value, value >= least && value <= most];
  };
}

function describeRange(datatype: Datatype): string {
  if (datatype.endsWith("64")) return "an integer that float64 holds exactly";
  const { least, most } = numberRange(datatype);
  return `an integer ${listWords([`from ${least} to ${most}`])}`;
}

/** What stands before an output's elements in its `contents`: nothing, where each has a head of its own. */
export function contentsHead(datatype: OutputTensor["datatype"], elementBytes: number): Buffer {
  return datatype === "BYTES" ? noBytes : new WireWriter().head(fields[datatype]!, elementBytes).finish();
}

const noBytes = Buffer.alloc(0);

/** Elements whose length depends on their value. */
export function writeContents(datatype: "INT64" | "BYTES", values: OutputValues): Buffer {
  const writer = new WireWriter();
  if (datatype === "BYTES") for (const text of values as readonly string[]) writer.item(bytesField, text);
  else for (const value of values as readonly number[]) writer.varint(value);
  return writer.finish();
}
