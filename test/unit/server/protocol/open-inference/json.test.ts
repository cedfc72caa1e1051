/** Goal: JSON says what it says, or the caller hears where it doesn't; nothing is rounded, guessed or let by. */

import { describe, expect, it } from "vitest";
import type { Columns } from "../../../../../preprocessing/index.js";
import { writeJson } from "../../../../../server/protocol/open-inference/json.js";
import {
  columnsOf,
  decode,
  makeContract,
  makeMessage,
  price,
  refusalOf,
  type SentInput,
} from "../../../../support/open-inference.js";

const refused = (...inputs: readonly SentInput[]) => refusalOf(makeMessage(inputs));
const one = (datatype: string, value: unknown): SentInput => ({ name: "price", datatype, shape: [1], data: [value] });
const raw = (text: string) => refusalOf({ body: Buffer.from(text), header: "" });

describe("elements", () => {
  it("are numbers as they are written", () => {
    expect(columnsOf([one("FP32", 0.1)])).toEqual({ price: [0.1] });
    expect(columnsOf([one("FP64", -0)])).toEqual({ price: [0] });
    const { rows } = decode({
      body: Buffer.from('{"inputs":[{"name":"price","datatype":"FP64","shape":[1],"data":[-0]}]}'),
      header: "",
    });
    expect(rows).toHaveProperty("length", 1);
    expect(Object.is((rows as Columns).values.get("price")![0], -0)).toBe(true);
  });

  it.each([
    ["INT8", 128, "an integer from -128 to 127"],
    ["INT8", 300, "an integer from -128 to 127"],
    ["UINT8", -1, "an integer from 0 to 255"],
    ["UINT16", 65536, "an integer from 0 to 65535"],
    ["INT16", -32769, "an integer from -32768 to 32767"],
    ["UINT32", 4294967296, "an integer from 0 to 4294967295"],
    ["INT32", 2147483648, "an integer from -2147483648 to 2147483647"],
    ["INT32", 1.5, "an integer from -2147483648 to 2147483647"],
    ["FP32", 3.5e38, "a number from -3.4028234663852886e+38 to 3.4028234663852886e+38"],
  ])("of %s are not %d", (datatype, value, expected) => {
    expect(refused(one(datatype, value))).toBe(
      `400 input "price": expected ${expected}, in element 0, got the number ${value}`,
    );
  });

  it("of 64 bits are refused where JSON has lost their digits", () => {
    const text = '{"inputs":[{"name":"price","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}';
    expect(raw(text)).toBe(
      '400 input "price": expected an integer from -9007199254740991 to 9007199254740991 (beyond, JSON loses digits: send binary data), in element 0, got the number 9007199254740992',
    );
    expect(columnsOf([one("UINT64", Number.MAX_SAFE_INTEGER)])).toEqual({ price: [Number.MAX_SAFE_INTEGER] });
  });

  it("of FP16 have no form in JSON", () => {
    expect(refused(one("FP16", 1))).toBe('400 input "price": expected binary data, the only form of FP16, got "data"');
  });

  it("beyond float64 are refused", () => {
    expect(raw('{"inputs":[{"name":"price","datatype":"FP64","shape":[1],"data":[1e999]}]}')).toBe(
      '400 input "price": expected a number, in element 0, got Infinity',
    );
  });

  it.each([
    ["price", "FP64", "n/a", "a number"],
    ["price", "FP64", true, "a number"],
    ["price", "FP64", {}, "a number"],
    ["promo", "BOOL", 1, "true or false"],
    ["promo", "BOOL", "true", "true or false"],
    ["city", "BYTES", 5, "a string"],
    ["city", "BYTES", ["x"], "a string"],
  ])("of %s (%s) are not %j", (name, datatype, value, expected) => {
    const answer = refused(price(1, 2), { name, datatype, shape: [2], data: [null, value] });
    const first = refused({ name, datatype, shape: [2], data: [null, value] });
    expect([answer, first]).toContainEqual(
      expect.stringMatching(new RegExp(`^400 input "${name}": expected ${expected}, in element 1, got `)),
    );
  });

  it("of personal data aren't repeated", () => {
    const contract = makeContract({
      properties: { name: { type: "string", "x-pii": true }, age: { type: "number", "x-pii": true } },
      required: [],
    });
    const sent = (name: string, datatype: string, value: unknown) =>
      refusalOf(makeMessage([{ name, datatype, shape: [1], data: [value] }]), contract);
    expect(sent("age", "FP64", "Ada")).toMatch(/got a string \(hidden: personal data\)$/);
    expect(sent("age", "INT8", 1815)).toMatch(/got a number \(hidden: personal data\)$/);
    expect(sent("name", "BYTES", 1815)).toMatch(/got a number \(hidden: personal data\)$/);
  });

  it("are as many as the shape says", () => {
    const sent = (shape: readonly number[], data: unknown) => refused({ name: "price", datatype: "FP64", shape, data });
    expect(sent([2], [1])).toBe('400 input "price": expected 2 elements, as its shape says, got 1');
    expect(sent([2], [1, 2, 3])).toBe('400 input "price": expected 2 elements, as its shape says, got 3');
    expect(sent([2, 1], [[1]])).toBe('400 input "price": expected 2 rows, as its shape says, got 1');
    expect(sent([2, 1], [[1], [2, 3]])).toMatch(
      /expected a list of 1 for row 1, as its shape says, got an array of 2 values/,
    );
    expect(sent([2, 1], [[1], 2])).toMatch(/expected a list of 1 for row 1, as its shape says, got the number 2/);
    expect(sent([2, 1], [[1], [[2]]])).toMatch(/expected a number, in element 1, got an array of 1 value/);
    expect(sent([1], [])).toBe('400 input "price": expected 1 elements, as its shape says, got 0');
  });
});

