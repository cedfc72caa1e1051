/**
 * Goal: a program that was made of a model's typed proto gets what `/predict` gives for thousands of rows, a context and
 * chosen fields, by Connect in both forms and by gRPC; and what goes wrong reaches it with typed details. That golden rows
 * have the bits of `/predict` is in doors.test.ts.
 */

import { Buffer } from "node:buffer";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../bundle/index.js";
import { goldenRows, type Row, type SentRow } from "../support/golden-rows.js";
import { post } from "../support/http-client.js";
import { makeMixedBundle } from "../support/mixed-bundle.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";
import { compileProtos, type Loose, TypedMessages } from "../support/typed-proto.js";

interface Predictor {
  predict(request: Loose, options?: Loose): Promise<Loose>;
}

const models = fileURLToPath(new URL("../../models", import.meta.url));
/** Not to be refused on a machine that is busy with other things. */
const patiently = { timeoutMs: 60_000 };
const changed = makeMixedBundle();
let shipped: ServerProcess;
let other: ServerProcess;

beforeAll(async () => {
  const flags = ["--access-log", "off", "--grpc-port", "0", "--drain-quiet-ms", "0"];
  shipped = await startServer(models, "--default-model", "demand", ...flags);
  other = await startServer(changed.store, ...flags);
});

afterAll(async () => {
  await endServers();
  changed.remove();
});

const base = (server: ServerProcess) => `http://127.0.0.1:${server.httpPort}`;

interface Setup {
  readonly server: ServerProcess;
  readonly bundle: Bundle;
  readonly golden: readonly SentRow[];
  readonly messages: TypedMessages;
  readonly clients: readonly Predictor[];
}

/** A program of the proto as the server gives it. */
async function setUp(server: ServerProcess, name: string, directory: string): Promise<Setup> {
  const response = await fetch(`${base(server)}/models/${name}/proto`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
  const messages = new TypedMessages(compileProtos([await response.text()]), name);
  const bundle = await readBundle(directory);
  const golden = goldenRows(bundle);
  const clients = [true, false].map((useBinaryFormat) => {
    const transport = createConnectTransport({ baseUrl: base(server), httpVersion: "1.1", useBinaryFormat });
    return createClient(messages.service, transport) as unknown as Predictor;
  });
  const { grpc_port: port } = await server.untilLogged(({ message }) => message === "ready");
  const grpc = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
  clients.push(createClient(messages.service, grpc) as unknown as Predictor);
  return { server, bundle, golden, messages, clients };
}

async function predict({ server }: Setup, name: string, rows: readonly string[]) {
  const { status, json } = await post(server.httpPort, `/models/${name}/predict`, `{"rows":[${rows.join(",")}]}`, {
    headers: { "x-timeout-ms": String(patiently.timeoutMs) },
  });
  expect(status).toBe(200);
  return { predictions: json.predictions, probabilities: json.probabilities };
}

const shown = (reply: Loose) => {
  const probabilities = reply.predictions.map((one: Loose) => ({ ...one.probabilities }));
  return {
    predictions: reply.predictions.map(({ value }: Loose) => value),
    probabilities: Object.keys(probabilities[0]).length > 0 ? probabilities : undefined,
  };
};

/** A label that is a number is one here too. */
const stores = [...readdirSync(models).map((name) => [name, false] as const), ["demand", true] as const];

describe.each(stores)("%s, of another schema: %s", (name, isChanged) => {
  let setup: Setup;
  beforeAll(async () => {
    setup = await setUp(isChanged ? other : shipped, name, isChanged ? changed.directory : `${models}/${name}/1`);
  });

  test("thousands of rows at once, which are taken in slices", async () => {
    const { golden, bundle, messages, clients } = setup;
    const { features } = bundle.rowSchema;
    const { rows_max, body_bytes_max } = bundle.manifest.limits;
    const oneBytes = messages.json(messages.request([golden[0]!.row], features)).length;
    const count = Math.min(rows_max, 3000, Math.floor(body_bytes_max / oneBytes / 2));
    const many = Array.from({ length: count }, (_, i) => golden[i % golden.length]!);
    const expected = await predict(
      setup,
      name,
      golden.map(({ rowJson }) => rowJson),
    );
    const request = messages.request(
      many.map(({ row }) => row),
      features,
    );
    for (const client of clients) {
      const { predictions } = shown(await client.predict(request, patiently));
      expect(predictions).toEqual(many.map((_, i) => expected.predictions[i % golden.length]));
    }
  });

  test("a context is what each row has in common", async () => {
    const { golden, bundle, messages, clients } = setup;
    const { features } = bundle.rowSchema;
    const { row, rowJson } = golden.find((one) => Object.values(one.row).every((value) => value !== null))!;
    const [first] = features;
    const { [first!.name]: own, ...rest } = row;
    const expected = await predict(setup, name, [rowJson, rowJson]);
    const request = messages.request([{ [first!.name]: own }, {}], features, {
      context: { ...rest, [first!.name]: own },
    });
    for (const client of clients) expect(shown(await client.predict(request, patiently))).toEqual(expected);
  });
});

test("fields choose what is answered, as for /predict", async () => {
  const setup = await setUp(shipped, "breast-cancer", `${models}/breast-cancer/1`);
  const { golden, messages, clients, bundle } = setup;
  const some = golden.slice(0, 5);
  for (const fields of [["prediction"], ["probabilities.malignant", "top:1"], ["top:9", "prediction"]]) {
    const body = `{"rows":[${some.map(({ rowJson }) => rowJson).join(",")}],"fields":${JSON.stringify(fields)}}`;
    const { json } = await post(shipped.httpPort, "/models/breast-cancer/predict", body, {
      headers: { "x-timeout-ms": String(patiently.timeoutMs) },
    });
    const rows = some.map(({ row }) => row);
    const request = messages.request(rows, bundle.rowSchema.features, { fields });
    for (const client of clients) {
      const { predictions } = await client.predict(request, patiently);
      expect(
        predictions.map(({ value, probabilities, top }: Loose) => ({
          prediction: value,
          probabilities: { ...probabilities },
          top: top.map(({ label, probability }: Loose) => ({ label, probability })),
        })),
      ).toEqual(
        some.map((_, row) => ({
          prediction: json.predictions?.[row],
          probabilities: json.probabilities?.[row] ?? {},
          top: json.top?.[row] ?? [],
        })),
      );
    }
  }
});

const protoOfNothing = `syntax = "proto3";
package plumb.models.nothing;
message PredictRequest {}
message PredictReply {}
service Predictor { rpc Predict(PredictRequest) returns (PredictReply); }`;

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  return ConnectError.from(
    await call.then(
      () => expect.unreachable(),
      (reason) => reason,
    ),
  );
}

