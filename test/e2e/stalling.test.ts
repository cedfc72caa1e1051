/**
 * Goal: a client that stalls is cut off, and holds nothing meanwhile that others need.
 *
 * A silent connection is cut after 8 to 12 seconds, and no setting changes that, so this waits as long: once, for all
 * of them.
 */

import { afterAll, beforeAll, test } from "vitest";
import { post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { metric } from "../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, startServer } from "../support/server-process.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel({ limits: { rows_max: 1_000_000, body_bytes_max: 64 * 1_048_576 } }));
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

const head = "POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\n";

/** Everything that a client can begin and not go on with. */
const stalls: Record<string, string> = {
  "not a byte": "",
  "half a request line": "POST /pre",
  "half the headers": `${head}x-a: `,
  "no body": `${head}content-length: 100\r\n\r\n`,
  "half a body": `${head}content-length: 100\r\n\r\n{"value"`,
  "half a chunk": `${head}transfer-encoding: chunked\r\n\r\n64\r\n{"value"`,
  "no last chunk": `${head}transfer-encoding: chunked\r\n\r\nb\r\n{"value":1}\r\n`,
};

// Of tests that run side by side each has an `expect` of its own.
test.concurrent.for(members)(
  "$build: clients that stall are cut off, and those that are well are served all the while",
  async ({ name }, { expect }) => {
    const server = await startServer(store.directory, "--http", name);
    const connections = new Map<string, RawConnection>();
    for (const [name, bytes] of Object.entries(stalls)) {
      const connection = await RawConnection.open(server.httpPort);
      await connection.write(bytes);
      connections.set(name, connection);
    }
    // A body that trickles: a byte now and then keeps nobody waiting for ever.
    const trickle = connections.get("half a body")!;
    const trickling = setInterval(() => void trickle.write(" "), 500);
    // A connection that is kept open after its reply.
    const kept = await RawConnection.open(server.httpPort);
    await kept.write(`${head}content-length: 11\r\n\r\n{"value":1}`);
    expect((await kept.reply()).json.prediction).toBe(1);
    connections.set("nothing more after a reply", kept);
    // A caller that doesn't read its reply, which is larger than the system's buffers.
    const deaf = await RawConnection.open(server.httpPort);
    const rows = JSON.stringify({
      rows: Array.from({ length: 500_000 }, (_, i) => ({ value: Math.fround(Math.sin(i)) })),
    });
    deaf.socket.pause();
    await deaf.write(`${head}content-length: ${rows.length}\r\n\r\n`);
    await deaf.write(rows);

    let areCutOff = false;
    const cutOff = Promise.all([...connections.values()].map(({ closed }) => closed)).then(() => {
      areCutOff = true;
    });
    let served = 0;
    while (!areCutOff) {
      const { json } = await post(server.httpPort, "/predict", { value: served });
      expect(json.prediction).toBe(served++);
      // Two of three turns are left to the others of this machine.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await cutOff;
    clearInterval(trickling);
    expect(served).toBeGreaterThan(50);
    for (const [name, connection] of connections)
      expect([name, connection.received.toString("latin1").slice(0, 40)]).toEqual([
        name,
        expect.stringMatching(/^$|^HTTP\/1\.1 (4\d\d|505) /),
      ]);
    await expect.poll(() => metric(server, "plumb_connections"), { interval: 50, timeout: 20_000 }).toBe(0);
    expect(await metric(server, "plumb_calls_in_flight")).toBe(0);
    expect(await metric(server, "plumb_bytes_in_flight")).toBe(0);
    // The bodies that never came whole; node:http says so, of heads too.
    const counts = async (result: string) => await metric(server, "plumb_requests_total", { result });
    expect([await counts("abandoned"), await counts("request_timeout")]).toEqual(name === "uws" ? [4, 0] : [0, 6]);
    expect(await counts("ok")).toBe(served + 2);
    deaf.destroy();
  },
);
