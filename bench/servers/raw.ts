/**
 * The raw limit: how fast this machine can take a JSON request and give a JSON answer through uWebSockets.js when
 * nothing is checked and nothing is computed. A process of its own: `node raw.js PORT`.
 */

import uWS from "uWebSockets.js";

const json = "application/json";

uWS
  .App()
  .post("/predict", (response) => {
    const chunks: Buffer[] = [];
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    response.onData((bytes, isLast) => {
      // The bytes are only lent until this callback returns. A small body comes in one piece and is parsed within it.
      if (!isLast) return void chunks.push(Buffer.from(bytes.slice(0)));
      const last = Buffer.from(bytes);
      const row: unknown = JSON.parse((chunks.length === 0 ? last : Buffer.concat([...chunks, last])).toString());
      if (aborted) return;
      const answer = JSON.stringify({ prediction: (row as { feature_price?: number }).feature_price ?? 0 });
      response.cork(() => response.writeHeader("content-type", json).end(answer));
    });
  })
  .get("/health/ready", (response) => {
    response.end("ready");
  })
  .listen("127.0.0.1", Number(process.argv[2]), (socket) => {
    if (!socket) process.exit(1);
  });

process.on("SIGTERM", () => process.exit(0));
