/** What node:http2 can do alone: a gRPC service that answers each message with itself. Arguments: the port of gRPC, that of health. */

import { Buffer } from "node:buffer";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:http2";

const [port, healthPort] = process.argv.slice(2).map(Number) as [number, number];

const server = createServer();
server.on("stream", (stream) => {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  });
});
server.listen(port, "127.0.0.1", () => {
  createHttp((_request, response) => response.end("{}")).listen(healthPort, "127.0.0.1");
});
process.once("SIGTERM", () => process.exit(0));
