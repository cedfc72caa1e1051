/** Every door of a running server that predicts a row, as a client of that door's protocol uses it. */

import { Buffer } from "node:buffer";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import type { Bundle } from "../../bundle/index.js";
import { type Answers, answersOf, patiently, patientMs, predictRows, type Row, type SentRow } from "./golden-rows.js";
import { type GrpcClient, inferRequest, readOutputs } from "./grpc-client.js";
import { post } from "./http-client.js";
import { inferenceService, inferMessage, outputsOf } from "./inference-messages.js";
import { lengthHeader, makeMessage, readReply } from "./open-inference.js";
import { allInBytes, tensorsOfRows } from "./row-tensors.js";
import { toJson } from "./to-json.js";
import { compileProtos, type Loose, TypedMessages } from "./typed-proto.js";

export interface Door {
  readonly name: string;
  /** @throws Error where the door doesn't answer, or for another model, version or request. */
  answer(rows: readonly SentRow[]): Promise<Answers>;
}

export interface DoorOptions {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Of this server; the caller closes it. */
  readonly grpc: GrpcClient;
  readonly bundle: Bundle;
  /** Whether it answers calls that name no model. */
  readonly isDefault: boolean;
}

type Form = "json" | "binary";
const id = "door-1";

export async function openDoors(options: DoorOptions): Promise<readonly Door[]> {
  const { httpPort, bundle } = options;
  const { name } = bundle;
  return [
    { name: "/predict", answer: (rows) => predictRows(httpPort, name, rows) },
    ...(["json", "binary"] as const).flatMap((form) => [v2Door(options, form), grpcDoor(options, form)]),
    ...connectDoors(options),
    ...(await typedDoors(options)),
    ...tableDoors(options, `/v1/models/${name}:predict`, {
      "objects in instances": (rows) => ({ instances: rows }),
      "lists in instances": (rows) => ({ instances: valuesOf(bundle, rows) }),
    }),
    ...(options.isDefault
      ? tableDoors(options, "/invocations", {
          dataframe_records: (rows) => ({ dataframe_records: rows }),
          dataframe_split: (rows) => ({
            dataframe_split: {
              columns: bundle.rowSchema.features.map((feature) => feature.name),
              data: valuesOf(bundle, rows),
            },
          }),
        })
      : []),
  ];
}

const rowsOf = (rows: readonly SentRow[]) => rows.map(({ row }) => row);

const tensorsOf = ({ rowSchema }: Bundle, rows: readonly SentRow[], form: Form) =>
  tensorsOfRows(rowSchema.features, rowsOf(rows), form);

const valuesOf = ({ rowSchema }: Bundle, rows: readonly Row[]) =>
  rows.map((row) => rowSchema.features.map(({ name }) => row[name] ?? null));

/** @throws Error unless the reply names what was asked. */
function checkReply({ name, version }: Bundle, ...of: readonly unknown[]): void {
  const wanted = [name, String(version), id];
  if (of.join() !== wanted.join()) throw new Error(`expected a reply of ${wanted}, got one of ${of}`);
}

function v2Door({ httpPort, bundle }: DoorOptions, form: Form): Door {
  return {
    name: `V2 over HTTP, ${form}`,
    async answer(rows) {
      const parameters = { binary_data_output: form === "binary" };
      const { body, header } = makeMessage(tensorsOf(bundle, rows, form), { id, parameters });
      const response = await fetch(`http://127.0.0.1:${httpPort}/v2/models/${bundle.name}/infer`, {
        method: "POST",
        body: new Uint8Array(body),
        headers: { ...patiently, ...(header !== "" && { [lengthHeader]: header }) },
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      if (response.status !== 200) throw new Error(bytes.toString());
      const reply = readReply(bytes, response.headers.get(lengthHeader) ?? undefined);
      checkReply(bundle, reply.model_name, reply.model_version, reply.id);
      return answersOf(reply.outputs);
    },
  };
}

function grpcDoor({ grpc, bundle }: DoorOptions, form: Form): Door {
  return {
    name: `V2 over gRPC, ${form === "json" ? "contents" : "raw"}`,
    async answer(rows) {
      const tensors = tensorsOf(bundle, rows, form);
      const request = inferRequest(form === "json" ? tensors : allInBytes(tensors), { model_name: bundle.name, id });
      const { reply, error } = await grpc.call("ModelInfer", request, { deadline: Date.now() + patientMs });
      if (error) throw error;
      checkReply(bundle, reply.model_name, reply.model_version, reply.id);
      return answersOf(readOutputs(reply));
    },
  };
}

function connectTransport(httpPort: number, form: string) {
  const baseUrl = `http://127.0.0.1:${httpPort}`;
  return createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: form === "proto" });
}

