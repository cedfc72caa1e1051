/**
 * A collector that takes every export of traces at once and keeps none. A process of its own: `node otlp-sink.js PORT`.
 */

import { createServer } from "node:http";

let exports = 0;
let bytes = 0;

createServer((request, response) => {
  if (request.method === "GET") {
    response.setHeader("content-type", "application/json").end(JSON.stringify({ exports, bytes }));
    return;
  }
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    exports++;
    // An empty message is OTLP's "all of it was taken".
    response.setHeader("content-type", "application/x-protobuf").end();
  });
}).listen(Number(process.argv[2]), "127.0.0.1");

process.on("SIGTERM", () => process.exit(0));