describe("what goes wrong", () => {
  let setup: Setup;
  let good: Row;
  beforeAll(async () => {
    setup = await setUp(shipped, "demand", `${models}/demand/1`);
    good = setup.golden[0]!.row;
  });
  const ask = (rows: readonly Row[], more: Loose = {}, options: Loose = {}) =>
    setup.clients.map((client) => {
      const call = client.predict(setup.messages.request(rows, setup.bundle.rowSchema.features, more), options);
      // All begin at once, and are looked at one by one: one that fails meanwhile isn't forgotten.
      call.catch(() => {});
      return call;
    });

  test("a bad row is an invalid argument, with the row, the feature and what was expected as details", async () => {
    for (const call of ask([good, { ...good, feature_price: -5, feature_promo: undefined }], { requestId: "r-8" })) {
      const error = await errorOf(call);
      expect([error.code, error.rawMessage]).toEqual([
        Code.InvalidArgument,
        expect.stringMatching(/^row 1, feature "feature_price": expected a number .* got the number -5$/),
      ]);
      const [details] = error.findDetails(setup.messages.schema("ErrorDetails")) as Loose[];
      expect([details.code, details.requestId]).toEqual(["schema_mismatch", "r-8"]);
      expect(details.issues.map(({ row, feature, got }: Loose) => [row, feature, got])).toEqual([
        [1, "feature_price", "the number -5"],
        [1, "feature_promo", expect.stringMatching(/^(?:nothing|null)$/)],
      ]);
    }
  });

  test("over gRPC it has google.rpc's details too", async () => {
    const [, , call] = ask([good, { ...good, feature_price: -5 }]);
    const details = (await errorOf(call!)).details as unknown as { type: string; value: Uint8Array }[];
    expect(details.map(({ type }) => type)).toEqual([
      "google.rpc.ErrorInfo",
      "google.rpc.BadRequest",
      "plumb.models.demand.ErrorDetails",
    ]);
    const text = Buffer.from(details[1]!.value).toString();
    expect(text).toMatch(/rows\[1\]\.feature_price.*expected a number .* got the number -5/s);
  });

  test("a call of a model that isn't there, over gRPC", async () => {
    const missing = new TypedMessages(compileProtos([protoOfNothing]), "nothing");
    const { grpc_port: port } = await shipped.untilLogged(({ message }) => message === "ready");
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
    const client = createClient(missing.service, transport) as unknown as Predictor;
    const error = await errorOf(client.predict({}));
    expect([error.code, error.rawMessage]).toEqual([
      Code.NotFound,
      expect.stringMatching(/^there is no model "nothing"/),
    ]);
  });

  test("what the schema wants and nobody sends is named", async () => {
    for (const call of ask([{ feature_price: 100 }])) {
      const { code, rawMessage } = await errorOf(call);
      expect([code, rawMessage]).toEqual([
        Code.InvalidArgument,
        expect.stringMatching(/^row 0, feature "feature_promo"/),
      ]);
    }
  });

  test("a partial request is answered where it can be", async () => {
    for (const call of ask([good, { ...good, feature_price: -5 }, good], { partial: true })) {
      const reply = await call;
      expect(reply.predictions.map(({ value }: Loose) => typeof value)).toEqual(["number", "undefined", "number"]);
      expect(reply.errors.map(({ row, code, issues }: Loose) => [row, code, issues[0].feature])).toEqual([
        [1, "schema_mismatch", "feature_price"],
      ]);
    }
  });

  test("the caller's time is kept", async () => {
    const rows = Array.from({ length: 10_000 }, () => good);
    for (const call of ask(rows, {}, { headers: { "connect-timeout-ms": "1", "grpc-timeout": "1m" } }))
      expect([Code.DeadlineExceeded, Code.Unavailable]).toContain((await errorOf(call)).code);
  });

  async function raw(path: string, headers: Record<string, string>, body: Uint8Array | string, method = "POST") {
    const response = await fetch(`${base(shipped)}${path}`, { method, headers, ...(method === "POST" && { body }) });
    const json = (await response.json()) as { code: string; message: string };
    return [response.status, json.code, json.message];
  }
  const path = "/plumb.models.demand.Predictor/Predict";
  const proto = { "content-type": "application/proto" };
  const json = { "content-type": "application/json" };

  test.each([
    ["another type", path, { "content-type": "text/plain" }, "", 415, "invalid_argument", /^content-type: expected/],
    ["a body of noise", path, proto, Buffer.from("ffffffff", "hex"), 400, "invalid_argument", /^the body isn't a Pred/],
    ["no rows", path, proto, "", 400, "invalid_argument", /^"rows": expected 1 to \d+ rows, got none$/],
    ["no JSON", path, json, "{", 400, "invalid_argument", /^the body isn't JSON/],
    ["fields", path, json, '{"rows":[{}],"fields":["x"]}', 400, "invalid_argument", /^"fields", item 0: expected "pr/],
    [
      "another model",
      "/plumb.models.none.Predictor/Predict",
      json,
      "{}",
      404,
      "not_found",
      /^there is no model "none"/,
    ],
    ["no model", "/plumb.models.None.Predictor/Predict", json, "{}", 404, "not_found", /^no model has the package/],
    ["another version", `${path}?version=9`, json, "{}", 404, "not_found", /version "9"/],
    ["a time of no number", path, { ...json, "connect-timeout-ms": "1s" }, "{}", 400, "invalid_argument", /^connect-t/],
    [
      "another protocol",
      path,
      { ...json, "connect-protocol-version": "2" },
      "{}",
      400,
      "invalid_argument",
      /^connect-p/,
    ],
    ["a body too large", path, proto, new Uint8Array(1_048_577), 429, "resource_exhausted", /^the body: expected/],
  ])("%s", async (_, address, headers, body, status, code, words) => {
    expect(await raw(address, headers, body)).toEqual([status, code, expect.stringMatching(words)]);
  });

  test("another verb", async () => {
    expect(await raw(path, {}, "", "GET")).toEqual([405, "unimplemented", expect.stringMatching(/^GET isn't/)]);
  });

  test("the proto of a model that isn't there", async () => {
    expect((await fetch(`${base(shipped)}/models/none/proto`)).status).toBe(404);
    expect((await fetch(`${base(shipped)}/models/demand/proto?version=9`)).status).toBe(404);
  });
});
