/** A plain HTTP server on a free port of this machine, for the tests to shoot at. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface TestServer {
  readonly port: number;
  readonly url: string;
  /** Bodies of the requests so far. */
  readonly bodies: string[];
  /** Connections taken so far. */
  connections(): number;
  /** Ends it at once, open connections included. */
  end(): Promise<void>;
}

export async function startTestServer(
  answer: (response: ServerResponse, body: string, request: IncomingMessage, server: Server) => void,
): Promise<TestServer> {
  const bodies: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      bodies.push(body);
      answer(response, body, request, server);
    });
  });
  server.on("connection", () => {
    connections++;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/predict`,
    bodies,
    connections: () => connections,
    end: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers any row with a prediction. */
export function answerOne(response: ServerResponse): void {
  response.setHeader("content-type", "application/json").end('{"prediction":1}');
}
