/** `/predict`'s JSON, the form that Plumb speaks by itself: one row or several in, predictions out. */

import type { Buffer } from "node:buffer";
import { Columns } from "../../../preprocessing/index.js";
import { takeWhole } from "../../path/sliced-work.js";
import type { Encoded, Protocol, ProtocolContract, RequestHead } from "../protocol.js";
import { checkBody, decodeJson, decodeJsonInSlices, type JsonRequest } from "./decode.js";
import { predictJsonDescription } from "./description.js";
import { createJsonFrame, encodeError, encodeJson, encodeJsonInPieces, type JsonFrame } from "./encode.js";
import { foreignFormHint } from "./foreign-form.js";
import { readBody } from "./read-rows.js";

const contentType = "application/json";
const headers: readonly string[] = Object.freeze([]);

export const predictJson: Protocol<JsonFrame, JsonRequest> = {
  name: "predict-json",
  headers,
  decode,
  frame: ({ name, number, postprocessor }) => createJsonFrame(name, number, postprocessor.labels),
  encode: (frame, call, answer): Encoded => ({ body: encodeJson(frame, call, answer), contentType, headers }),
  refuse: (error, requestId) => ({ status: error.status, body: encodeError(error, requestId), contentType, headers }),
  explain: ({ single, rows }, { rowSchema, name }) =>
    single && !(rows instanceof Columns) ? foreignFormHint(rows[0], rowSchema.features, name) : undefined,
  description: predictJsonDescription,
  sliced: {
    decode: decodeInSlices,
    encode: (frame, call, answer, sliceRows) => ({
      pieces: encodeJsonInPieces(frame, call, answer, sliceRows),
      contentType,
      headers,
    }),
  },
};

/** By the row decoder; the bodies that it doesn't take, by `JSON.parse`, which knows all errors and their words. */
function decode(body: Buffer, { contentType }: RequestHead, contract: ProtocolContract): JsonRequest {
  checkBody(contentType, body);
  const read = readBody(body, contract);
  const request = read !== undefined && "next" in read ? takeWhole(read) : read;
  return request ?? decodeJson(contentType, body, contract.bodyLimits.decode, contract.postprocessor);
}

function decodeInSlices(
  body: Buffer,
  { contentType }: RequestHead,
  contract: ProtocolContract,
): Generator<undefined, JsonRequest> {
  checkBody(contentType, body);
  const { bodyLimits, postprocessor } = contract;
  return (function* () {
    const read = readBody(body, contract);
    const request = read !== undefined && "next" in read ? yield* read : read;
    return request ?? (yield* decodeJsonInSlices(contentType, body, bodyLimits.decode, undefined, postprocessor));
  })();
}