function connectDoors({ httpPort, bundle }: DoorOptions): Door[] {
  return ["proto", "json"].flatMap((encoding) => {
    const client = createClient(inferenceService, connectTransport(httpPort, encoding)) as Loose;
    return (["json", "binary"] as const).map((form) => ({
      name: `V2 by Connect in ${encoding}, ${form === "json" ? "contents" : "raw"}`,
      async answer(rows: readonly SentRow[]) {
        const tensors = tensorsOf(bundle, rows, form);
        const inputs = form === "json" ? tensors : allInBytes(tensors);
        const reply = await client.modelInfer(inferMessage(inputs, { modelName: bundle.name, id }), {
          timeoutMs: patientMs,
        });
        checkReply(bundle, reply.modelName, reply.modelVersion, reply.id);
        return answersOf(outputsOf(reply));
      },
    }));
  });
}

/** Clients of the proto as the server gives it. */
async function typedDoors({ httpPort, grpcPort, bundle }: DoorOptions): Promise<Door[]> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/models/${bundle.name}/proto`);
  const messages = new TypedMessages(compileProtos([await response.text()]), bundle.name);
  const transports = {
    "Connect in proto": connectTransport(httpPort, "proto"),
    "Connect in json": connectTransport(httpPort, "json"),
    gRPC: createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }),
  };
  return Object.entries(transports).map(([by, transport]) => {
    const client = createClient(messages.service, transport) as Loose;
    return {
      name: `the typed proto by ${by}`,
      async answer(rows) {
        const request = messages.request(rowsOf(rows), bundle.rowSchema.features, { requestId: id });
        const reply = await client.predict(request, { timeoutMs: patientMs });
        checkReply(bundle, reply.model, reply.version, reply.requestId);
        const predictions = reply.predictions.map(({ value }: Loose) => value);
        const probabilities = reply.predictions.map((one: Loose) => Object.values(one.probabilities ?? {}));
        return { predictions, ...(probabilities[0].length > 0 && { probabilities }) };
      },
    };
  });
}

function tableDoors(
  { httpPort, bundle }: DoorOptions,
  path: string,
  writers: Readonly<Record<string, (rows: readonly Row[]) => object>>,
): Door[] {
  const hasProbabilities = bundle.postprocessing.outputs.some(({ name }) => name === "probabilities");
  const fields = ["prediction", "probabilities"];
  return Object.entries(writers).map(([form, write]) => ({
    name: `${path}, ${form}`,
    async answer(rows) {
      const asked = hasProbabilities ? { [path === "/invocations" ? "params" : "parameters"]: { fields } } : {};
      const body = toJson({ ...write(rowsOf(rows)), ...asked });
      const { status, json, text } = await post(httpPort, path, body, { headers: patiently });
      if (status !== 200) throw new Error(`${status} ${text}`);
      if (!hasProbabilities) return { predictions: json.predictions };
      return {
        predictions: json.predictions.map(({ prediction }: Loose) => prediction),
        probabilities: json.predictions.map((one: Loose) => Object.values(one.probabilities)),
      };
    },
  }));
}
