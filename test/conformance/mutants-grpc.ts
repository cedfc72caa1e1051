/** For each case over gRPC a server that is wrong in the one thing that the case is about. */

import { Buffer } from "node:buffer";
import { status } from "@grpc/grpc-js";
import type { Message } from "../../conformance/grpc-client.js";
import type { Mutant } from "./reference/server.js";

type Change = NonNullable<Mutant["grpc"]>;

const edit =
  (change: (message: Message) => void): Change =>
  ({ messages }) =>
    change(messages[0]);
const set = (name: string, value: unknown): Change => edit((message) => Object.assign(message, { [name]: value }));
const output = (change: (output: Message) => void): Change => edit(({ outputs }) => change(outputs[0]));

const fails =
  (code: number, details = "not here"): Change =>
  (response) =>
    void Object.assign(response, { messages: [], status: code, details });
/** The server answers what it should refuse. */
const takes: Change = (response) => void Object.assign(response, { messages: [{}], status: status.OK, details: "" });
const at =
  (index: number, change: Change): Change =>
  (response, request, now) => {
    if (now === index) change(response, request, now);
  };
const wrongValue: Change = edit((message) => {
  if (message?.outputs === undefined) return;
  const { outputs, raw_output_contents: raw } = message;
  const [{ contents }] = outputs;
  if (contents === undefined) raw[0][raw[0].length - 1] ^= 0x10;
  else contents.fp64_contents[0] += 1;
});

export const grpcMutants: Readonly<Record<string, Change>> = {
  "grpc.infer.status": fails(status.INTERNAL),
  "grpc.infer.model-name": set("model_name", "other"),
  "grpc.infer.model-version": set("model_version", "7"),
  "grpc.infer.version": set("model_version", "2"),
  "grpc.infer.id": set("id", ""),
  "grpc.infer.id-unicode": edit((message) => {
    message.id = Buffer.from(message.id, "latin1").toString("latin1");
  }),
  "grpc.infer.outputs": edit(({ outputs }) => outputs.pop()),
  "grpc.infer.output-one": output((tensor) => {
    tensor.name = "sum";
  }),
  "grpc.infer.output-datatype": output((tensor) => {
    tensor.datatype = "FP32";
  }),
  "grpc.infer.output-shape": output((tensor) => {
    tensor.shape = [1];
  }),
  "grpc.infer.shape-product": output((tensor) => {
    tensor.contents = { fp32_contents: [1] };
  }),
  "grpc.infer.one-form": set("raw_output_contents", [Buffer.alloc(8)]),
  "grpc.infer.values": wrongValue,
  "grpc.infer.input-order": wrongValue,
  "grpc.infer.batch": output((tensor) => tensor.contents.fp64_contents.reverse()),
  "grpc.raw.order": wrongValue,
  "grpc.raw.batch": wrongValue,
  "grpc.errors.unknown-model": fails(status.INTERNAL),
  "grpc.errors.unknown-output": fails(status.UNKNOWN),
  "grpc.errors.datatype-unknown": fails(status.INVALID_ARGUMENT, ""),
  "grpc.errors.goes-on": at(1, fails(status.UNAVAILABLE)),
  "grpc.classification.text": output((tensor) => {
    tensor.contents = { bytes_contents: [Buffer.from("1:0")] };
  }),
  "grpc.server.ServerLive": set("live", false),
  "grpc.server.ServerReady": fails(status.UNAVAILABLE),
  "grpc.server.ModelReady": set("ready", false),
  "grpc.server.ModelReady-version": set("ready", false),
  "grpc.server.ModelReady-unknown-model": (response) =>
    void Object.assign(response, { messages: [{ ready: true }], status: status.OK }),
  "grpc.server.ModelReady-unknown-version": (response) =>
    void Object.assign(response, { messages: [{ ready: true }], status: status.OK }),
  "grpc.metadata.server-name": set("name", "other"),
  "grpc.metadata.server-version": set("version", ""),
  "grpc.metadata.name": set("name", ""),
  "grpc.metadata.versions": set("versions", []),
  "grpc.metadata.platform": set("platform", "other"),
  "grpc.metadata.inputs": edit(({ inputs }) => inputs.reverse()),
  "grpc.metadata.outputs": edit(({ outputs }) => {
    outputs[0].shape = [1];
  }),
  "grpc.metadata.inputs-datatype": edit(({ inputs }) => {
    inputs[0].datatype = "FLOAT";
  }),
  "grpc.metadata.outputs-datatype": edit(({ outputs }) => {
    outputs[0].datatype = "";
  }),
  "grpc.metadata.version": fails(status.NOT_FOUND),
  "grpc.metadata.unknown-model": takes,
  "grpc.metadata.unknown-version": fails(status.UNKNOWN),
  "grpc.config.name": edit(({ config }) => {
    config.name = "";
  }),
  "grpc.config.tensors": edit(({ config }) => config.output.pop()),
  "grpc.config.unknown": takes,
  "grpc.statistics.model": edit((message) => message.model_stats.push({ name: "other" })),
  "grpc.statistics.increments": at(
    2,
    edit(({ model_stats: [stat] }) => {
      stat.inference_count = 0;
    }),
  ),
  "grpc.repository.index": edit(({ models }) => {
    models[0].state = "";
  }),
  "grpc.repository.load-unknown": takes,
  "grpc.repository.unload": at(1, set("ready", true)),
  "grpc.health.check": set("status", "NOT_SERVING"),
  "grpc.health.check-service": set("status", "SERVICE_UNKNOWN"),
  "grpc.health.unknown": fails(status.INVALID_ARGUMENT),
  "grpc.health.watch": set("status", "UNKNOWN"),
  "grpc.reflection.list": edit((message) => message.list_services_response.service.shift()),
  "grpc.reflection.symbol": edit((message) => {
    message.file_descriptor_response.file_descriptor_proto = [];
  }),
  "grpc.reflection.unknown": edit((message) => {
    message.error_response.error_code = 0;
  }),
  "grpc.unknown.method": takes,
  "grpc.unknown.service": fails(status.NOT_FOUND),
  "grpc.stream.reply": edit(({ infer_response: reply }) => {
    reply.outputs[0].contents.fp64_contents[0] += 1;
  }),
  "grpc.stream.each": ({ messages }) => void messages.pop(),
  "grpc.stream.ids": ({ messages }) => {
    messages[1].infer_response.id = "1";
  },
  "grpc.stream.error": (response) => {
    response.messages.pop();
    response.messages.pop();
    Object.assign(response, { status: status.NOT_FOUND, details: "the stream ends" });
  },
  "grpc.wire.content-type": ({ headers }) => {
    headers["content-type"] = "application/octet-stream";
  },
  "grpc.wire.trailers": (response) => {
    response.statusIn = "headers";
  },
  "grpc.wire.suffix": fails(status.INTERNAL),
  "grpc.wire.unknown-field": fails(status.INVALID_ARGUMENT),
  "grpc.wire.split": wrongValue,
  "grpc.wire.damaged": takes,
  "grpc.deadline.passed": fails(status.INVALID_ARGUMENT),
};

/** Families: the first that fits an id without a mutant of its own. */
export const grpcFamilies: readonly (readonly [RegExp, Change])[] = [
  [/^grpc\.(typed|raw)\./, wrongValue],
  [/^grpc\.errors\./, takes],
  [/^grpc\.deadline\./, fails(status.DEADLINE_EXCEEDED)],
];
