/** Callers of the inference service by Connect, in its two forms. */

import type { Prediction } from "../../../preprocessing/index.js";
import { openInferenceConnect } from "../../../server/protocol/open-inference/connect.js";
import { inferMessage, messageBytes, outputsOf, readMessage } from "../../support/inference-messages.js";
import { allInBytes, tensorsOfRows } from "../../support/row-tensors.js";
import type { ProtocolMember } from "./member.js";

function member(form: "proto" | "json", tensors: "json" | "binary"): ProtocolMember {
  return {
    protocol: { ...openInferenceConnect, name: `open-inference-connect-${form}` },
    takesPartial: false,
    write(rows, features) {
      const sent = tensorsOfRows(features, rows, tensors);
      const inputs = tensors === "json" ? sent : allInBytes(sent);
      const body = messageBytes(inferMessage(inputs, { id: "id-1" }), form);
      return { body, contentType: `application/${form}`, headers: {} };
    },
    read({ body }) {
      const reply = readMessage("ModelInferResponse", Buffer.from(body), form);
      const [predictions, probabilities] = outputsOf(reply).map(({ shape, data }) =>
        Array.from({ length: shape[0]! }, (_, row) => data.slice(row * shape[1]!, (row + 1) * shape[1]!)),
      );
      return {
        model: reply.modelName,
        version: Number(reply.modelVersion),
        requestId: reply.id,
        predictions: predictions!.map((values) => (values.length === 1 ? values[0] : values) as Prediction),
        probabilities: probabilities as number[][] | undefined,
        rowErrors: [],
        fallback: reply.parameters.fallback?.parameterChoice.value,
      };
    },
    readError: ({ body }) => JSON.parse(body.toString()).message,
  };
}

export const inferenceMembers: readonly ProtocolMember[] = [member("proto", "binary"), member("json", "json")];
