/** A closed loop of gRPC calls: some connections, some streams on each, every stream's next call once its last is answered. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:http2";

export interface GrpcLoad {
  readonly port: number;
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string;
  /** Taken in turn. */
  readonly messages: readonly Buffer[];
  readonly connections: number;
  readonly streams: number;
  readonly durationS: number;
}

/** @throws Error for a call that isn't answered with status 0: its speed would mean nothing. */
export async function grpcCallsPerSecond(load: GrpcLoad): Promise<number> {
  const { port, path, messages, connections, streams, durationS } = load;
  const framed = messages.map(frame);
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const sessions = Array.from({ length: connections }, () => connect(`http://127.0.0.1:${port}`));
  await Promise.all(sessions.map((session) => once(session, "connect")));
  let next = 0;
  let answered = 0;
  const startMs = performance.now();
  const endMs = startMs + durationS * 1000;
  const call = (session: (typeof sessions)[number]) =>
    new Promise<void>((resolve, reject) => {
      const stream = session.request(headers);
      let status: unknown;
      let bytes = 0;
      stream.on("response", (got) => (status ??= got["grpc-status"]));
      stream.on("trailers", (got) => (status ??= got["grpc-status"]));
      stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
      stream.on("error", reject);
      stream.on("close", () => {
        if (String(status) !== "0" || bytes === 0) reject(new Error(`${path} answered with status ${status}`));
        else resolve();
      });
      stream.end(framed[next++ % framed.length]!);
    });
  const loop = async (session: (typeof sessions)[number]) => {
    while (performance.now() < endMs) {
      await call(session);
      answered++;
    }
  };
  try {
    await Promise.all(sessions.flatMap((session) => Array.from({ length: streams }, () => loop(session))));
    return (answered * 1000) / (performance.now() - startMs);
  } finally {
    for (const session of sessions) session.destroy();
  }
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
