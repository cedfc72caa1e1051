/** KServe's V1 protocol, which TensorFlow Serving and Vertex AI speak too. */

import type { LabelTexts } from "../json/answer-text.js";
import { callerStatus, type Protocol } from "../protocol.js";
import { decodeInstances, decodeInstancesInSlices, type TableRequest } from "./decode.js";
import { kserveV1Description } from "./description.js";
import { createTableFrame, encodeTable, encodeTableInPieces } from "./encode.js";

export const kserveV1: Protocol<LabelTexts, TableRequest> = {
  name: "kserve-v1",
  headers: [],
  decode: decodeInstances,
  frame: createTableFrame,
  encode: encodeTable,
  refuse: (error) => ({
    status: callerStatus(error),
    body: JSON.stringify({ error: error.message }),
    contentType: "application/json",
    headers: [],
  }),
  description: kserveV1Description,
  sliced: { decode: decodeInstancesInSlices, encode: encodeTableInPieces },
};
