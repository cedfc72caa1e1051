/** The detail of every error of a typed service: an ErrorDetails of the model's proto. */

import type { ServeError } from "../../errors.js";
import { type ErrorDetail, writeIssues } from "../protobuf/status.js";
import { WireWriter } from "../protobuf/wire.js";
import { issueMessage } from "./encode.js";
import { packageOf } from "./service-name.js";

/** @param issuesBytesMax - Of the issues the first that fit. */
export function typedErrorDetail(
  { code, issues = [] }: ServeError,
  requestId: string,
  modelName: string,
  issuesBytesMax = Number.POSITIVE_INFINITY,
): ErrorDetail {
  const message = new WireWriter().text(1, code);
  writeIssues(message, 2, issues, issueMessage, issuesBytesMax);
  return { type: `${packageOf(modelName)}.ErrorDetails`, message: message.text(3, requestId) };
}
