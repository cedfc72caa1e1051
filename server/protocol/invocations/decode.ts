/**
 * Requests of `POST /invocations`, as SageMaker sends them and as MLflow's server takes them: by content type JSON or
 * CSV.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
 * @see https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */

import { type Buffer, isUtf8 } from "node:buffer";
import { ServeError } from "../../errors.js";
import { takeWhole } from "../../path/sliced-work.js";
import { parseContainerInSlices } from "../json/parse-slices.js";
import { checkRowCount } from "../json/row-count.js";
import { readLists, readOrder, readRows, tableLimits } from "../json/row-lists.js";
import { checkContentType, kindOf, type Members, notUtf8, parseContainer } from "../json/text.js";
import { readInputs, readOptions, type TableRequest } from "../kserve-v1/decode.js";
import type { ProtocolContract, RequestHead } from "../protocol.js";
import { readCsv } from "./csv.js";

const expected = "rows, as a list or in one of MLflow's forms";

/** @throws {@link ServeError} unsupported_media_type, malformed_body, invalid_request, schema_mismatch, too_many_rows. */
export function decodeInvocation(body: Buffer, head: RequestHead, contract: ProtocolContract): TableRequest {
  if (isCsv(head.contentType)) return takeWhole(takeCsv(body, head, contract));
  checkType(head.contentType);
  return takeWhole(takeJson(parseContainer(body, tableLimits(contract), expected), contract));
}

/** As {@link decodeInvocation}, in slices; what is wrong with the head is thrown at once. */
export function decodeInvocationInSlices(
  body: Buffer,
  head: RequestHead,
  contract: ProtocolContract,
): Generator<undefined, TableRequest> {
  if (isCsv(head.contentType)) return takeCsv(body, head, contract);
  checkType(head.contentType);
  return (function* () {
    return yield* takeJson(yield* parseContainerInSlices(body, tableLimits(contract), expected), contract);
  })();
}

function isCsv(contentType: string): boolean {
  return /^\s*text\/csv\s*(?:;|$)/i.test(contentType);
}

function checkType(contentType: string): void {
  try {
    checkContentType(contentType);
  } catch {
    const got = contentType === "" ? "none" : JSON.stringify(contentType.slice(0, 64));
    throw new ServeError(
      "unsupported_media_type",
      `content-type: expected application/json or text/csv in UTF-8, got ${got}`,
    );
  }
}

function takeCsv(
  body: Buffer,
  { contentType }: RequestHead,
  contract: ProtocolContract,
): Generator<undefined, TableRequest> {
  const parameters = contentType.toLowerCase().replaceAll(/[\s"]/g, "").split(";").slice(1);
  if (parameters.some((parameter) => parameter.startsWith("charset=") && !/=utf-?8$/.test(parameter)))
    checkType(contentType);
  const header = parameters.includes("header=present") || (parameters.includes("header=absent") ? false : undefined);
  return (function* () {
    if (!isUtf8(body)) throw notUtf8();
    const text = body.toString("utf8");
    const rows = yield* readCsv(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, header, contract);
    return { rows, fields: undefined, partial: false, answersKey: "predictions" };
  })();
}

const forms = ["instances", "inputs", "dataframe_split", "dataframe_records"] as const;

function* takeJson(container: Members | unknown[], contract: ProtocolContract): Generator<undefined, TableRequest> {
  const answersKey = "predictions";
  if (Array.isArray(container))
    return { rows: yield* readRows("the body", container, contract), fields: undefined, partial: false, answersKey };
  const form = formOf(container, contract);
  if (form === undefined) return { rows: [container], fields: undefined, partial: false, answersKey };
  const other = Object.keys(container).find((name) => name !== form && name !== "params");
  if (other !== undefined) {
    const got = JSON.stringify(other.slice(0, 64));
    throw new ServeError("malformed_body", `the body has "${form}", so beside it only "params" is known, got ${got}`);
  }
  const options = readOptions('"params"', container.params, contract);
  return { rows: yield* readForm(form, container[form], contract), ...options, answersKey };
}

/** Undefined for one row. */
function formOf(members: Members, { rowSchema }: ProtocolContract): (typeof forms)[number] | undefined {
  const form = forms.find((name) => Object.hasOwn(members, name));
  const isRow = form !== undefined && rowSchema.features.some(({ name }) => Object.hasOwn(members, name));
  return isRow ? undefined : form;
}

function* readForm(form: (typeof forms)[number], value: unknown, contract: ProtocolContract) {
  switch (form) {
    case "inputs":
      return yield* readInputs(value, contract);
    case "dataframe_split":
      return yield* readSplit(value, contract);
    default:
      return yield* readRows(`"${form}"`, value, contract);
  }
}

/** A pandas.DataFrame by `to_dict("split")`. The index says nothing of a row. */
function* readSplit(value: unknown, contract: ProtocolContract) {
  const at = '"dataframe_split"';
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new ServeError("malformed_body", `${at}: expected an object of "columns" and "data", got ${kindOf(value)}`);
  const { columns, data } = value as Members;
  const { features } = contract.rowSchema;
  const order = columns === undefined ? features : readOrder(`${at}, "columns"`, columns, features);
  if (!Array.isArray(data))
    throw new ServeError("malformed_body", `${at}, "data": expected a list of rows, got ${kindOf(data)}`);
  checkRowCount(`${at}, "data"`, data.length, contract.bodyLimits.decode.rowsMax);
  return yield* readLists(`${at}, "data"`, order, data);
}
