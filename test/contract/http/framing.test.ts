/**
 * Goal: whatever bytes arrive, the server answers by the book or ends that one connection, and goes on serving the
 * others.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ask, post } from "../../support/http-client.js";
import { members } from "../../support/http-members.js";
import { metric } from "../../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../../support/model-store.js";
import { RawConnection } from "../../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../../support/server-process.js";
import { body, chunk, chunked, head, length, requestCases } from "./requests.cases.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

describe.each(members)("$build", ({ name, build }) => {
  let server: ServerProcess;
  let connection: RawConnection;

  beforeAll(async () => {
    server = await startServer(store.directory, "--http", name);
  });

  beforeEach(async () => {
    connection = await RawConnection.open(server.httpPort);
  });

  // Whatever was done to the server: the next caller is served, and nothing is left over from the one before.
  afterEach(async () => {
    connection.destroy();
    const answer = await post(server.httpPort, "/predict", { value: 2.5 });
    expect(answer.json).toMatchObject({ prediction: 2.5, model: "echo", version: 1 });
    await expect.poll(() => metric(server, "plumb_calls_in_flight"), { interval: 5 }).toBe(0);
  });

  describe("a request whose framing two readers could read in two ways", () => {
    const ambiguous = requestCases.filter(
      ({ name }) => /length|coding|chunked twice|two hosts/.test(name) && !/longer/.test(name),
    );
    const refused = ambiguous.filter(({ outcome }) =>
      (typeof outcome === "string" ? outcome : outcome[build]).startsWith("4"),
    );

    test.each(refused)(
      "($name) ends its connection, and what follows in the same segment is no request",
      async ({ bytes }) => {
        await connection.write(`${bytes}GET /health/live HTTP/1.1\r\nhost: plumb\r\n\r\n`);
        await connection.closed;
        expect(connection.received.toString()).not.toMatch(/prediction|"live"/);
      },
    );

    test("is told so", async () => {
      await connection.write(`${head}transfer-encoding: gzip, chunked\r\n\r\n${chunk(body)}0\r\n\r\n`);
      const reply = await connection.reply();
      expect([reply.status, reply.headers.get("connection")]).toEqual([400, "close"]);
      expect(reply.json.error).toMatchObject({
        code: "invalid_request",
        issues: [],
        request_id: reply.headers.get("x-request-id"),
      });
      expect(reply.json.error.message).toMatch(/framing/);
    });
  });

  test("a bearer token of 8 KiB is taken, however its bytes arrive", async () => {
    await connection.write(`${head}authorization: Bearer ${"a".repeat(5_000)}`);
    await ask(server.httpPort, "/health/live");
    await connection.write(`${"a".repeat(3_000)}\r\n${length}\r\n${body}`);
    expect((await connection.reply()).json.prediction).toBe(1);
  });

  describe("chunks", () => {
    test("are put together, whatever their size", async () => {
      for (const size of [1, 3, body.length]) {
        const chunks = body.match(new RegExp(`.{1,${size}}`, "g"))!.map(chunk);
        await connection.write(
          `${head}transfer-encoding: ${size === 1 ? "Chunked" : "chunked"}\r\n\r\n${chunks.join("")}0\r\n\r\n`,
        );
        expect((await connection.reply()).json.prediction).toBe(1);
      }
    });

    test("and a body by its length, and headers, may arrive byte by byte", async () => {
      const [requestLine, ...rest] = `${head}${length}\r\n${body}`.split("\n");
      await connection.write(`${requestLine}\n`);
      for (const byte of rest.join("\n")) await connection.write(byte);
      expect((await connection.reply()).json.prediction).toBe(1);
    });

    // uWebSockets.js's build for Node 20 takes half a request line for another protocol. Clients send it in one
    // segment.
    test("and a request line may arrive in two pieces", async () => {
      await connection.write(head.slice(0, 10));
      await ask(server.httpPort, "/health/live");
      await connection.write(`${head.slice(10)}${length}\r\n${body}`);
      expect((await connection.reply()).status).toBe(build === "uws2024" ? 505 : 200);
    });
  });

  test("Expect: 100-continue is answered before the body, and the body then as always", async () => {
    await connection.write(`${head}expect: 100-continue\r\n${length}\r\n`);
    const interim = await connection.reply();
    expect(interim.status).toBe(100);
    await connection.write(body);
    expect((await connection.reply()).json.prediction).toBe(1);
  });

  describe("one connection", () => {
    test("serves as many requests as come one by one", async () => {
      for (let i = 0; i < 50; i++) {
        await connection.write(`${head}${length}\r\n${body}`);
        expect((await connection.reply()).json.prediction).toBe(1);
      }
    });

    test("answers pipelined requests that need no waiting, in their order", async () => {
      const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: plumb\r\n\r\n`;
      await connection.write(`${get("/health/live")}${get("/nowhere")}${get("/health/ready")}`);
      expect((await connection.reply()).json).toEqual({ live: true });
      expect((await connection.reply()).status).toBe(404);
      expect((await connection.reply()).json).toEqual({ ready: true });
    });

    test("answers pipelined predictions in their order, or not at all", async () => {
      const abandonedBefore = await metric(server, "plumb_requests_total", { result: "abandoned" });
      const values = [1, 22, 333, 4444];
      const predict = (value: number) =>
        `${head}content-length: ${`{"value":${value}}`.length}\r\n\r\n{"value":${value}}`;
      await connection.write(`${values.map(predict).join("")}GET /health/live HTTP/1.1\r\nhost: plumb\r\n\r\n`);
      if (name === "node") {
        for (const value of values) expect((await connection.reply()).json.prediction).toBe(value);
        expect((await connection.reply()).json).toEqual({ live: true });
        return;
      }
      // uWebSockets.js drops the first when the second comes, and closes: documented for callers.
      await connection.closed;
      expect(connection.received.toString()).toBe("");
      expect(await metric(server, "plumb_requests_total", { result: "abandoned" })).toBeGreaterThan(abandonedBefore);
    });

    test("that turns to something else after a good request answers that one, and ends", async () => {
      await connection.write(`${head}${length}\r\n${body}\x00\x01 no request\r\n\r\n`);
      if (name === "node") {
        expect((await connection.reply()).json.prediction).toBe(1);
        expect((await connection.reply()).json.error.code).toBe("invalid_request");
      }
      // uWebSockets.js loses the prediction.
      else
        expect((await connection.replyOrEnd()) === "end" || connection.received.toString()).not.toContain("prediction");
      await connection.closed;
    });

    test("survives bodies that nobody reads, of a GET or for an address that isn't there", async () => {
      await connection.write(`GET /models/echo HTTP/1.1\r\nhost: plumb\r\n${length}\r\n${body}`);
      expect((await connection.reply()).json.name).toBe("echo");
      await connection.write(`GET /health/live HTTP/1.1\r\nhost: plumb\r\n${chunked}`);
      expect((await connection.reply()).json).toEqual({ live: true });
      await connection.write(`POST /nowhere HTTP/1.1\r\nhost: plumb\r\n${length}\r\n${body}`);
      expect((await connection.reply()).status).toBe(404);
      await connection.write(`${head}${length}\r\n${body}`);
      expect((await connection.reply()).json.prediction).toBe(1);
    });

    test("isn't upgraded to another protocol", async () => {
      const upgrade =
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";
      await connection.write(`GET /models HTTP/1.1\r\nhost: plumb\r\n${upgrade}\r\n`);
      const reply = await connection.reply();
      expect([reply.status, reply.json.models[0].name]).toEqual([200, "echo"]);
    });

    test("answers a request before the line break that some clients send after its body", async () => {
      await connection.write(`${head}${length}\r\n${body}\r\n`);
      expect((await connection.reply()).json.prediction).toBe(1);
    });

    test("closes after the reply when the caller asks for it", async () => {
      await connection.write(`${head}connection: close\r\n${length}\r\n${body}`);
      expect((await connection.reply()).json.prediction).toBe(1);
      expect(await connection.closed).toBe("end");
    });
  });

  describe("what is echoed", () => {
    const echoed = async (id: string | Buffer) => {
      await connection.write(
        Buffer.concat([Buffer.from(`${head}${length}x-request-id: `), Buffer.from(id), Buffer.from(`\r\n\r\n${body}`)]),
      );
      const reply = await connection.reply();
      expect(reply.json.prediction).toBe(1);
      return { header: reply.headers.get("x-request-id"), body: reply.json.request_id as string };
    };

    test("is a request id of harmless characters", async () => {
      for (const id of ["a", "0123-abc_DEF.x:y@z/+=", "x".repeat(128)])
        expect(await echoed(id)).toEqual({ header: id, body: id });
    });

    test("is not an id with any other character, nor one that is too long: the request gets one of ours", async () => {
      for (const id of ["", "a b", "a\tb", 'a"b', "a\\b", "a<b>", "a;b", "a%0d%0ab", "x".repeat(129), "caf\u00e9s"]) {
        const { header, body } = await echoed(id);
        expect(header).toBeUndefined();
        expect(body).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
      }
    });

    test("has only harmless characters even where the library drops what isn't ASCII from the end", async () => {
      for (const bytes of [Buffer.from("caf\xe9", "latin1"), Buffer.from("caf\u00e9"), Buffer.from("\u{1f4a9}")]) {
        const { header, body } = await echoed(bytes);
        expect(header ?? "").toMatch(/^[a-z]*$/);
        expect(body).toMatch(/^[0-9a-z-]+$/);
      }
    });
  });

  describe("an address", () => {
    const get = async (path: string) => {
      await connection.write(Buffer.from(`GET ${path} HTTP/1.1\r\nhost: plumb\r\n\r\n`, "latin1"));
      return await connection.reply();
    };

    test("is read percent-decoded, once, and without its query", async () => {
      expect((await get("/models/%65cho")).json.name).toBe("echo");
      expect((await get("/models/echo?of=%zz#x")).json.name).toBe("echo");
      expect((await get("/models/%2565cho")).json.error).toMatchObject({ code: "model_not_found" });
    });

    const cases: [string, number, string][] = [
      ["/models/%zz", 400, "invalid_request"],
      ["/models/%ff%fe", 400, "invalid_request"],
      ["/models/%c0%ae", 400, "invalid_request"],
      ["/models/%", 400, "invalid_request"],
      ["/models/%00", 404, "model_not_found"],
      ["/models/..%2f..%2fetc%2fpasswd", 404, "model_not_found"],
      ["/models/", 404, "route_not_found"],
      ["/models/../health/live", 404, "route_not_found"],
      ["/models%2Fecho", 404, "route_not_found"],
      ["//models", 404, "route_not_found"],
      ["/models#echo", 404, "route_not_found"],
      ["//", 404, "route_not_found"],
      ["/metrics", 404, "route_not_found"],
    ];
    test.each(cases)("%s is %i %s", async (path, status, code) => {
      const reply = await get(path);
      expect(reply.status).toBe(status);
      expect(reply.headers.get("content-type")).toBe("application/json");
      expect(reply.json.error).toMatchObject({ code, issues: [], request_id: reply.headers.get("x-request-id") });
    });
  });

  test("an address of any length is refused in a few words", async () => {
    const answer = await ask(server.httpPort, `/${"a".repeat(3_000)}`);
    expect(answer.json.error.code).toBe("route_not_found");
    expect(answer.json.error.message.length).toBeLessThan(400);
  });

  describe("a verb that isn't served", () => {
    const cases: [string, string, string][] = [
      ["GET", "/predict", "POST"],
      ["PUT", "/predict", "POST"],
      ["DELETE", "/models/echo/predict", "POST"],
      ["OPTIONS", "/models/echo/versions/1/predict", "POST"],
      ["TRACE", "/predict", "POST"],
      ["PATCH", "/predict", "POST"],
      ["POST", "/models", "GET, HEAD"],
      ["DELETE", "/models/echo", "GET, HEAD"],
      ["POST", "/", "GET, HEAD"],
      ["POST", "/health/live", "GET, HEAD"],
      ["OPTIONS", "/health/ready", "GET, HEAD"],
    ];
    test.each(cases)("%s %s is 405, and says that %s is", async (verb, path, allowed) => {
      await connection.write(`${verb} ${path} HTTP/1.1\r\nhost: plumb\r\n\r\n`);
      const reply = await connection.reply();
      expect(reply.status).toBe(405);
      expect(reply.headers.get("allow")).toBe(allowed);
      expect(reply.json.error).toMatchObject({
        code: "method_not_allowed",
        issues: [],
        request_id: reply.headers.get("x-request-id"),
      });
    });

    test("is refused without reading on: its body is dropped, and the connection goes on", async () => {
      await connection.write(
        `PUT /predict HTTP/1.1\r\nhost: plumb\r\ncontent-length: 100000\r\n\r\n${"a".repeat(100_000)}`,
      );
      expect((await connection.reply()).status).toBe(405);
      await connection.write(`${head}${length}\r\n${body}`);
      expect((await connection.reply()).json.prediction).toBe(1);
    });
  });

  describe("HEAD", () => {
    test.each(["/models", "/models/echo", "/health/live", "/health/ready"])(
      "of %s is GET without the body",
      async (path) => {
        const whole = await ask(server.httpPort, path);
        const headOnly = await ask(server.httpPort, path, { method: "HEAD" });
        expect(headOnly.status).toBe(whole.status);
        expect(headOnly.text).toBe("");
        expect(headOnly.headers["content-length"]).toBe(String(Buffer.byteLength(whole.text)));
        expect(headOnly.headers["content-type"]).toBe(whole.headers["content-type"]);
      },
    );

    test("of an address that isn't there is 404 without a body", async () => {
      const answer = await ask(server.httpPort, "/nowhere", { method: "HEAD" });
      expect([answer.status, answer.text]).toEqual([404, ""]);
    });
  });
});
