/** The Open Inference Protocol over gRPC, health and reflection: messages in, messages and a status out. */

import { Buffer } from "node:buffer";
import { status } from "@grpc/grpc-js";
import type { Message } from "../../../conformance/grpc-client.js";
import {
  bytesOf,
  contentsField,
  contentsOf,
  datatypes,
  type Tensor,
  type Value,
  valuesOf,
} from "../../../conformance/tensors.js";
import { extensions } from "./http.js";
import { classify, models, type ReferenceModel, type ReferenceState, Refusal } from "./model.js";

/** What is sent: mutants change it. */
export interface GrpcResponse {
  messages: Message[];
  status: number;
  details: string;
  headers: Record<string, string>;
  /** Where a good status stands. */
  statusIn: "trailers" | "headers";
  /** The server ends the stream. */
  ends: boolean;
}

const good = (...messages: Message[]): GrpcResponse => ({
  messages,
  status: status.OK,
  details: "",
  headers: { "content-type": "application/grpc" },
  statusIn: "trailers",
  ends: true,
});

export const failed = (code: number, details: string): GrpcResponse => ({ ...good(), status: code, details });

/** @param method - `inference.GRPCInferenceService/ModelInfer` */
export function answerGrpc(state: ReferenceState, method: string, messages: readonly Message[]): GrpcResponse {
  try {
    const answer = methods[method];
    if (answer === undefined) return failed(status.UNIMPLEMENTED, `there is no method ${method}`);
    return answer(state, messages);
  } catch (reason) {
    if (!(reason instanceof Refusal)) throw reason;
    return failed(reason.isUnknown ? status.NOT_FOUND : status.INVALID_ARGUMENT, reason.message);
  }
}

type Answer = (state: ReferenceState, messages: readonly Message[]) => GrpcResponse;

const one =
  (answer: (state: ReferenceState, message: Message) => Message): Answer =>
  (state, [message]) =>
    good(answer(state, message));

const served = ["inference.GRPCInferenceService", "grpc.health.v1.Health"];

const inference: Readonly<Record<string, Answer>> = {
  ServerLive: one(() => ({ live: true })),
  ServerReady: one(() => ({ ready: true })),
  ModelReady: one((state, { name, version }) => ({ ready: state.loaded.has(state.model(name, version).name) })),
  ServerMetadata: one(() => ({ name: "reference", version: "1.0", extensions })),
  ModelMetadata: one((state, { name, version }) => {
    const { inputs, outputs } = state.model(name, version);
    return { name, versions: ["1"], platform: "reference_sum", inputs, outputs };
  }),
  ModelInfer: one(infer),
  ModelStreamInfer: (state, messages) => good(...messages.map((message) => inferOnStream(state, message))),
  ModelConfig: one((state, { name, version }) => {
    const { inputs, outputs } = state.model(name, version);
    const tensor = ({ name, shape }: Omit<Tensor, "values">) => ({ name, data_type: 1, dims: shape.slice(1) });
    return { config: { name, max_batch_size: 8, input: inputs.map(tensor), output: outputs.map(tensor) } };
  }),
  ModelStatistics: one((state, { name }) => {
    const { inferences, executions } = state.counts.get(state.model(name).name)!;
    return { model_stats: [{ name, version: "1", inference_count: inferences, execution_count: executions }] };
  }),
  RepositoryIndex: one((state) => ({
    models: models.map(({ name }) => ({ name, version: "1", state: state.loaded.has(name) ? "READY" : "UNAVAILABLE" })),
  })),
  RepositoryModelLoad: one((state, { model_name: name }) => {
    state.loaded.add(state.model(name).name);
    return {};
  }),
  RepositoryModelUnload: one((state, { model_name: name }) => {
    state.loaded.delete(state.model(name).name);
    return {};
  }),
};

const methods: Readonly<Record<string, Answer>> = {
  ...Object.fromEntries(Object.entries(inference).map(([name, answer]) => [`${served[0]}/${name}`, answer])),
  "grpc.health.v1.Health/Check": one((_, { service }) => {
    if (service !== "" && !served.includes(service)) throw new Refusal(`there is no service ${service}`, true);
    return { status: "SERVING" };
  }),
  "grpc.health.v1.Health/Watch": () => ({ ...good({ status: "SERVING" }), ends: false }),
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": (_, messages) =>
    good(
      ...messages.map((message) => {
        if (message.message_request === "list_services")
          return { list_services_response: { service: served.map((name) => ({ name })) } };
        if (served.includes(message.file_containing_symbol))
          return { file_descriptor_response: { file_descriptor_proto: [Buffer.from("file")] } };
        return { error_response: { error_code: status.NOT_FOUND, error_message: "there is no such symbol" } };
      }),
    ),
};

function inferOnStream(state: ReferenceState, message: Message): Message {
  try {
    return { error_message: "", infer_response: infer(state, message) };
  } catch (reason) {
    if (!(reason instanceof Refusal)) throw reason;
    return { error_message: reason.message };
  }
}

function infer(state: ReferenceState, message: Message): Message {
  const { model_name: name, model_version: version, id, inputs, outputs: asked, raw_input_contents: raw } = message;
  const model = state.model(name, version);
  if (raw.length > 0 && raw.length !== inputs.length) throw new Refusal("raw contents aren't as many as inputs");
  const tensors = inputs.map((input: Message, index: number) => readTensor(input, raw[index]));
  const outputs = chooseOutputs(state.infer(model, tensors), asked);
  const isRaw = raw.length > 0 || hasHalf(model);
  return {
    model_name: name,
    model_version: "1",
    id,
    outputs: outputs.map(({ name, datatype, shape, values }) => ({
      name,
      datatype,
      shape,
      ...(!isRaw && { contents: contentsOf({ datatype, values }) }),
    })),
    raw_output_contents: isRaw ? outputs.map(bytesOf) : [],
  };
}

const hasHalf = ({ outputs }: ReferenceModel) => outputs.some(({ datatype }) => datatype === "FP16");

function readTensor({ name, datatype, shape, contents }: Message, raw: Buffer | undefined): Tensor {
  if (datatypes[datatype] === undefined) throw new Refusal(`${name} has no data type of the table`);
  const lists = Object.entries((contents ?? {}) as Record<string, Value[]>).filter(([, list]) => list.length > 0);
  if (raw !== undefined) {
    if (lists.length > 0) throw new Refusal("contents beside raw ones");
    const values = valuesOf(datatype, raw);
    if (values === undefined) throw new Refusal(`the bytes of ${name} aren't whole elements`);
    return { name, datatype, shape, values };
  }
  const field = contentsField(datatype);
  if (lists.some(([each]) => each !== field)) throw new Refusal(`elements of ${name} stand in another field`);
  return {
    name,
    datatype,
    shape,
    values: lists[0]?.[1].map((value) => (Buffer.isBuffer(value) ? String(value) : value)) ?? [],
  };
}

function chooseOutputs(answered: readonly Tensor[], asked: readonly Message[]): readonly Tensor[] {
  if (asked.length === 0) return answered;
  return asked.map(({ name, parameters }) => {
    const tensor = answered.find((each) => each.name === name);
    if (tensor === undefined) throw new Refusal(`there is no output ${name}`);
    const count = parameters.classification?.int64_param;
    return count === undefined ? tensor : classify(tensor, Number(count));
  });
}
