/** The binary tensor data extension over HTTP, raw requests, and compressed bodies. */

import { Buffer } from "node:buffer";
import { deflateSync, gunzipSync, gzipSync } from "node:zlib";
import type { Case } from "../case.js";
import type { HttpReply } from "../http-client.js";
import { check, Mismatch, NotApplicable } from "../mismatch.js";
import type { Probe } from "../probe.js";
import { hasItsElements, isCallersMistake, isOk, isRefused, lengthHeader, objectOf, readInfer } from "../reply.js";
import { type BinaryMessage, binaryMessage, joinBinary } from "../requests.js";
import { extension, http } from "../sources.js";
import { bytesOf, datatypes, joinRows, jsonInput } from "../tensors.js";
import { sameAnswer } from "./http-infer.js";
import { all, batch, input, inputsTwo, noHalf, outputsTwo, rawInput } from "./needs.js";

const asked = extension("binary_data", "binary-tensor-request");
const raw = extension("binary_data", "raw-binary-request");
const name = "binary_tensor_data";

const allBinary = { parameters: { binary_data_output: true } };

const takes = async (probe: Probe, message: BinaryMessage, headers = {}): Promise<void> => {
  const { outputs } = readInfer(await probe.inferBinary(message, headers));
  sameAnswer(outputs, await probe.answerTo(probe.model.row));
};

const binaryAnswer = async (probe: Probe, members: object = allBinary) =>
  readInfer(await probe.inferBinary(binaryMessage(probe.model.row, members)));

const good = (probe: Probe) => binaryMessage(probe.model.row);

/** A request with other sizes in its JSON than bytes behind it, or other bytes. */
function withSizes(probe: Probe, size: (bytes: Buffer) => unknown, change = (bytes: Buffer) => bytes): BinaryMessage {
  const binary = probe.model.row.map(bytesOf);
  const inputs = probe.model.row.map((tensor, index) => {
    const { data: _, ...head } = jsonInput(tensor);
    return { ...head, parameters: { binary_data_size: index === 0 ? size(binary[0]!) : binary[index]!.length } };
  });
  return joinBinary({ inputs }, [change(binary[0]!), ...binary.slice(1)]);
}

