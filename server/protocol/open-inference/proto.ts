/**
 * The Open Inference Protocol as gRPC carries it: `ModelInferRequest` and `ModelInferResponse`, in the columns view.
 *
 * A request has its elements in the tensors (`contents`) or behind them (`raw_input_contents`, little-endian); its
 * answer comes in the same form, unless the parameter `binary_data_output` or an output's `binary_data` asks for the
 * other one.
 *
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_grpc.md
 */

import { Buffer } from "node:buffer";
import type { Answer } from "../../../preprocessing/index.js";
import { errorTable, ServeError } from "../../errors.js";
import { slicesOf, takeWhole } from "../../path/sliced-work.js";
import { grpcErrorHeaders } from "../protobuf/status.js";
import { WireWriter } from "../protobuf/wire.js";
import type { AnsweredCall, EncodedPieces, Protocol, ProtocolContract, RequestHead } from "../protocol.js";
import { openBinary, writeBinary } from "./binary.js";
import { contentsHead, openContents, writeContents } from "./contents.js";
import { conclude, type OpenInferenceRequest, tensorsOf } from "./decode.js";
import { type ChosenOutput, readRequest } from "./json.js";
import { readInferRequest } from "./message.js";
import { classify, outputValues } from "./outputs.js";
import { columnReader, elementBytes } from "./tensor.js";

/** Model's name and version as an answer has them. */
type Frame = Buffer;

export const protoType = "application/grpc";
/** Elements that are read in one slice: as in `decode.ts`. */
const sliceElements = 1024;

export const openInferenceProto: Protocol<Frame, OpenInferenceRequest> = {
  name: "open-inference-grpc",
  headers: [],
  takesBlocks: true,
  decode: (body, head, contract) => takeWhole(decodeInSlices(body, head, contract)),
  frame: ({ name, number }) => new WireWriter().text(1, name).text(2, String(number)).finish(),
  encode(frame, call, answer) {
    const { pieces, ...head } = encodeInPieces(frame, call, answer, call.request.rows.length);
    return { ...head, body: Buffer.concat(pieces.map((write) => write() as Buffer)) };
  },
  /** As headers, which the transport sends with a status of 200, as gRPC wants it. */
  refuse: (error) => ({
    status: errorTable[error.code].http,
    body: error.message,
    contentType: protoType,
    headers: grpcErrorHeaders(error),
  }),
  sliced: { decode: decodeInSlices, encode: encodeInPieces },
};

/** @throws {@link ServeError} malformed_body, invalid_request, schema_mismatch, too_many_rows. */
function* decodeInSlices(
  body: Buffer,
  _head: RequestHead,
  contract: ProtocolContract,
): Generator<undefined, OpenInferenceRequest> {
  const { members, contents } = readInferRequest(body);
  const { typed, raw } = contents;
  const { id, timeoutMs, inputs, outputs } = readRequest(
    members,
    tensorsOf(contract),
    contract.bodyLimits.decode.rowsMax,
  );
  if (raw.length > 0) {
    const got = typed.some((each) => each !== undefined && each.length > 0)
      ? "contents of a tensor beside it"
      : undefined;
    const expected = `one for each of the ${inputs.length} inputs, and no other contents`;
    if (got !== undefined || raw.length !== inputs.length)
      throw new ServeError("malformed_body", `raw_input_contents: expected ${expected}, got ${got ?? raw.length}`);
  }
  const tensors = inputs.map(({ head }, index) =>
    columnReader(head, raw.length > 0 ? openBinary(head, raw[index]!) : openContents(head, typed[index] ?? noBytes)),
  );
  for (const { head, read } of tensors) {
    for (const [first, end] of slicesOf(head.rowCount, Math.ceil(sliceElements / Math.max(1, head.width)))) {
      read(first, end);
      yield;
    }
  }
  return conclude({ id, timeoutMs, outputs }, tensors, contract);
}

const noBytes = Buffer.alloc(0);
const noHeaders: readonly string[] = Object.freeze([]);

type Piece = () => Buffer;

function encodeInPieces(
  frame: Frame,
  { request, fallback }: AnsweredCall<OpenInferenceRequest>,
  answer: Answer,
  sliceRows: number,
): EncodedPieces {
  const head = new WireWriter().raw(frame).text(3, request.id ?? "");
  if (fallback !== undefined) {
    const value = new WireWriter().item(3, fallback);
    head.message(4, new WireWriter().text(1, "fallback").message(2, value));
  }
  const pieces: Piece[] = [() => head.finish()];
  const raw: Piece[] = [];
  const isRaw = request.outputs.some(({ isBinary }) => isBinary);
  for (const chosen of request.outputs) {
    const { tensor, elements, size } = encodeOutput(chosen, request.rows.length, answer, sliceRows);
    const inContents = chosen.isBinary ? undefined : contentsHead(datatypeOf(chosen), size);
    const contentsBytes = inContents === undefined ? 0 : inContents.length + size;
    if (inContents !== undefined) tensor.head(5, contentsBytes);
    const outer = new WireWriter().head(5, tensor.length + (inContents === undefined ? 0 : contentsBytes));
    pieces.push(() => Buffer.concat([outer.finish(), tensor.finish(), inContents ?? noBytes]));
    if (inContents !== undefined) pieces.push(...elements);
    // One for each output, in their order: empty where the elements stand in the tensor.
    if (isRaw) raw.push(() => new WireWriter().head(6, chosen.isBinary ? size : 0).finish());
    if (chosen.isBinary) raw.push(...elements);
  }
  return { pieces: [...pieces, ...raw], contentType: protoType, headers: noHeaders };
}

const datatypeOf = ({ output, classCount }: ChosenOutput) => (classCount > 0 ? "BYTES" : output.datatype);

/** An output's head, and its elements in the form that is asked for. */
function encodeOutput(
  chosen: ChosenOutput,
  rowCount: number,
  answer: Answer,
  sliceRows: number,
): { tensor: WireWriter; elements: Piece[]; size: number } {
  const { output, isBinary, classCount } = chosen;
  const datatype = datatypeOf(chosen);
  const dims = classCount > 0 ? [classCount] : output.dims;
  const valuesOf = (first: number, end: number) => {
    const values = outputValues(output, answer, first, end);
    return classCount > 0 ? classify(values, output, classCount) : values;
  };
  const tensor = new WireWriter()
    .text(1, output.name)
    .text(2, datatype)
    .integers(3, [rowCount, ...dims]);
  const slices = [...slicesOf(rowCount, sliceRows)];
  const isFixed = datatype !== "BYTES" && (isBinary || datatype !== "INT64");
  // Others have to be written to know how long they are. Bits of doubles and of truth values are the same in both forms.
  const write = ([first, end]: readonly [number, number]) =>
    isBinary || isFixed
      ? writeBinary(datatype, valuesOf(first, end))
      : writeContents(datatype as "BYTES", valuesOf(first, end));
  if (isFixed) {
    const size = rowCount * output.width * elementBytes(datatype);
    return { tensor, elements: slices.map((slice) => () => write(slice)), size };
  }
  const written = slices.map(write);
  const size = written.reduce((sum, { length }) => sum + length, 0);
  return { tensor, elements: written.map((bytes) => () => bytes), size };
}
