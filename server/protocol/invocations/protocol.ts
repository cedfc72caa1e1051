/** `POST /invocations`: the contract of SageMaker's containers, and of MLflow's scoring server. */

import type { ServeError } from "../../errors.js";
import type { LabelTexts } from "../json/answer-text.js";
import type { TableRequest } from "../kserve-v1/decode.js";
import { invocationsDescription } from "../kserve-v1/description.js";
import { createTableFrame, encodeTable, encodeTableInPieces } from "../kserve-v1/encode.js";
import { callerStatus, type Protocol } from "../protocol.js";
import { decodeInvocation, decodeInvocationInSlices } from "./decode.js";

export const invocations: Protocol<LabelTexts, TableRequest> = {
  name: "invocations",
  headers: [],
  decode: decodeInvocation,
  frame: createTableFrame,
  encode: encodeTable,
  refuse: (error) => ({
    status: statusOf(error),
    body: JSON.stringify({ error_code: mlflowCode(error), message: error.message }),
    contentType: "application/json",
    headers: [],
  }),
  description: invocationsDescription,
  sliced: { decode: decodeInvocationInSlices, encode: encodeTableInPieces },
};

/** As MLflow's server has it. */
function statusOf(error: ServeError): number {
  return error.code === "unsupported_media_type" ? error.status : callerStatus(error);
}

/** Of MLflow's own codes. */
function mlflowCode(error: ServeError): string {
  if (error.code === "model_not_found") return "RESOURCE_DOES_NOT_EXIST";
  const status = statusOf(error);
  if (status === 503) return "TEMPORARILY_UNAVAILABLE";
  if (status === 504) return "DEADLINE_EXCEEDED";
  return status < 500 ? "BAD_REQUEST" : "INTERNAL_ERROR";
}
