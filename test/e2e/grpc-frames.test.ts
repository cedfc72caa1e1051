/** Goal: however a caller cuts its bytes into frames, and however many streams it throws away, others are served. */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { definitions, GrpcClient, inferRequest, readOutputs } from "../support/grpc-client.js";
import { metric } from "../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const method = "/inference.GRPCInferenceService/ModelInfer";
const patiently = { interval: 20, timeout: 20_000 };

let store: ModelStore;
let server: ServerProcess;
let port: number;
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  store = await writeStore(echoModel());
  server = await startServer(store.directory, "--grpc-port", "0");
  port = (await server.untilLogged(({ message }) => message === "ready")).grpc_port as number;
});

afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

function openSession(): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  // A server may end a session that floods it.
  session.on("error", () => {});
  sessions.push(session);
  return session;
}

function openStream(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": method,
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-timeout": "60S",
  });
  stream.on("error", () => {});
  return stream;
}

/** A message with its frame of gRPC. */
function framed(value: number): Buffer {
  const request = inferRequest([{ name: "value", datatype: "FP64", shape: [1], data: [value] }], {
    model_name: "echo",
  });
  const service = definitions["inference.GRPCInferenceService"] as unknown as {
    readonly ModelInfer: { requestSerialize(message: object): Buffer };
  };
  const message = service.ModelInfer.requestSerialize(request);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** `grpc-status` of the stream's end, wherever it stands. */
function statusOf(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    stream.on("response", (headers) => headers["grpc-status"] && resolve(String(headers["grpc-status"])));
    stream.on("trailers", (headers) => resolve(String(headers["grpc-status"])));
    stream.on("close", () => resolve("closed"));
    stream.resume();
  });
}

async function isServed(): Promise<void> {
  const client = new GrpcClient(port);
  const { reply, error } = await client.call(
    "ModelInfer",
    inferRequest([{ name: "value", datatype: "FP64", shape: [1], data: [5] }], { model_name: "echo" }),
    { deadline: Date.now() + 60_000 },
  );
  client.close();
  expect(error).toBeUndefined();
  expect(readOutputs(reply)[0]!.data).toEqual([5]);
}

test("a message in frames of one byte is read as any other", async () => {
  const stream = openStream(openSession());
  const status = statusOf(stream);
  for (const byte of framed(3)) await new Promise<void>((resolve) => stream.write(Buffer.of(byte), () => resolve()));
  stream.end();
  expect(await status).toBe("0");
});

test("streams that are reset in their thousands hold nothing, and others are served meanwhile", async () => {
  const message = framed(3);
  for (let wave = 0; wave < 10; wave++) {
    const session = openSession();
    for (let i = 0; i < 200; i++) {
      const stream = openStream(session);
      // Some with a whole message, some with half of one, some with none.
      if (i % 3 > 0) stream.write(i % 3 === 1 ? message : message.subarray(0, 9));
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await isServed();
  }
  for (const gauge of ["plumb_calls_in_flight", "plumb_bytes_in_flight"])
    await expect.poll(() => metric(server, gauge), patiently).toBe(0);
  await isServed();
});

test("a message that says to be larger than any may be is refused before it is there", async () => {
  const stream = openStream(openSession());
  const status = statusOf(stream);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(2 ** 31, 1);
  stream.write(head);
  // RESOURCE_EXHAUSTED
  expect(await status).toBe("8");
  await isServed();
});
