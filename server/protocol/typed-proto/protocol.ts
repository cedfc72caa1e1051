/**
 * The typed service of a model, by Connect's unary form: `Predict` of the proto that `GET /models/{model}/proto` gives,
 * in protobuf's binary form or in its JSON form.
 *
 * @see https://connectrpc.com/docs/protocol
 */

import type { ServeError } from "../../errors.js";
import { connectError } from "../connect/error.js";
import { connectHeaders, readConnectHead } from "../connect/head.js";
import type { EncodedError, Protocol } from "../protocol.js";
import { decodeBinary, decodeBinaryInSlices } from "./decode.js";
import { typedProtoDescription } from "./description.js";
import { encodeReply, encodeReplyInPieces } from "./encode.js";
import { typedErrorDetail } from "./error-details.js";
import { createFrame, type TypedFrame } from "./frame.js";
import { decodeJson, decodeJsonInSlices } from "./json.js";
import type { TypedRequest } from "./request.js";

export const typedProto: Protocol<TypedFrame, TypedRequest> = {
  name: "typed-proto",
  headers: connectHeaders,
  decode(body, head, contract) {
    const { isJson, timeoutMs } = readConnectHead(head);
    const request = isJson ? decodeJson(body, contract) : decodeBinary(body, contract);
    return timeoutMs === undefined ? request : { ...request, timeoutMs };
  },
  frame: createFrame,
  encode: encodeReply,
  refuse,
  description: typedProtoDescription,
  sliced: {
    decode(body, head, contract) {
      const { isJson, timeoutMs } = readConnectHead(head);
      return (function* () {
        const request = yield* (isJson ? decodeJsonInSlices : decodeBinaryInSlices)(body, contract);
        return timeoutMs === undefined ? request : { ...request, timeoutMs };
      })();
    },
    encode: encodeReplyInPieces,
  },
};

function refuse(error: ServeError, requestId: string, modelName: string | undefined): EncodedError {
  if (modelName === undefined) return connectError(error);
  const { code, issues = [] } = error;
  return connectError(error, [
    { ...typedErrorDetail(error, requestId, modelName), debug: { code, issues, requestId } },
  ]);
}
