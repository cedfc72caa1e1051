/**
 * The bare limit of node:http: how fast it takes a JSON request and gives a JSON answer when nothing is checked and
 * nothing is computed, as `raw.ts` does with uWebSockets.js. A process of its own: `node node-http.js PORT`.
 */

import { createServer } from "node:http";

createServer((request, response) => {
  if (request.url !== "/predict") {
    response.end("ready");
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (bytes: Buffer) => chunks.push(bytes));
  request.on("end", () => {
    const row = JSON.parse((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString()) as {
      feature_price?: number;
    };
    const answer = JSON.stringify({ prediction: row.feature_price ?? 0 });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
    response.end(answer);
  });
}).listen(Number(process.argv[2]), "127.0.0.1");

process.on("SIGTERM", () => process.exit(0));
