/** What a case asks the server through: each request of it carries the case's id. */

import type { GrpcAnswer, GrpcClient } from "./grpc-client.js";
import type { GrpcWire, WireCall, WireReply } from "./grpc-wire.js";
import type { HttpClient, HttpMessage, HttpReply } from "./http-client.js";
import type { ModelFacts } from "./model.js";
import { lengthHeader, type Members, type Output, readInfer } from "./reply.js";
import { type BinaryMessage, binaryMessage } from "./requests.js";
import { contentsOf, jsonInput, type Tensor } from "./tensors.js";

export interface Clients {
  readonly http: HttpClient;
  readonly grpc: GrpcClient | undefined;
  readonly wire: GrpcWire | undefined;
}

export interface ProbeOptions {
  /** The model may be unloaded and loaded again. */
  readonly mayUnload: boolean;
}

/** No server has such a model, version, tensor or address. */
export const unknownName = "conformance-no-such-name";
export const unknownVersion = "987654321";

export class Probe {
  readonly caseId: string;
  readonly model: ModelFacts;
  readonly options: ProbeOptions;
  readonly #clients: Clients;

  constructor(caseId: string, model: ModelFacts, clients: Clients, options: ProbeOptions) {
    this.caseId = caseId;
    this.model = model;
    this.options = options;
    this.#clients = clients;
  }

  /** `v2/models/NAME` */
  get address(): string {
    return `v2/models/${encodeURIComponent(this.model.name)}`;
  }

  /** `v2/models/NAME/versions/V`, of the first that the metadata list. */
  get versionAddress(): string {
    return `${this.address}/versions/${encodeURIComponent(this.model.versions[0]!)}`;
  }

  async send(method: string, path: string, message?: HttpMessage): Promise<HttpReply> {
    return await this.#clients.http.send(this.caseId, method, path, message);
  }

  async get(path: string): Promise<HttpReply> {
    return await this.send("GET", path);
  }

  async post(path: string, body: unknown, message: HttpMessage = {}): Promise<HttpReply> {
    const headers = { "content-type": "application/json", ...message.headers };
    return await this.send("POST", path, {
      ...message,
      headers,
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** A request of one row in JSON. */
  request(members: Members = {}, tensors: readonly Tensor[] = this.model.row): Members {
    return { inputs: tensors.map(jsonInput), ...members };
  }

  async infer(members: Members = {}, tensors?: readonly Tensor[], message?: HttpMessage): Promise<HttpReply> {
    return await this.post(`${this.address}/infer`, this.request(members, tensors), message);
  }

  /** A request that was changed from a good one. */
  async inferText(body: string | Members): Promise<HttpReply> {
    return await this.post(`${this.address}/infer`, body);
  }

  /** A good request whose first input was changed. */
  async inferFirst(change: (input: Members) => Members): Promise<HttpReply> {
    const [first, ...rest] = this.model.row.map(jsonInput);
    return await this.inferText({ inputs: [change(first!), ...rest] });
  }

  async inferBinary({ body, length }: BinaryMessage, headers: HttpMessage["headers"] = {}): Promise<HttpReply> {
    return await this.send("POST", `${this.address}/infer`, {
      body,
      headers: { "content-type": "application/octet-stream", [lengthHeader]: length, ...headers },
    });
  }

  /** What the model answers to a row, with which other forms of the same request are compared. */
  async answerTo(tensors: readonly Tensor[]): Promise<readonly Output[]> {
    const hasJson = tensors.every(({ datatype }) => datatype !== "FP16");
    const members = { parameters: { binary_data_output: true } };
    const reply = hasJson ? this.infer({}, tensors) : this.inferBinary(binaryMessage(tensors, members));
    return readInfer(await reply).outputs;
  }

  async call(method: string, message: object = {}, as?: string): Promise<GrpcAnswer> {
    return await this.#clients.grpc!.call(this.caseId, method, message, as);
  }

  async stream(method: string, messages: readonly object[], count?: number) {
    return await this.#clients.grpc!.stream(this.caseId, method, messages, count);
  }

  /** A request with typed contents. */
  grpcRequest(members: object = {}, tensors: readonly Tensor[] = this.model.row): Members {
    const inputs = tensors.map(({ name, datatype, shape, values }) => ({
      name,
      datatype,
      shape,
      contents: contentsOf({ datatype, values }),
    }));
    return { model_name: this.model.name, inputs, ...members };
  }

  encode(method: string, message: object): Buffer {
    return this.#clients.grpc!.encode(method, message);
  }

  decode(method: string, bytes: Buffer): Members {
    return this.#clients.grpc!.decode(method, bytes);
  }

  async wire(call: WireCall): Promise<WireReply> {
    return await this.#clients.wire!.call(this.caseId, call);
  }
}
