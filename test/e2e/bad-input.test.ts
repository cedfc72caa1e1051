/**
 * Goal: whatever a caller sends, it hears by status, code, row and feature what was wrong, and the next request is
 * answered as if nothing had been.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectError } from "../support/error-reply.js";
import { post } from "../support/http-client.js";
import { echoModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { RawConnection, type RawReply } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

let store: ModelStore;
let server: ServerProcess;
let connection: RawConnection;

const rowsMax = 1_000;

beforeAll(async () => {
  store = await writeStore(echoModel({ limits: { rows_max: rowsMax, body_bytes_max: 1_048_576 } }), spinModel());
  server = await startServer(store.directory, "--default-model", "echo", "--execution", "pool");
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

beforeEach(async () => {
  connection = await RawConnection.open(server.httpPort);
});

// The next request is answered, on the same connection and on a fresh one.
afterEach(async () => {
  expect((await send('{"value":0.5}')).json).toMatchObject({ prediction: 0.5 });
  connection.destroy();
  expect((await post(server.httpPort, "/predict", { value: 0.25 })).json).toMatchObject({ prediction: 0.25 });
});

async function send(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  path = "/predict",
): Promise<RawReply> {
  const all = {
    host: "plumb",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  await connection.write(
    Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head.join("")}\r\n`), Buffer.from(body)]),
  );
  return await connection.reply();
}

describe("a body that isn't the JSON that is taken is malformed_body", () => {
  const deep = 100_000;
  const cases: [string, string | Uint8Array][] = [
    ["nothing", ""],
    ["blanks", "  \n"],
    ["a word", "hello"],
    ["half an object", '{"value":1'],
    ["half a string", '{"note":"abc'],
    ["a string that ends in a backslash", '{"note":"abc\\'],
    ["text after the object", '{"value":1} {}'],
    ["a comma too many", '{"value":1,}'],
    ["single quotes", "{'value':1}"],
    ["a comment", '{"value":1}//'],
    ["NaN", '{"value":NaN}'],
    ["Infinity", '{"value":-Infinity}'],
    ["a hexadecimal number", '{"value":0x10}'],
    ["a number with a leading zero", '{"value":01}'],
    ["a form", "value=1"],
    ["a number", "1"],
    ["null", "null"],
    ["a string", '"value"'],
    ["a NUL among the tokens", '{"value":1}\0'],
    ["a line break in a string", '{"note":"a\nb","value":1}'],
    ["UTF-8 that is none, in a value", Buffer.from('{"value":1,"note":"caf\xe9"}', "latin1")],
    ["UTF-8 that is none, in a key", Buffer.from('{"value":1,"\xff":1}', "latin1")],
    [
      "overlong UTF-8",
      Buffer.concat([Buffer.from('{"value":1,"note":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    ],
    [
      "a surrogate in UTF-8",
      Buffer.concat([Buffer.from('{"value":1,"note":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ],
    ["UTF-16", Buffer.from('{"value":1}', "utf16le")],
    ["a key twice", '{"value":1,"value":2}'],
    ["a key twice, once in escapes", '{"value":1,"\\u0076alue":2}'],
    ["a key twice in one of the rows", '{"rows":[{"value":1},{"value":1,"value":1}]}'],
    ["rows twice", '{"rows":[{"value":1}],"rows":[{"value":2}]}'],
    ["a key twice beside a long string", `{"note":"${"a".repeat(900_000)}","value":1,"value":2}`],
    ["a key twice beside a long string of escapes", `{"note":"${"\\\\".repeat(450_000)}","value":1,"value":2}`],
    ["brackets 100,000 deep", `{"value":${"[".repeat(deep)}${"]".repeat(deep)}}`],
    ["brackets that never close", "[".repeat(1_000_000)],
    ["objects 100,000 deep", `${'{"value":'.repeat(deep)}1${"}".repeat(deep)}`],
    ["something beside rows", '{"rows":[{"value":1}],"value":1}'],
    ["__proto__ beside rows", '{"rows":[{"value":1}],"__proto__":{"partial":true}}'],
    ["rows that are no list", '{"rows":{"0":{"value":1}}}'],
    ["rows that are null", '{"rows":null}'],
    ["rows that are a word", '{"rows":"all"}'],
    ["partial that is no boolean", '{"rows":[{"value":1}],"partial":"yes"}'],
    ["partial that is null", '{"rows":[{"value":1}],"partial":null}'],
  ];
  test.each(cases)("%s", async (_, body) => {
    const reply = await send(body);
    expect(expectError(reply, 400, "malformed_body")).toEqual([]);
    // Neither a copy of the body nor the parser's own words.
    expect(reply.json.error.message.length).toBeLessThan(300);
    expect(reply.json.error.message).not.toMatch(/SyntaxError|Unexpected token|JSON\.parse/);
  });

  test("says where, without repeating what stands there", async () => {
    const { json } = await send('{"note":"marker-4711",\n"value":oops}');
    expect(json.error.message).toContain("the body isn't JSON: line 2, column 9");
    expect(json.error.message).not.toContain("marker-4711");
    expect((await send('{"value":1,"value":2}')).json.error.message).toContain('"value"');
  });
});

describe("a body in the form of another server says which form is taken here", () => {
  const cases: [string, string, RegExp][] = [
    ["instances", '{"instances":[{"value":1}]}', /"instances", the form of TensorFlow Serving, KServe V1/],
    ["instances and a signature", '{"signature_name":"serving_default","instances":[[1]]}', /"instances"/],
    [
      "inputs",
      '{"inputs":[{"name":"value","shape":[1],"datatype":"FP32","data":[1]}]}',
      /"inputs", the form of the Open Inference Protocol/,
    ],
    [
      "dataframe_split",
      '{"dataframe_split":{"columns":["value"],"data":[[1]]}}',
      /"dataframe_split", the form of MLflow/,
    ],
    ["dataframe_records", '{"dataframe_records":[{"value":1}]}', /"dataframe_records", the form of MLflow/],
    ["a large one", `{"instances":[${Array(10_000).fill("[1]").join(",")}]}`, /"instances"|10002 objects and lists/],
  ];
  test.each(cases)("%s", async (_, body, words) => {
    const reply = await send(body);
    expect(reply.json.error.message).toMatch(words);
    if (reply.json.error.code === "too_many_rows") return;
    expectError(reply, 400, "malformed_body");
    expect(reply.json.error.message).toContain(
      'send one row as {"value": ..., "count": ..., "flag": ..., ...}, several as {"rows": [',
    );
  });

  test("unless it holds a feature of the model", async () => {
    expectError(await send('{"value":1,"inputs":[1]}'), 422, "schema_mismatch");
  });
});

describe("a row that breaks the schema is schema_mismatch, by feature", () => {
  const cases: [string, string, string, RegExp, RegExp][] = [
    ["a missing feature", "{}", "value", /a number from -1000000 to 1000000/, /nothing/],
    ["null where it isn't allowed", '{"value":null}', "value", /a number/, /null/],
    ["a number as text", '{"value":"1"}', "value", /a number/, /"1"/],
    ["a list for a number", '{"value":[1]}', "value", /a number/, /array/],
    ["an object for a number", '{"value":{"value":1}}', "value", /a number/, /object/],
    ["a boolean for a number", '{"value":true}', "value", /a number/, /true/],
    ["a number below its range", '{"value":-1000001}', "value", /from -1000000/, /-1000001/],
    ["a number above its range", '{"value":1000000.0000001}', "value", /to 1000000/, /1000000\.0000001/],
    ["a number beyond float64", '{"value":1e999}', "value", /a number/, /beyond the range of float64/],
    ["a negative number beyond float64", '{"value":-1e999}', "value", /a number/, /beyond the range of float64/],
    ["half an integer", '{"value":1,"count":0.5}', "count", /an integer/, /0\.5/],
    ["an integer as text", '{"value":1,"count":"5"}', "count", /an integer/, /"5"/],
    ["an integer below its range", '{"value":1,"count":-1}', "count", /at least 0/, /-1/],
    ["2^53 + 1 as an integer", '{"value":1,"count":9007199254740993}', "count", /an integer/, /beyond 2\^53 - 1/],
    ["1e300 as an integer", '{"value":1,"count":1e300}', "count", /an integer/, /beyond 2\^53 - 1/],
    ["a number for a boolean", '{"value":1,"flag":1}', "flag", /true or false/, /1/],
    ["text for a boolean", '{"value":1,"flag":"true"}', "flag", /true or false/, /"true"/],
    ["null for a boolean", '{"value":1,"flag":null}', "flag", /true or false/, /null/],
    ["a number for text", '{"value":1,"note":1}', "note", /a string/, /1/],
    ["text that is too long", `{"value":1,"note":"${"a".repeat(41)}"}`, "note", /at most 40 characters/, /"aaaa/],
    ["a NUL in text", '{"value":1,"note":"a\\u0000b"}', "note", /a string/, /NUL/],
    ["half a surrogate pair in text", '{"value":1,"note":"\\ud83d"}', "note", /a string/, /surrogate/],
    ["an unknown field", '{"value":1,"valve":2}', "valve", /no field of this name/, /a number/],
    ["a known field in capitals", '{"value":1,"Value":2}', "Value", /no field of this name/, /a number/],
    ["an empty name", '{"value":1,"":2}', "", /no field of this name/, /a number/],
    ["__proto__", '{"value":1,"__proto__":{"flag":true}}', "__proto__", /no field of this name/, /an object/],
    ["__proto__ instead of the row", '{"__proto__":{"value":1}}', "value", /a number/, /nothing/],
    ["constructor", '{"value":1,"constructor":1}', "constructor", /no field of this name/, /a number/],
    ["toString", '{"value":1,"toString":1}', "toString", /no field of this name/, /a number/],
    ["partial without rows", '{"value":1,"partial":true}', "partial", /no field of this name/, /true|a boolean/],
  ];
  test.each(cases)("%s", async (_, body, feature, expected, got) => {
    const issues = expectError(await send(body), 422, "schema_mismatch");
    expect(issues[0]).toEqual({
      row: 0,
      feature,
      expected: expect.stringMatching(expected),
      got: expect.stringMatching(got),
    });
  });

  test("with every fault of every row, by its index", async () => {
    const body = '{"rows":[{"value":1},{"value":"x","count":0.5},{"value":3},7,null,[],{"valve":1}]}';
    const reply = await send(body);
    const issues = expectError(reply, 422, "schema_mismatch");
    expect(issues.map(({ row, feature }) => [row, feature])).toEqual([
      [1, "value"],
      [1, "count"],
      [3, ""],
      [4, ""],
      [5, ""],
      [6, "value"],
      [6, "valve"],
    ]);
    expect(reply.json.error.message).toMatch(/^row 1, feature "value": expected a number .*, got the string "x"/);
    expect(reply.json.error.message).toMatch(/4 more bad rows/);
  });

  test("with no more than 100 faults, however many there are", async () => {
    const issues = expectError(await send(JSON.stringify({ rows: Array(rowsMax).fill({}) })), 422, "schema_mismatch");
    expect(issues).toHaveLength(100);
    const unknown = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`x${i}`, i]));
    const named = expectError(await send(JSON.stringify({ value: 1, ...unknown })), 422, "schema_mismatch");
    expect(named.length).toBeLessThanOrEqual(100);
  });

  test("without the value of a feature that is personal data", async () => {
    for (const value of ['"marker-4711 has a name that is far too long for it"', "4711", "[4711]", '{"marker":4711}']) {
      const reply = await send(`{"value":1,"patient":${value}}`);
      const [issue] = expectError(reply, 422, "schema_mismatch");
      expect(issue!.feature).toBe("patient");
      expect(reply.body).not.toMatch(/4711/);
    }
  });

  test("as long as the reply to it is short, whatever was sent", async () => {
    const long = "a".repeat(500_000);
    for (const body of [`{"value":"${long}"}`, `{"value":1,"${long}":1}`, `{"value":1,"note":"${long}"}`]) {
      const reply = await send(body);
      expectError(reply, 422, "schema_mismatch");
      expect(reply.body.length).toBeLessThan(5_000);
    }
  });
});

describe("what a row may be", () => {
  const cases: [string, string, number][] = [
    ["a whole number", '{"value":7}', 7],
    ["a number with an exponent", '{"value":1.5e3}', 1500],
    ["a number below all others", '{"value":1e-320}', 0],
    ["the limits themselves", '{"value":-1000000}', -1_000_000],
    ["an integer written as 1.0", '{"value":1,"count":1.0}', 1],
    ["2^53 - 1", '{"value":1,"count":9007199254740991}', 1],
    ["a null that is allowed", '{"value":1,"note":null}', 1],
    ["text of 40 characters outside the first plane", `{"value":1,"note":"${"\u{1f600}".repeat(40)}"}`, 1],
    ["a byte order mark", '\ufeff{"value":1}', 1],
    ["escapes", '{"\\u0076alue":1,"note":"\\u00e9\\n\\"\\\\"}', 1],
    ["braces, colons and quotes in text", '{"value":1,"note":"{\\"a\\":[1,{\\"b\\":2}]}::\\\\"}', 1],
    ["blanks between all tokens", ' \r\n\t{ "value" : 1 , "flag" : true } \n', 1],
    ["features in any order", '{"flag":false,"count":3,"value":2}', 2],
  ];
  test.each(cases)("%s", async (_, body, prediction) => {
    const reply = await send(body);
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({ prediction, model: "echo", version: 1, request_id: expect.any(String) });
  });

  test("minus zero, which stays one", async () => {
    expect((await send('{"value":-0}')).body).toMatch(/^\{"prediction":-0,/);
  });

  test.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
  ])("declared as %s", async (type) => {
    expect((await send('{"value":1}', { "content-type": type })).json.prediction).toBe(1);
  });
});

describe("rows", () => {
  test("none at all is schema_mismatch", async () => {
    expect(expectError(await send('{"rows":[]}'), 422, "schema_mismatch")).toEqual([
      { row: 0, feature: "rows", expected: `1 to ${rowsMax} rows`, got: "an empty list" },
    ]);
  });

  test("as many as the bundle allows are answered, one more is too_many_rows", async () => {
    const rows = (count: number) => JSON.stringify({ rows: Array.from({ length: count }, (_, value) => ({ value })) });
    const { json } = await send(rows(rowsMax));
    expect(json.predictions).toEqual(Array.from({ length: rowsMax }, (_, value) => value));
    expectError(await send(rows(rowsMax + 1)), 422, "too_many_rows");
    expectError(await send(JSON.stringify({ rows: Array(rowsMax + 1).fill(1) })), 422, "too_many_rows");
  });

  test("a flood of empty objects or lists is refused unparsed", async () => {
    for (const item of ["{}", "[]"]) {
      expectError(await send(`{"rows":[${Array(300_000).fill(item).join(",")}]}`), 422, "too_many_rows");
      expectError(await send(`{"value":[${Array(300_000).fill(item).join(",")}]}`), 422, "too_many_rows");
    }
  });

  test("are answered in their order, one alone too, by a list", async () => {
    expect((await send('{"rows":[{"value":2}]}')).json).toEqual({
      predictions: [2],
      model: "echo",
      version: 1,
      request_id: expect.any(String),
    });
  });
});

describe("a partial request", () => {
  test("answers the good rows and says what is wrong with the bad ones", async () => {
    const { status, json } = await send('{"rows":[{"value":1},{"value":"x"},{"value":3},{}],"partial":true}');
    expect(status).toBe(200);
    expect(json.predictions).toEqual([1, null, 3, null]);
    expect(json.errors).toEqual([
      {
        row: 1,
        code: "schema_mismatch",
        message: expect.stringMatching(/^row 1, feature "value"/),
        issues: [{ row: 1, feature: "value", expected: expect.any(String), got: 'the string "x"' }],
      },
      {
        row: 3,
        code: "schema_mismatch",
        message: expect.stringMatching(/^row 3, feature "value"/),
        issues: [{ row: 3, feature: "value", expected: expect.any(String), got: "nothing" }],
      },
    ]);
  });

  test("has an empty list of errors when all is well", async () => {
    expect((await send('{"rows":[{"value":1}],"partial":true}')).json).toMatchObject({ predictions: [1], errors: [] });
  });

  test("without a single good row answers none of them", async () => {
    const { status, json } = await send('{"rows":[{},{}],"partial":true}');
    expect(status).toBe(200);
    expect(json.predictions).toEqual([null, null]);
    expect(json.errors.map(({ row }: { row: number }) => row)).toEqual([0, 1]);
  });

  test("that says false is an ordinary one", async () => {
    expectError(await send('{"rows":[{"value":1},{}],"partial":false}'), 422, "schema_mismatch");
    expect((await send('{"rows":[{"value":1}],"partial":false}')).json.errors).toBeUndefined();
  });

  test("of rows that are all bad keeps its reply in bounds", async () => {
    const reply = await send(JSON.stringify({ rows: Array(rowsMax).fill({ value: "a".repeat(900) }), partial: true }));
    expect(reply.status).toBe(200);
    expect(reply.json.predictions).toEqual(Array(rowsMax).fill(null));
    expect(reply.json.errors).toHaveLength(rowsMax);
  });
});

describe("headers", () => {
  const valid = '{"value":1}';
  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "application/json; charset=latin1",
    "multipart/form-data; boundary=x",
    "*/*",
  ])("content-type %s is unsupported_media_type", async (type) => {
    const reply = await send(valid, { "content-type": type });
    expectError(reply, 415, "unsupported_media_type");
    expect(reply.json.error.message).toContain("application/json");
  });

  test("no content-type is unsupported_media_type", async () => {
    await connection.write(`POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-length: ${valid.length}\r\n\r\n${valid}`);
    expectError(await connection.reply(), 415, "unsupported_media_type");
  });

  test.each(["br", "zstd", "gzip, gzip", "identity, gzip"])(
    "content-encoding %s is unsupported_media_type",
    async (encoding) => {
      expectError(await send(valid, { "content-encoding": encoding }), 415, "unsupported_media_type");
    },
  );

  test("content-encoding identity says nothing", async () => {
    expect((await send(valid, { "content-encoding": "identity" })).json.prediction).toBe(1);
  });

  test.each(["0", "-1", "soon", "1e3", "0x10", "1.5", "86400001", "99999999999", "Infinity", "5 6"])(
    "x-timeout-ms %s is invalid_request",
    async (timeout) => {
      const reply = await send(valid, { "x-timeout-ms": timeout });
      expectError(reply, 400, "invalid_request");
      expect(reply.json.error.message).toMatch(/^x-timeout-ms: expected milliseconds from 1 to 86400000, got /);
    },
  );

  test.each(["1000", "86400000"])("x-timeout-ms %s is a deadline", async (timeout) => {
    expect((await send(valid, { "x-timeout-ms": timeout })).json.prediction).toBe(1);
  });

  test("x-timeout-ms that has passed before the run has ended is deadline_exceeded or overloaded", async () => {
    const reply = await send('{"value":500000}', { "x-timeout-ms": "1" }, "/models/spin/predict");
    expect(["deadline_exceeded", "overloaded"]).toContain(reply.json.error.code);
    expectError(reply, reply.json.error.code === "overloaded" ? 503 : 504, reply.json.error.code);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("an address that leads nowhere", () => {
  const cases: [string, number, string, RegExp][] = [
    ["/models/unheard/predict", 404, "model_not_found", /"unheard".*echo, spin/],
    ["/models/echo/versions/2/predict", 404, "model_not_found", /no version "2".*1/],
    ["/models/echo/versions/01/predict", 404, "model_not_found", /no version "01"/],
    ["/models/echo/versions/newest/predict", 404, "model_not_found", /no version "newest"/],
    ["/models/__proto__/predict", 404, "model_not_found", /"__proto__"/],
    ["/models/echo/predict/", 404, "route_not_found", /predict/],
    ["/models/echo/versions/1", 404, "route_not_found", /versions/],
    ["/predict/echo", 404, "route_not_found", /predict/],
    ["/v3/models/echo/infer", 404, "route_not_found", /v3/],
  ];
  test.each(cases)("%s is %i %s", async (path, status, code, message) => {
    const reply = await send('{"value":1}', {}, path);
    expect(expectError(reply, status, code)).toEqual([]);
    expect(reply.json.error.message).toMatch(message);
  });
});
