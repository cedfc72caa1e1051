/** KServe's V1 protocol, which TensorFlow Serving and Vertex AI speak too. */

import type { LabelTexts } from "../json/answer-text.js";
import { type Protocol, refuseInSentence } from "../protocol.js";
import { decodeInstances, decodeInstancesInSlices, type TableRequest } from "./decode.js";
import { kserveV1Description } from "./description.js";
import { createTableFrame, encodeTable, encodeTableInPieces } from "./encode.js";

export const kserveV1: Protocol<LabelTexts, TableRequest> = {
  name: "kserve-v1",
  headers: [],
  decode: decodeInstances,
  frame: createTableFrame,
  encode: encodeTable,
  refuse: refuseInSentence,
  description: kserveV1Description,
  sliced: { decode: decodeInstancesInSlices, encode: encodeTableInPieces },
};
