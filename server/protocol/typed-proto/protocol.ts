/**
 * The typed service of a model, by Connect's unary form: `Predict` of the proto that `GET /models/{model}/proto` gives,
 * in protobuf's binary form or in its JSON form.
 *
 * @see https://connectrpc.com/docs/protocol
 */

import { quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { checkContentType } from "../json/text.js";
import type { Protocol, RequestHead } from "../protocol.js";
import { encodeConnectError } from "./connect-error.js";
import { decodeBinary, decodeBinaryInSlices } from "./decode.js";
import { typedProtoDescription } from "./description.js";
import { encodeReply, encodeReplyInPieces, protoType } from "./encode.js";
import { createFrame, type TypedFrame } from "./frame.js";
import { decodeJson, decodeJsonInSlices } from "./json.js";
import type { TypedRequest } from "./request.js";

const timeoutHeader = "connect-timeout-ms";
const versionHeader = "connect-protocol-version";
/** A day: longer ones are no different. */
const timeoutMsMax = 86_400_000;

export const typedProto: Protocol<TypedFrame, TypedRequest> = {
  name: "typed-proto",
  headers: [timeoutHeader, versionHeader],
  decode(body, head, contract) {
    const { isJson, timeoutMs } = readHead(head);
    const request = isJson ? decodeJson(body, contract) : decodeBinary(body, contract);
    return timeoutMs === undefined ? request : { ...request, timeoutMs };
  },
  frame: createFrame,
  encode: encodeReply,
  refuse: encodeConnectError,
  description: typedProtoDescription,
  sliced: {
    decode(body, head, contract) {
      const { isJson, timeoutMs } = readHead(head);
      return (function* () {
        const request = yield* (isJson ? decodeJsonInSlices : decodeBinaryInSlices)(body, contract);
        return timeoutMs === undefined ? request : { ...request, timeoutMs };
      })();
    },
    encode: encodeReplyInPieces,
  },
};

/** @throws {@link ServeError} unsupported_media_type, invalid_request, deadline_exceeded. */
function readHead(head: RequestHead): { isJson: boolean; timeoutMs: number | undefined } {
  const isJson = head.contentType !== protoType;
  if (isJson) checkType(head.contentType);
  const version = head.header(versionHeader);
  if (version !== "" && version !== "1")
    throw new ServeError("invalid_request", `${versionHeader}: expected 1, got ${quote(version)}`);
  const timeout = head.header(timeoutHeader);
  if (timeout === "") return { isJson, timeoutMs: undefined };
  if (!/^\d{1,10}$/.test(timeout)) {
    throw new ServeError("invalid_request", `${timeoutHeader}: expected milliseconds, got ${quote(timeout)}`);
  }
  const timeoutMs = Math.min(Number(timeout), timeoutMsMax);
  if (timeoutMs === 0) throw new ServeError("deadline_exceeded", `${timeoutHeader}: 0 milliseconds are over already`);
  return { isJson, timeoutMs };
}

function checkType(contentType: string): void {
  try {
    checkContentType(contentType);
  } catch {
    const got = contentType === "" ? "none" : quote(contentType);
    const expected = `${protoType} or application/json`;
    throw new ServeError("unsupported_media_type", `content-type: expected ${expected}, got ${got}`);
  }
}