const broken: Readonly<Record<string, readonly [string, (probe: Probe) => BinaryMessage]>> = {
  "size-more": [
    "A size that is more than shape and data type ask for",
    (probe) =>
      withSizes(
        probe,
        (bytes) => bytes.length + 1,
        (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
      ),
  ],
  "size-fewer": [
    "A size that is less than shape and data type ask for",
    (probe) =>
      withSizes(
        probe,
        (bytes) => bytes.length - 1,
        (bytes) => bytes.subarray(1),
      ),
  ],
  "size-negative": ["A size below 0", (probe) => withSizes(probe, () => -1)],
  "size-text": ["A size that is text", (probe) => withSizes(probe, () => "eight")],
  "size-beyond": ["A size beyond the body", (probe) => withSizes(probe, () => 2 ** 40)],
  truncated: [
    "A body that ends before the announced bytes",
    (probe) => ({ ...good(probe), body: good(probe).body.subarray(0, -1) }),
  ],
  trailing: [
    "A body with more bytes than are announced",
    (probe) => ({ ...good(probe), body: Buffer.concat([good(probe).body, Buffer.alloc(3)]) }),
  ],
  "header-long": [
    "A header that is longer than the body",
    (probe) => ({ ...good(probe), length: String(good(probe).body.length + 1) }),
  ],
  "header-short": [
    "A header that ends within the JSON",
    (probe) => ({ ...good(probe), length: String(Number(good(probe).length) - 2) }),
  ],
  "header-text": ["A header that is no number", (probe) => ({ ...good(probe), length: "many" })],
  "header-negative": ["A header below 0", (probe) => ({ ...good(probe), length: "-1" })],
};

export const binaryCases: readonly Case[] = [
  ...Object.keys(datatypes).map(
    (datatype): Case => ({
      id: `http.binary.input-${datatype}`,
      rule: `A tensor of ${datatype} may be bytes behind the JSON, little-endian and row-major, and means what its JSON means.`,
      source: asked,
      extension: name,
      needs: input(datatype),
      check: async (probe) =>
        await takes(
          probe,
          binaryMessage(
            probe.model.row,
            // Half precision has no form in JSON, so its answer has to be bytes too.
            datatype === "FP16" ? allBinary : {},
            (tensor) => tensor.datatype === datatype,
          ),
        ),
    }),
  ),
  {
    id: "http.binary.mixed",
    rule: "Of a request's tensors some may be bytes and others JSON.",
    source: asked,
    extension: name,
    needs: inputsTwo,
    check: async (probe) =>
      await takes(
        probe,
        binaryMessage(probe.model.row, {}, (_, index) => index === 0),
      ),
  },
  {
    id: "http.binary.input-order",
    rule: "The bytes of the tensors stand in the order of the inputs in the JSON.",
    source: asked,
    extension: name,
    needs: inputsTwo,
    check: async (probe) => await takes(probe, binaryMessage([...probe.model.row].reverse())),
  },
  {
    id: "http.binary.batch",
    rule: "The rows of a batch follow each other in the bytes of a tensor.",
    source: asked,
    extension: name,
    needs: batch,
    check: async (probe) => {
      const rows = joinRows(probe.model.row, probe.model.otherRow ?? probe.model.row);
      sameAnswer(readInfer(await probe.inferBinary(binaryMessage(rows))).outputs, await probe.answerTo(rows));
    },
  },
  {
    id: "http.binary.header-case",
    rule: "The name of the header that has the length of the JSON may be written in any case.",
    source: http("5.1"),
    extension: name,
    check: async (probe) => {
      const { body, length } = good(probe);
      const headers = { "INFERENCE-HEADER-CONTENT-LENGTH": length };
      isOk(await probe.send("POST", `${probe.address}/infer`, { body, headers }));
    },
  },
  {
    id: "http.binary.output-all",
    rule: "With binary_data_output each output is bytes: its JSON has binary_data_size and no data.",
    source: asked,
    extension: name,
    check: async (probe) => {
      for (const { members } of (await binaryAnswer(probe)).outputs)
        check(!("data" in members), "an output without data", members);
    },
  },
  {
    id: "http.binary.output-header",
    rule: "An answer with bytes has the length of its JSON in Inference-Header-Content-Length.",
    source: asked,
    extension: name,
    check: async (probe) => {
      const length = (await binaryAnswer(probe)).headers[lengthHeader];
      check(length !== undefined, `the header ${lengthHeader}`, "none");
    },
  },
  {
    id: "http.binary.output-size",
    rule: "The bytes of an output are as many as its shape and data type ask for.",
    source: asked,
    extension: name,
    check: async (probe) => {
      for (const output of (await binaryAnswer(probe)).outputs) hasItsElements(output);
    },
  },
  {
    id: "http.binary.output-values",
    rule: "The bytes of an output are the elements that its JSON has.",
    source: asked,
    extension: name,
    needs: noHalf,
    check: async (probe) => sameAnswer((await binaryAnswer(probe)).outputs, readInfer(await probe.infer()).outputs),
  },
  {
    id: "http.binary.output-content-type",
    rule: "An answer with bytes isn't JSON by its content type: it is application/octet-stream.",
    source: asked,
    extension: name,
    check: async (probe) => {
      const type = (await binaryAnswer(probe)).headers["content-type"];
      check(/^application\/octet-stream\b/i.test(String(type)), "content-type application/octet-stream", type);
    },
  },
  {
    id: "http.binary.output-one",
    rule: "With binary_data of an output, that output is bytes.",
    source: asked,
    extension: name,
    check: async (probe) => {
      const outputs = [{ name: probe.model.outputs[0]!.name, parameters: { binary_data: true } }];
      const [output] = (await binaryAnswer(probe, { outputs })).outputs;
      check(output !== undefined && !("data" in output.members), "the output as bytes", output?.members);
    },
  },
  {
    id: "http.binary.output-false",
    rule: "An output whose binary_data is false is JSON, also where binary_data_output asks for bytes.",
    source: asked,
    extension: name,
    needs: noHalf,
    check: async (probe) => {
      const outputs = [{ name: probe.model.outputs[0]!.name, parameters: { binary_data: false } }];
      const [output] = readInfer(await probe.infer({ outputs, ...allBinary })).outputs;
      check(output !== undefined && "data" in output.members, "the output as JSON", output?.members);
    },
  },
  {
    id: "http.binary.output-default",
    rule: "An answer to a request with bytes is JSON where the request asks for no bytes.",
    source: asked,
    extension: name,
    needs: noHalf,
    check: async (probe) => {
      for (const { members } of readInfer(await probe.inferBinary(good(probe))).outputs)
        check("data" in members, "an output as JSON", members);
    },
  },
  {
    id: "http.binary.output-order",
    rule: "The bytes of the outputs stand in the order of the outputs in the answer's JSON.",
    source: asked,
    extension: name,
    needs: outputsTwo,
    check: async (probe) => {
      const outputs = probe.model.outputs.map((output) => ({ name: output.name })).reverse();
      sameAnswer((await binaryAnswer(probe, { ...allBinary, outputs })).outputs, await probe.answerTo(probe.model.row));
    },
  },
  {
    id: "http.binary.id",
    rule: "The JSON before the bytes has what an answer in JSON has: it repeats the id.",
    source: asked,
    extension: name,
    check: async (probe) => {
      const { id } = (await binaryAnswer(probe, { ...allBinary, id: "b-1" })).members;
      check(id === "b-1", "id: b-1", id);
    },
  },
  ...Object.entries(broken).map(
    ([what, [rule, message]]): Case => ({
      id: `http.binary.${what}`,
      rule: `${rule}: refused, with a status of 4xx and an error.`,
      source: asked,
      extension: name,
      check: async (probe) => isRefused(await probe.inferBinary(message(probe))),
    }),
  ),
  {
    id: "http.binary.header-missing",
    rule: "A request with bytes must have the header: without it the body isn't JSON, and is refused with 4xx and an error.",
    source: asked,
    extension: name,
    check: async (probe) => isRefused(await probe.send("POST", `${probe.address}/infer`, { body: good(probe).body })),
  },
  {
    id: "http.binary.text-length",
    rule: "An element of BYTES whose length goes beyond the tensor is refused: a status of 4xx and an error.",
    source: asked,
    extension: name,
    needs: all(noHalf, input("BYTES")),
    check: async (probe) => {
      const { row } = probe.model;
      const at = row.findIndex(({ datatype }) => datatype === "BYTES");
      const { body, length } = binaryMessage(row, {}, (_, index) => index === at);
      body.writeUInt32LE(0x7fffffff, Number(length));
      isRefused(await probe.inferBinary({ body, length }));
    },
  },
];

const rawMessage = (probe: Probe): BinaryMessage => ({ body: bytesOf(probe.model.row[0]!), length: "0" });

export const rawCases: readonly Case[] = [
  {
    id: "http.raw.infer",
    rule: "A header of 0 says that the body is the one input's bytes alone, as one row; it has the answer of that row.",
    source: raw,
    extension: name,
    needs: rawInput,
    check: async (probe) =>
      sameAnswer(readInfer(await probe.inferBinary(rawMessage(probe))).outputs, await probe.answerTo(probe.model.row)),
  },
  {
    id: "http.raw.outputs",
    rule: "The answer to a raw request has all outputs as bytes.",
    source: raw,
    extension: name,
    needs: rawInput,
    check: async (probe) => {
      const { outputs } = readInfer(await probe.inferBinary(rawMessage(probe)));
      check(outputs.length === probe.model.outputs.length, "all outputs", outputs.length);
      for (const { members } of outputs) check(!("data" in members), "an output as bytes", members);
    },
  },
  ...Object.entries({
    fewer: ["one byte less than a row", (bytes: Buffer) => bytes.subarray(1)],
    more: ["one byte more than a row", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
    empty: ["no bytes", () => Buffer.alloc(0)],
  } satisfies Record<string, [string, (bytes: Buffer) => Buffer]>).map(
    ([what, [words, change]]): Case => ({
      id: `http.raw.${what}`,
      rule: `A raw request of ${words} is refused: a status of 4xx and an error.`,
      source: raw,
      extension: name,
      needs: rawInput,
      check: async (probe) =>
        isRefused(await probe.inferBinary({ body: change(rawMessage(probe).body as Buffer), length: "0" })),
    }),
  ),
];

/** @throws NotApplicable for a server that doesn't have the coding and refuses it, as it may. */
function orUnsupported(reply: HttpReply, coding: string): HttpReply {
  if (reply.status >= 400 && reply.status < 500)
    throw new NotApplicable(`the server refuses the content coding ${coding} with ${reply.status}, as it may`);
  return reply;
}

const encode = { gzip: gzipSync, deflate: deflateSync } as const;

export const codingCases: readonly Case[] = [
  ...(["gzip", "deflate"] as const).map(
    (coding): Case => ({
      id: `http.coding.${coding}`,
      rule: `A body with content-encoding ${coding} means what the plain one means, or is refused: best with 415.`,
      source: http("8.4"),
      needs: noHalf,
      check: async (probe) => {
        const body = encode[coding](JSON.stringify(probe.request()));
        const headers = { "content-type": "application/json", "content-encoding": coding };
        const reply = orUnsupported(await probe.send("POST", `${probe.address}/infer`, { body, headers }), coding);
        sameAnswer(readInfer(reply).outputs, await probe.answerTo(probe.model.row));
      },
    }),
  ),
  {
    id: "http.coding.gzip-binary",
    rule: "The length of the JSON before bytes counts in the inflated body of a compressed request.",
    source: http("8.4"),
    extension: name,
    check: async (probe) => {
      const { body, length } = binaryMessage(probe.model.row, allBinary);
      const reply = await probe.inferBinary({ body: gzipSync(body), length }, { "content-encoding": "gzip" });
      sameAnswer(readInfer(orUnsupported(reply, "gzip")).outputs, await probe.answerTo(probe.model.row));
    },
  },
  {
    id: "http.coding.unknown",
    rule: "A body in a content coding that nobody knows is refused: a status of 4xx, best 415, or 501.",
    source: http("8.4"),
    needs: noHalf,
    check: async (probe) => {
      const headers = { "content-encoding": "x-conformance" };
      const reply = await probe.infer({}, undefined, { headers });
      if (reply.status !== 501) isCallersMistake(reply);
    },
  },
  {
    id: "http.coding.damaged",
    rule: "A body that isn't in the coding that it names is refused: a status of 4xx.",
    source: http("8.4"),
    needs: noHalf,
    check: async (probe) =>
      isCallersMistake(await probe.infer({}, undefined, { headers: { "content-encoding": "gzip" } })),
  },
  {
    id: "http.coding.accept-gzip",
    rule: "To whoever accepts gzip the answer comes plain, or in gzip with its content-encoding.",
    source: http("12.5.3"),
    needs: noHalf,
    check: async (probe) => {
      const reply = await probe.infer({}, undefined, { headers: { "accept-encoding": "gzip" } });
      const coding = reply.headers["content-encoding"] ?? "identity";
      check(coding === "gzip" || coding === "identity", "content-encoding gzip or none", coding);
      try {
        objectOf(coding === "gzip" ? { ...reply, body: gunzipSync(reply.body) } : reply);
      } catch (reason) {
        throw reason instanceof Mismatch ? reason : new Mismatch("a body in gzip", (reason as Error).message);
      }
    },
  },
  {
    id: "http.coding.accept-identity",
    rule: "To whoever accepts no coding the answer comes plain.",
    source: http("12.5.3"),
    needs: noHalf,
    check: async (probe) => {
      const reply = await probe.infer({}, undefined, { headers: { "accept-encoding": "identity" } });
      const coding = reply.headers["content-encoding"];
      check(coding === undefined || coding === "identity", "no content-encoding", coding);
      objectOf(reply);
    },
  },
];
