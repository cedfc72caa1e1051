/** The reference server on free ports of this machine; mutants change what it sends. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer as createHttp, Server as HttpServer } from "node:http";
import { createServer as createHttp2, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { type MethodDefinition, type ServiceDefinition, status } from "@grpc/grpc-js";
import { loadProtos, type Message } from "../../../conformance/grpc-client.js";
import { framed } from "../../../conformance/grpc-wire.js";
import { caseHeader } from "../../../conformance/http-client.js";
import { answerGrpc, failed, type GrpcResponse } from "./grpc.js";
import { answerHttp, type HttpRequest, type HttpResponse } from "./http.js";
import { ReferenceState } from "./model.js";

export interface GrpcRequest {
  readonly method: string;
  readonly messages: readonly Message[];
}

/** Wrong in one thing: changes the replies to the requests of one case. */
export interface Mutant {
  readonly caseId: string;
  /** @param index - Of the request among those of the case. */
  readonly http?: (response: HttpResponse, request: HttpRequest, index: number) => void;
  readonly grpc?: (response: GrpcResponse, request: GrpcRequest, index: number) => void;
}

export class ReferenceServer {
  readonly url: string;
  readonly grpcAddress: string;
  readonly #servers: readonly Server[];
  readonly #sessions: ReadonlySet<ServerHttp2Session>;
  readonly #mutation: Mutation;

  private constructor(servers: readonly Server[], sessions: ReadonlySet<ServerHttp2Session>, mutation: Mutation) {
    const [http, grpc] = servers.map((server) => (server.address() as AddressInfo).port);
    this.url = `http://127.0.0.1:${http}`;
    this.grpcAddress = `127.0.0.1:${grpc}`;
    this.#servers = servers;
    this.#sessions = sessions;
    this.#mutation = mutation;
  }

  static async start(): Promise<ReferenceServer> {
    const mutation = new Mutation();
    const state = new ReferenceState();
    const sessions = new Set<ServerHttp2Session>();
    const servers = [listenHttp(state, mutation), listenGrpc(state, mutation, sessions)];
    for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
    return new ReferenceServer(servers, sessions, mutation);
  }

  /** From now on the server is wrong in what these mutants change, and in nothing else. */
  become(mutants: readonly Mutant[]): void {
    this.#mutation.become(mutants);
  }

  /** Ends it at once, open connections included. */
  async end(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const server of this.#servers) if (server instanceof HttpServer) server.closeAllConnections();
    await Promise.all(closed);
  }
}

class Mutation {
  #mutants = new Map<string, Mutant>();
  readonly #counts = new Map<string, number>();

  become(mutants: readonly Mutant[]): void {
    this.#mutants = new Map(mutants.map((mutant) => [mutant.caseId, mutant]));
    this.#counts.clear();
  }

  http(caseId: string, response: HttpResponse, request: HttpRequest): HttpResponse {
    const change = this.#mutants.get(caseId)?.http;
    if (change === undefined) return response;
    const changed = { ...response, headers: { ...response.headers }, json: structuredClone(response.json) };
    change(changed, request, this.#next(caseId));
    return changed;
  }

  grpc(caseId: string, response: GrpcResponse, request: GrpcRequest): GrpcResponse {
    const change = this.#mutants.get(caseId)?.grpc;
    if (change === undefined) return response;
    const changed = { ...response, headers: { ...response.headers }, messages: structuredClone(response.messages) };
    change(changed, request, this.#next(caseId));
    return changed;
  }

  /** Which request of its case it is. */
  #next(caseId: string): number {
    const index = this.#counts.get(caseId) ?? 0;
    this.#counts.set(caseId, index + 1);
    return index;
  }
}

function listenHttp(state: ReferenceState, mutation: Mutation): Server {
  return createHttp((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method, url, headers } = incoming;
      const request = { method: method!, path: url!, headers, body: Buffer.concat(chunks) };
      const response = mutation.http(String(headers[caseHeader]), answerHttp(state, request), request);
      const json = Buffer.from(typeof response.json === "string" ? response.json : JSON.stringify(response.json));
      const length = response.binary.length > 0 ? { "inference-header-content-length": String(json.length) } : {};
      outgoing.writeHead(response.status, { ...length, ...response.headers });
      outgoing.end(Buffer.concat([json, response.binary]));
    });
  });
}

function listenGrpc(state: ReferenceState, mutation: Mutation, sessions: Set<ServerHttp2Session>): Server {
  const known = methodsByPath();
  const server = createHttp2();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const path = String(headers[":path"]);
      const definition = known.get(path);
      const messages = definition === undefined ? [] : decode(definition, Buffer.concat(chunks));
      const method = path.slice(1);
      const answer =
        messages === undefined
          ? failed(status.INTERNAL, "the message isn't protobuf")
          : answerGrpc(state, method, messages);
      const response = mutation.grpc(String(headers[caseHeader]), answer, { method, messages: messages ?? [] });
      send(stream, response, definition);
    });
  });
  return server;
}

type Definition = MethodDefinition<Message, Message>;

function methodsByPath(): ReadonlyMap<string, Definition> {
  const methods = Object.values(loadProtos())
    .filter((definition) => !("format" in definition))
    .flatMap((definition) => Object.values(definition as ServiceDefinition));
  return new Map(methods.map((method) => [method.path, method]));
}

/** @returns Undefined for bytes that aren't messages. */
function decode({ requestDeserialize }: Definition, bytes: Buffer): Message[] | undefined {
  const messages: Message[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      messages.push(requestDeserialize(bytes.subarray(at + 5, end)));
      at = end;
    }
  } catch {
    return undefined;
  }
  return messages;
}

function send(stream: ServerHttp2Stream, response: GrpcResponse, definition: Definition | undefined): void {
  if (stream.destroyed) return;
  const { messages, headers, statusIn, ends, details } = response;
  const ending = { "grpc-status": String(response.status), "grpc-message": encodeURIComponent(details) };
  if (messages.length === 0 && ends) {
    stream.respond({ ":status": 200, ...headers, ...ending }, { endStream: true });
    return;
  }
  const inHeaders = statusIn === "headers";
  stream.respond({ ":status": 200, ...headers, ...(inHeaders && ending) }, { waitForTrailers: !inHeaders });
  if (!inHeaders) stream.on("wantTrailers", () => stream.sendTrailers(ending));
  for (const message of messages) stream.write(framed((definition ?? live).responseSerialize(message)));
  if (ends) stream.end();
}

/** Of a method that isn't there: what a mutant answers for it. */
const live = methodsByPath().get("/inference.GRPCInferenceService/ServerLive")!;
