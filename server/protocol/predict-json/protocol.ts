/** `/predict`'s JSON, the form that Plumb speaks by itself: one row or several in, predictions out. */

import type { Encoded, Protocol } from "../protocol.js";
import { decodeJson, decodeJsonInSlices, type JsonRequest } from "./decode.js";
import { predictJsonDescription } from "./description.js";
import { createJsonFrame, encodeError, encodeJson, encodeJsonInPieces, type JsonFrame } from "./encode.js";
import { foreignFormHint } from "./foreign-form.js";

const contentType = "application/json";
const headers: readonly string[] = Object.freeze([]);

export const predictJson: Protocol<JsonFrame, JsonRequest> = {
  name: "predict-json",
  headers,
  decode: (body, head, { bodyLimits, postprocessor }) =>
    decodeJson(head.contentType, body, bodyLimits.decode, postprocessor),
  frame: ({ name, number, postprocessor }) => createJsonFrame(name, number, postprocessor.labels),
  encode: (frame, call, answer): Encoded => ({ body: encodeJson(frame, call, answer), contentType, headers }),
  refuse: (error, requestId) => ({ status: error.status, body: encodeError(error, requestId), contentType, headers }),
  explain: ({ single, rows: [row] }, { rowSchema, name }) =>
    single ? foreignFormHint(row, rowSchema.features, name) : undefined,
  description: predictJsonDescription,
  sliced: {
    decode: (body, head, { bodyLimits, postprocessor }) =>
      decodeJsonInSlices(head.contentType, body, bodyLimits.decode, undefined, postprocessor),
    encode: (frame, call, answer, sliceRows) => ({
      pieces: encodeJsonInPieces(frame, call, answer, sliceRows),
      contentType,
      headers,
    }),
  },
};
