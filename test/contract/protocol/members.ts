/** Every protocol, and the one of test/examples, which sends columns in bytes. */

import type { Prediction } from "../../../preprocessing/index.js";
import { openInference } from "../../../server/protocol/open-inference/protocol.js";
import { predictJson } from "../../../server/protocol/predict-json/protocol.js";
import type { ColumnFileText } from "../../examples/column-file.js";
import { columnFile } from "../../examples/column-file.js";
import { lengthHeader, makeMessage, readReply } from "../../support/open-inference.js";
import { tensorsOfRows } from "../../support/row-tensors.js";
import { toJson } from "../../support/to-json.js";
import { inferenceMembers } from "./inference-members.js";
import type { ProtocolMember } from "./member.js";
import { invocationsMember, kserveV1Member } from "./tables.js";
import { typedProtoJsonMember, typedProtoMember } from "./typed-proto-members.js";

const predictJsonMember: ProtocolMember = {
  protocol: predictJson,
  takesPartial: true,
  write: (rows, _features, { partial }) => ({
    // Zero may be negative.
    body: Buffer.from(toJson(rows.length === 1 && !partial ? rows[0] : { rows, partial })),
    contentType: "application/json",
    headers: {},
  }),
  read({ body }) {
    const answer = JSON.parse(body.toString());
    const { predictions = [answer.prediction], errors = [] } = answer;
    const single = answer.probabilities && !Array.isArray(answer.probabilities);
    const probabilities = single ? [answer.probabilities] : answer.probabilities;
    return {
      model: answer.model,
      version: answer.version,
      requestId: answer.request_id,
      predictions,
      probabilities: probabilities?.map((of: Record<string, number> | null) => of && Object.values(of)),
      rowErrors: errors.map(({ row, code }: { row: number; code: string }) => [row, code]),
      fallback: answer.fallback?.reason,
    };
  },
  readError: ({ body }) => JSON.parse(body.toString()).error.message,
};

const columnFileMember: ProtocolMember = {
  protocol: columnFile,
  takesPartial: true,
  write(rows, features, { partial }) {
    const columns: ColumnFileText["columns"] = [];
    const numbers: Buffer[] = [];
    for (const { name, type } of features) {
      const values = rows.map((row) => row[name] ?? null);
      if (type === "string" || type === "array") columns.push({ name, values: values as (string | null)[] });
      else {
        columns.push({ name });
        const bits = Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
        numbers.push(Buffer.from(bits.buffer));
      }
    }
    const text = Buffer.from(toJson({ rows: rows.length, partial, columns }));
    return {
      body: Buffer.concat([text, ...numbers]),
      contentType: "application/x-column-file",
      headers: { "x-text-bytes": String(text.length) },
    };
  },
  read({ body, headers }) {
    const bytes = Buffer.from(body);
    const textBytes = Number(headers[headers.indexOf("x-text-bytes") + 1]);
    const answer = JSON.parse(bytes.subarray(0, textBytes).toString());
    const numbers = new Float64Array(Uint8Array.from(bytes.subarray(textBytes)).buffer);
    const { labels, predictions, errors = [] } = answer;
    const ofRow = (row: number) => [...numbers.subarray(row * labels.length, (row + 1) * labels.length)];
    return {
      ...answer,
      predictions: predictions.map(unspell),
      probabilities:
        labels.length === 0
          ? undefined
          : predictions.map((of: unknown, row: number) => (of === null ? null : ofRow(row))),
      rowErrors: errors.map(({ row, code }: { row: number; code: string }) => [row, code]),
      fallback: answer.fallback,
    };
  },
  readError: ({ body }) => body.toString().split(" ").slice(2).join(" "),
};

function unspell(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unspell);
  if (value === null || typeof value !== "object") return value;
  return Buffer.from((value as { float64: string }).float64, "hex").readDoubleLE();
}

/** Numbers as binary data, the rest in JSON; the answer's prediction as binary data, its probabilities in JSON. */
const openInferenceMember: ProtocolMember = {
  protocol: openInference,
  takesPartial: false,
  write(rows, features) {
    const texts = tensorsOfRows(features, rows, "json");
    const bytes = tensorsOfRows(features, rows, "binary");
    const inputs = texts.map((text, at) => (/^(?:FP|INT)/.test(String(text.datatype)) ? bytes[at]! : text));
    // The caller's own id: the protocol has no other in its bodies.
    const { body, header } = makeMessage(inputs, { id: "id-1", parameters: { binary_data_output: true } });
    return { body, contentType: "application/octet-stream", headers: { [lengthHeader]: header } };
  },
  read({ body, headers }) {
    const { id, model_name, model_version, parameters, outputs } = readReply(body, headers[1]);
    const [predictions, probabilities] = outputs.map(({ shape, data }) =>
      Array.from({ length: shape[0]! }, (_, row) => data.slice(row * shape[1]!, (row + 1) * shape[1]!)),
    );
    return {
      model: model_name,
      version: Number(model_version),
      requestId: id!,
      predictions: predictions!.map((values) => (values.length === 1 ? values[0] : values) as Prediction),
      probabilities: probabilities as number[][] | undefined,
      rowErrors: [],
      fallback: parameters?.fallback,
    };
  },
  readError: ({ body }) => JSON.parse(body.toString()).error,
};

export const members: readonly ProtocolMember[] = [
  predictJsonMember,
  columnFileMember,
  openInferenceMember,
  kserveV1Member,
  invocationsMember,
  typedProtoMember,
  typedProtoJsonMember,
  ...inferenceMembers,
];
