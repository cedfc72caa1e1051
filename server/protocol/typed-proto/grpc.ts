/** The typed service of a model as gRPC carries it: the messages of Connect's binary form, and errors as headers. */

import { errorTable, type ServeError } from "../../errors.js";
import { type ErrorDetail, grpcErrorHeaders, headerIssuesBytesMax } from "../protobuf/status.js";
import type { Protocol } from "../protocol.js";
import { decodeBinary, decodeBinaryInSlices } from "./decode.js";
import { encodeReply, encodeReplyInPieces } from "./encode.js";
import { typedErrorDetail } from "./error-details.js";
import { createFrame, type TypedFrame } from "./frame.js";
import type { TypedRequest } from "./request.js";

export const typedProtoGrpc: Protocol<TypedFrame, TypedRequest> = {
  name: "typed-proto-grpc",
  headers: [],
  decode: (body, _head, contract) => decodeBinary(body, contract),
  frame: createFrame,
  encode: encodeReply,
  /** As headers, which the transport sends with a status of 200, as gRPC wants it. */
  refuse: (error, requestId, modelName) => ({
    status: errorTable[error.code].http,
    body: error.message,
    contentType: "application/grpc",
    headers: grpcErrorHeaders(error, {
      details: modelName === undefined ? [] : typedDetails(error, requestId, modelName),
    }),
  }),
  sliced: {
    decode: (body, _head, contract) => decodeBinaryInSlices(body, contract),
    encode: encodeReplyInPieces,
  },
};

/** What stands in an error beside the details that every error has. */
export function typedDetails(error: ServeError, requestId: string, modelName: string): readonly ErrorDetail[] {
  return [typedErrorDetail(error, requestId, modelName, headerIssuesBytesMax)];
}
