/**
 * The Open Inference Protocol, V2 over HTTP, in the columns view: a tensor for each feature, and no object for a row.
 *
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */

import { type Protocol, refuseInSentence } from "../protocol.js";
import { decodeRequest, decodeRequestInSlices, lengthHeader, type OpenInferenceRequest } from "./decode.js";
import { openInferenceDescription } from "./description.js";
import { createFrame, encodeAnswer, encodeAnswerInPieces, type OpenInferenceFrame } from "./encode.js";

export const openInference: Protocol<OpenInferenceFrame, OpenInferenceRequest> = {
  name: "open-inference",
  headers: [lengthHeader],
  takesBlocks: true,
  decode: decodeRequest,
  frame: createFrame,
  encode: encodeAnswer,
  refuse: refuseInSentence,
  description: openInferenceDescription,
  sliced: { decode: decodeRequestInSlices, encode: encodeAnswerInPieces },
};
