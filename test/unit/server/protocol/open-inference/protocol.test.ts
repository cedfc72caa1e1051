/** Goal: answers have the form of the protocol, in JSON, as binary data or both; in slices as in one go. */

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../../../../preprocessing/index.js";
import { type ErrorCode, errorTable, ServeError } from "../../../../../server/errors.js";
import { takeWhole } from "../../../../../server/path/sliced-work.js";
import { openInference } from "../../../../../server/protocol/open-inference/protocol.js";
import type { AnsweredCall } from "../../../../../server/protocol/protocol.js";
import {
  decode,
  headOf,
  lengthHeader,
  makeContract,
  makeMessage,
  price,
  readReply,
} from "../../../../support/open-inference.js";

const classes = makeContract({ labels: ["no", "yes"], hasProbabilities: true });
const twoRows: Answer = { predictions: ["no", "yes"], probabilities: Float64Array.of(0.75, 0.25, 0.1, 0.9) };

function callOf(members: object, contract = classes, fallback?: AnsweredCall["fallback"]) {
  const request = decode(makeMessage([price(1, 2)], members), contract);
  return {
    requestId: "r1",
    request,
    rowIndexes: undefined,
    unanswered: undefined,
    rowErrors: undefined,
    fallback,
    fallbackRows: undefined,
  };
}

const encode = (members: object, answer = twoRows, contract = classes, fallback?: AnsweredCall["fallback"]) =>
  openInference.encode(openInference.frame(contract), callOf(members, contract, fallback), answer);

const asBinary = { parameters: { binary_data_output: true } };

describe("an answer", () => {
  it("is JSON by default", () => {
    expect(encode({})).toEqual({
      contentType: "application/json",
      headers: [],
      body: '{"model_name":"demand","model_version":"3","outputs":[{"name":"prediction","datatype":"BYTES","shape":[2,1],"data":["no","yes"]},{"name":"probabilities","datatype":"FP64","shape":[2,2],"data":[0.75,0.25,0.1,0.9]}]}',
    });
  });

  it("repeats the id, and says where a fallback answered", () => {
    const { body } = encode({ id: 'a"\u2028' }, twoRows, classes, "overloaded");
    expect(JSON.parse(body as string)).toMatchObject({ id: 'a"\u2028', parameters: { fallback: "overloaded" } });
  });

  it.each([
    ["labels", classes, twoRows],
    ["numbers", makeContract(), { predictions: [0.1, -0], probabilities: undefined }],
    [
      "lists",
      makeContract({ names: ["a", "b"] }),
      {
        predictions: [
          [1, 2],
          [3, 4.5],
        ],
        probabilities: undefined,
      },
    ],
    ["whole labels", makeContract({ labels: [0, 9] }), { predictions: [9, 0], probabilities: undefined }],
    ["truth values", makeContract({ labels: [false, true] }), { predictions: [true, false], probabilities: undefined }],
  ])("of %s is the same as binary data", (_, contract, answer) => {
    const text = encode({ id: "7" }, answer, contract);
    const binary = encode({ id: "7", ...asBinary }, answer, contract);
    expect(binary.contentType).toBe("application/octet-stream");
    expect(binary.headers[0]).toBe(lengthHeader);
    expect(readReply(binary.body, binary.headers[1])).toEqual(readReply(text.body, undefined));
  });

  it("has some outputs as JSON and some as binary data", () => {
    const outputs = [
      { name: "probabilities", parameters: { binary_data: true } },
      { name: "prediction", parameters: { binary_data: false } },
    ];
    const { body, headers } = encode({ outputs });
    const text = Buffer.from(body).toString("latin1", 0, Number(headers[1]));
    expect(JSON.parse(text).outputs).toEqual([
      { name: "probabilities", datatype: "FP64", shape: [2, 2], parameters: { binary_data_size: 32 } },
      { name: "prediction", datatype: "BYTES", shape: [2, 1], data: ["no", "yes"] },
    ]);
    expect(readReply(body, headers[1]).outputs[0]!.data).toEqual([0.75, 0.25, 0.1, 0.9]);
  });

  it.each([false, true])("has classes (binary: %s)", (binary_data) => {
    const outputs = [{ name: "probabilities", parameters: { classification: 1, binary_data } }];
    const { body, headers } = encode({ outputs });
    expect(readReply(body, headers[1]).outputs).toEqual([
      { name: "probabilities", datatype: "BYTES", shape: [2, 1], data: ["0.75:0:no", "0.9:1:yes"] },
    ]);
  });

  it.each([
    {},
    asBinary,
    { outputs: [{ name: "prediction", parameters: { binary_data: true } }, { name: "probabilities" }] },
  ])("is the same in slices: %j", (members) => {
    const whole = encode(members);
    const call = callOf(members);
    const { pieces, ...head } = openInference.sliced!.encode(openInference.frame(classes), call, twoRows, 1);
    const body = Buffer.concat(pieces.map((write) => Buffer.from(write())));
    expect({ ...head, body }).toEqual({ ...whole, body: Buffer.from(whole.body as string) });
  });
});

describe("a request", () => {
  it.each([false, true])("is the same in slices (binary: %s)", (isBinary) => {
    const contract = makeContract({ rowsMax: 5000 });
    const values = Float64Array.from({ length: 3000 }, (_, i) => i / 7);
    const bytes = Buffer.from(values.buffer);
    const tensor = { name: "price", datatype: "FP64", shape: [3000] };
    const window = {
      name: "window",
      datatype: "INT32",
      shape: [3000, 3],
      data: Array.from({ length: 9000 }, (_, i) => i),
    };
    const message = makeMessage([isBinary ? { ...tensor, bytes } : { ...tensor, data: [...values] }, window]);
    const slices = openInference.sliced!.decode(message.body, headOf(message.header), contract);
    expect(takeWhole(slices)).toEqual(decode(message, contract));
  });

  it("whose header is wrong is refused at once, in slices too", () => {
    expect(() => openInference.sliced!.decode(Buffer.from("{}"), headOf("9"), classes)).toThrow(ServeError);
  });
});

describe("a refusal", () => {
  it.each(Object.keys(errorTable) as ErrorCode[])("of %s is one string, with the protocol's status", (code) => {
    const { status, body, contentType } = openInference.refuse(new ServeError(code, 'what "is" wrong'), "r1");
    expect(JSON.parse(body as string)).toEqual({ error: 'what "is" wrong' });
    expect(contentType).toBe("application/json");
    const { http } = errorTable[code];
    expect(status).toBe(http === 415 || http === 422 ? 400 : http);
  });
});
