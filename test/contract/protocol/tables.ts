/** Protocols whose answers are `{"predictions": [...]}`, as their clients write and read them. */

import type { Feature } from "../../../bundle/index.js";
import type { Prediction, Row } from "../../../preprocessing/index.js";
import type { RowError } from "../../../server/errors.js";
import { invocations } from "../../../server/protocol/invocations/protocol.js";
import { kserveV1 } from "../../../server/protocol/kserve-v1/protocol.js";
import type { Encoded } from "../../../server/protocol/protocol.js";
import { toJson } from "../../support/to-json.js";
import type { Answered, ProtocolMember, WriteOptions } from "./member.js";

const options = ({ partial, probabilities = false }: WriteOptions) => ({
  partial,
  fields: probabilities ? ["prediction", "probabilities"] : ["prediction"],
});

const valuesOf = (row: Row, features: readonly Feature[]) => features.map(({ name }) => row[name] ?? null);

/** A bare prediction where no fields were asked for. */
type RowAnswer = { readonly prediction: Prediction; readonly probabilities?: object } | Prediction | null;

function read({ body }: Encoded): Answered {
  const { predictions, errors = [] } = JSON.parse(body.toString()) as { predictions: RowAnswer[]; errors?: RowError[] };
  const answers = predictions.map((of) => (typeof of === "object" && of && "prediction" in of ? of : undefined));
  const isBare = answers.every((of) => of === undefined);
  return {
    model: "",
    version: 0,
    requestId: "",
    predictions: isBare ? (predictions as Prediction[]) : answers.map((of) => of?.prediction ?? null),
    probabilities: answers.some((of) => of?.probabilities)
      ? answers.map((of) => (of === undefined ? null : Object.values(of.probabilities!)))
      : undefined,
    rowErrors: errors.map(({ row, code }) => [row, code]),
    fallback: undefined,
  };
}

/** Rows as objects and as lists of values, in turn. */
export const kserveV1Member: ProtocolMember = {
  protocol: kserveV1,
  takesPartial: true,
  answersAlone: true,
  write: (rows, features, asked) => ({
    body: Buffer.from(
      toJson({
        instances: rows.map((row, index) => (index % 2 === 0 ? row : valuesOf(row, features))),
        parameters: options(asked),
      }),
    ),
    contentType: "application/json",
    headers: {},
  }),
  read,
  readError: ({ body }) => JSON.parse(body.toString()).error,
};

/** A frame as pandas splits it. */
export const invocationsMember: ProtocolMember = {
  protocol: invocations,
  takesPartial: true,
  answersAlone: true,
  write(rows, features, asked) {
    const columns = features.map(({ name }) => name).reverse();
    const data = rows.map((row) => valuesOf(row, features).reverse());
    return {
      body: Buffer.from(toJson({ dataframe_split: { columns, data }, params: options(asked) })),
      contentType: "application/json",
      headers: {},
    };
  },
  read,
  readError: ({ body }) => JSON.parse(body.toString()).message,
};
