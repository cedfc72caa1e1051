/**
 * Goal: a client that believes /openapi.json is right: every example in it is answered, and every reply, errors too, is
 * as the document says.
 */

import { Agent } from "node:http";
import { fileURLToPath } from "node:url";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, ask, post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });

// biome-ignore lint/suspicious/noExplicitAny: the document as a client reads it.
type Document = any;

let server: ServerProcess;
let document: Document;

beforeAll(async () => {
  server = await startServer(models, "--default-model", "demand", "--access-log", "off");
  document = (await ask(server.httpPort, "/openapi.json")).json;
  ajv.addSchema(document, "openapi");
});

afterAll(endServers);

const pointer = (...keys: readonly string[]) =>
  keys.map((key) => `/${encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

/** Follows a reference. @returns The part, and where it stands. */
function at(...keys: readonly string[]): { part: Document; keys: readonly string[] } {
  const part = keys.reduce<Document>((whole, key) => whole?.[key], document);
  return part?.$ref === undefined ? { part, keys } : at(...part.$ref.slice(2).split("/"));
}

/** What is wrong with a value by the schema that stands there. */
function faults(value: unknown, ...keys: readonly string[]): unknown {
  const check = ajv.getSchema(`openapi#${pointer(...keys)}`)!;
  return check(value) ? [] : check.errors;
}

interface Operation {
  readonly address: string;
  readonly verb: string;
  readonly path: string;
}

/** Every operation, with the examples of its parameters in its address. */
function operations(verb: string): Operation[] {
  return Object.keys(document.paths)
    .filter((address) => verb in document.paths[address])
    .map((address) => ({
      address,
      verb,
      path: address.replace(
        /\{(\w+)\}/g,
        (_, name: string) => document.components.parameters[`path.${name}`].example as string,
      ),
    }));
}

/** What takes rows; other POSTs take a message that may be empty. */
function predictions(): Operation[] {
  return operations("post").filter(({ address }) => document.paths[address].post.requestBody !== undefined);
}

/** Holds a reply to what the document says of its status. */
function expectDescribed({ address, verb }: Operation, reply: Answer): void {
  const { part, keys } = at("paths", address, verb, "responses", String(reply.status));
  expect(part, `${verb} ${address}: ${reply.status}`).toBeDefined();
  const type = reply.headers["content-type"]!;
  expect(Object.keys(part.content), address).toContain(type);
  const value = type === "application/json" ? reply.json : reply.text;
  expect(faults(value, ...keys, "content", type, "schema"), `${address}: ${reply.text.slice(0, 300)}`).toEqual([]);
}

test("it is valid OpenAPI 3.1", async () => {
  expect(await new Validator().validate(document)).toEqual({ valid: true });
});

test("every GET in it answers 200, as it says", async () => {
  const all = operations("get");
  expect(all.length).toBeGreaterThan(10);
  for (const operation of all) {
    const reply = await ask(server.httpPort, operation.path);
    expect(reply.status, operation.path).toBe(200);
    expectDescribed(operation, reply);
  }
});

test("every example in it is by its own schema, and answered by a prediction, as it says", async () => {
  let asked = 0;
  for (const operation of predictions()) {
    const content = ["paths", operation.address, "post", "requestBody", "content", "application/json"];
    const examples = Object.keys(at(...content).part.examples);
    expect(examples, operation.address).toContain("row");
    for (const name of examples) {
      const { value } = at(...content, "examples", name).part;
      expect(faults(value, ...content, "schema"), `${operation.address}: ${name}`).toEqual([]);
      const reply = await post(server.httpPort, operation.path, value);
      expect(reply.status, `${operation.path}: ${reply.text}`).toBe(200);
      expectDescribed(operation, reply);
      asked++;
    }
  }
  expect(asked).toBeGreaterThanOrEqual(2 * 3 + 3);
});

test("every refusal is as it says, in the form of its protocol", async () => {
  const statuses = new Set<number>();
  for (const operation of predictions()) {
    const replies = [
      await post(server.httpPort, operation.path, '{"value":'),
      await post(server.httpPort, operation.path, { rows: [{ nothing: 1 }], partial: false }),
      await post(server.httpPort, operation.path, { nothing: 1 }),
      await post(server.httpPort, operation.path, {}, { headers: { "x-timeout-ms": "soon" } }),
      await post(server.httpPort, operation.path, {}, { headers: { "content-encoding": "br" } }),
      await post(server.httpPort, `${operation.path}?version=9`, {}),
      await post(server.httpPort, operation.path, " ".repeat(1_100_000)),
    ];
    for (const reply of replies) {
      expect(reply.status, operation.path).toBeGreaterThanOrEqual(400);
      statuses.add(reply.status);
      expectDescribed(operation, reply);
    }
  }
  expect([...statuses].sort()).toEqual([400, 404, 413, 415, 422, 429]);
});

describe.each(members.map(({ name }) => name))("on %s", (http) => {
  test.each(["/openapi.json", "/docs"])("%s is kept by its ETag, and comes compressed", async (path) => {
    const { httpPort } = await startServer(models, "--http", http, "--access-log", "off");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const plain = await ask(httpPort, path, { agent });
    const etag = plain.headers.etag!;
    expect(plain.headers).toMatchObject({ "cache-control": "no-cache", vary: "accept-encoding" });
    for (const named of [etag, `"other", ${etag}`, "*"]) {
      const same = await ask(httpPort, path, { agent, headers: { "if-none-match": named } });
      expect([same.status, same.text, same.headers.etag]).toEqual([304, "", etag]);
    }
    const other = await ask(httpPort, path, { agent, headers: { "if-none-match": '"other"' } });
    expect([other.status, other.text]).toEqual([200, plain.text]);
    const head = await ask(httpPort, path, { method: "HEAD" });
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([
      200,
      "",
      plain.headers["content-length"],
    ]);
    const small = await ask(httpPort, path, { agent, headers: { "accept-encoding": "gzip" } });
    expect([small.headers["content-encoding"], small.headers.etag]).toEqual(["gzip", etag]);
    expect(Number(small.headers["content-length"])).toBeLessThan(plain.text.length / 2);
    agent.destroy();
  });
});