describe("members", () => {
  it.each([
    ["", /^400 the body isn't JSON: it ends too early/],
    ["[]", /^400 the body: expected an inference request as {"inputs": .*, got a list$/],
    ['{"inputs":[]} x', /^400 the body isn't JSON: line 1, column 15/],
    ['{"inputs":[{"name":"price","datatype":"FP64","shape":[1],"data":[NaN]}]}', /^400 the body isn't JSON: line 1/],
    ['{"inputs":[],"inputs":[]}', /^400 the body has the key "inputs" twice/],
    ["{}", /^400 inputs: expected a list, got nothing/],
    ['{"inputs":{}}', /^400 inputs: expected a list, got an object/],
    ['{"inputs":[1]}', /^400 inputs\[0\]: expected an object, got a number/],
    ['{"inputs":[{}]}', /^400 inputs\[0\].name: expected a string, got /],
    ['{"inputs":[{"name":"price"}]}', /^400 inputs\[0\].shape: expected a list, got /],
    ['{"id":1,"inputs":[]}', /^400 id: expected a string, got a number/],
    ['{"parameters":1,"inputs":[]}', /^400 parameters: expected an object, got a number/],
  ])("refuses %s", (text, message) => expect(raw(text)).toMatch(message));

  it("refuses bytes that aren't UTF-8", () => {
    const body = Buffer.from('{"inputs":[{"name":"city","datatype":"BYTES","shape":[1],"data":["?"]}]}');
    body[body.indexOf("?")] = 0xff;
    expect(refusalOf({ body, header: "" })).toBe("400 the body isn't valid UTF-8");
  });

  it("lets those be that nobody knows", () => {
    const input = { ...price(1), parameters: { content_type: "np" }, extra: 1 } as SentInput;
    const { id, outputs } = decode(
      makeMessage([input], { id: "a", model_name: "x", parameters: { content_type: "pd" } }),
    );
    expect(id).toBe("a");
    expect(outputs.map(({ output, isBinary }) => [output.name, isBinary])).toEqual([["prediction", false]]);
  });

  it("wants either data or a size", () => {
    expect(refused({ name: "price", datatype: "FP64", shape: [1] })).toBe(
      '400 input "price": expected either "data" or the parameter "binary_data_size", got neither',
    );
    expect(refused({ ...price(1), parameters: { binary_data_size: 8 } })).toBe(
      '400 input "price": expected either "data" or the parameter "binary_data_size", got both',
    );
    for (const binary_data_size of [-1, 1.5, "8", null, 2 ** 60]) {
      const input = { name: "price", datatype: "FP64", shape: [1], parameters: { binary_data_size } };
      expect(refused(input)).toMatch(/^400 inputs\[0\].parameters.binary_data_size: expected a number of bytes, got /);
    }
  });
});

describe("parameters", () => {
  const withParameters = (parameters: object) => makeMessage([price(1)], { parameters });

  it("name the caller's time in microseconds", () => {
    expect(decode(withParameters({ timeout: 2500 })).timeoutMs).toBe(2.5);
    expect(decode(withParameters({ timeout: 0 }))).not.toHaveProperty("timeoutMs");
    expect(refusalOf(withParameters({ timeout: "soon" }))).toBe(
      '400 parameters.timeout: expected microseconds, got the string "soon"',
    );
    expect(refusalOf(withParameters({ timeout: -1 }))).toMatch(/^400 parameters.timeout/);
  });

  it.each([[{ priority: 1 }], [{ sequence_id: 7 }], [{ sequence_start: true }], [{ triton_x: 1 }]])(
    "that aren't supported are refused: %j",
    (parameters) => expect(refusalOf(withParameters(parameters))).toMatch(/^400 parameters: .* isn't supported here/),
  );

  it.each([[{ priority: 0 }], [{ sequence_id: 0, sequence_start: false, sequence_end: false }], [{ headers: "x" }]])(
    "that change nothing are taken: %j",
    (parameters) => expect(refusalOf(withParameters(parameters))).toBe("taken"),
  );

  it("of shared memory are refused", () => {
    const input = { name: "price", datatype: "FP64", shape: [1], parameters: { shared_memory_region: "r" } };
    expect(refused(input)).toMatch(/^400 inputs\[0\].parameters: shared memory isn't supported here/);
  });
});

describe("outputs", () => {
  const contract = makeContract({ labels: ["no", "yes"], hasProbabilities: true });
  const chosen = (members: object) =>
    decode(makeMessage([price(1)], members), contract).outputs.map(({ output, isBinary, classCount }) => [
      output.name,
      isBinary,
      classCount,
    ]);
  const refusedWith = (members: object) => refusalOf(makeMessage([price(1)], members), contract);

  it("are all of them, unless some are listed", () => {
    const all = [
      ["prediction", false, 0],
      ["probabilities", false, 0],
    ];
    expect(chosen({})).toEqual(all);
    expect(chosen({ outputs: [] })).toEqual(all);
    expect(chosen({ outputs: [{ name: "probabilities" }] })).toEqual([all[1]]);
    expect(chosen({ outputs: [{ name: "probabilities" }, { name: "prediction" }] })).toEqual([all[1], all[0]]);
  });

  it("are binary as the request says, and each as it says itself", () => {
    const parameters = { binary_data_output: true };
    expect(chosen({ parameters })).toEqual([
      ["prediction", true, 0],
      ["probabilities", true, 0],
    ]);
    const outputs = [{ name: "prediction", parameters: { binary_data: false } }, { name: "probabilities" }];
    expect(chosen({ parameters, outputs })).toEqual([
      ["prediction", false, 0],
      ["probabilities", true, 0],
    ]);
    expect(refusedWith({ parameters: { binary_data_output: 1 } })).toMatch(/^400 parameters.binary_data_output/);
  });

  it("are classified, by at most as many classes as there are", () => {
    const outputs = (classification: unknown, name = "probabilities") => ({
      outputs: [{ name, parameters: { classification } }],
    });
    expect(chosen(outputs(1))).toEqual([["probabilities", false, 1]]);
    expect(chosen(outputs(9))).toEqual([["probabilities", false, 2]]);
    expect(refusedWith(outputs(0))).toMatch(
      /^400 outputs\[0\].parameters.classification: expected a number of classes/,
    );
    expect(refusedWith(outputs(1, "prediction"))).toMatch(/expected none, because "prediction" is BYTES, not numbers$/);
  });

  it.each([
    [
      { outputs: [{ name: "predictions" }] },
      /^400 outputs\[0\]: expected the name of a tensor, "prediction" and "probabilities", got "predictions"$/,
    ],
    [{ outputs: [{ name: "prediction" }, { name: "prediction" }] }, /^400 outputs\[1\]: expected each output once/],
    [{ outputs: {} }, /^400 outputs: expected a list, got an object/],
    [{ outputs: ["prediction"] }, /^400 outputs\[0\]: expected an object, got a string/],
  ])("that are wrong are refused: %j", (members, message) => expect(refusedWith(members)).toMatch(message));
});

it("numbers are written as the shortest text of the same bits", () => {
  expect(writeJson(Float64Array.of(0.1, -0, 1e21, 5e-324))).toBe("0.1,-0,1e+21,5e-324");
  expect(writeJson(['a"', "b"])).toBe('"a\\"","b"');
  expect(writeJson([true, false])).toBe("true,false");
});
