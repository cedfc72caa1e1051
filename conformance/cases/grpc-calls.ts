/** Streams of requests, and what the protocol of gRPC itself asks of a call. */

import { Buffer } from "node:buffer";
import type { Case } from "../case.js";
import { type Message, pathOf } from "../grpc-client.js";
import { orAbsent, outputsOf, textOf } from "../grpc-reply.js";
import { framed, type WireReply } from "../grpc-wire.js";
import { check, NotApplicable } from "../mismatch.js";
import { type Probe, unknownName } from "../probe.js";
import { grpcCore, protobuf, tritonProto } from "../sources.js";
import { sameAnswer } from "./http-infer.js";
import { noHalf } from "./needs.js";

async function streamed(probe: Probe, requests: readonly object[]) {
  const stream = orAbsent(await probe.stream("ModelStreamInfer", requests), "ModelStreamInfer");
  // The protocol itself has no such method: MLServer's replies with another message.
  if (stream.details.includes("Response message parsing error"))
    throw new NotApplicable("the server's ModelStreamInfer isn't Triton's: it has another reply");
  check(stream.code === "OK", "an end with status OK", textOf(stream));
  return stream.replies as Message[];
}

const streamCases: readonly Case[] = [
  {
    id: "grpc.stream.reply",
    rule: "A request on a stream is answered as ModelInfer answers it, in infer_response.",
    check: async (probe: Probe) => {
      const [reply] = await streamed(probe, [probe.grpcRequest()]);
      check(reply?.error_message === "", "no error_message", reply);
      sameAnswer(outputsOf(reply.infer_response), await probe.answerTo(probe.model.row));
    },
  },
  {
    id: "grpc.stream.each",
    rule: "Each request on a stream has a reply, and the stream ends with OK after the last.",
    check: async (probe: Probe) => {
      const replies = await streamed(probe, [probe.grpcRequest(), probe.grpcRequest(), probe.grpcRequest()]);
      check(replies.length === 3, "three replies", replies.length);
    },
  },
  {
    id: "grpc.stream.ids",
    rule: "The replies of a stream repeat the ids of its requests, each once.",
    check: async (probe: Probe) => {
      const replies = await streamed(probe, [probe.grpcRequest({ id: "1" }), probe.grpcRequest({ id: "2" })]);
      const ids = replies.map((reply) => reply.infer_response?.id).sort();
      check(String(ids) === "1,2", "ids 1 and 2", ids);
    },
  },
  {
    id: "grpc.stream.error",
    rule: "A request on a stream that fails is a reply with error_message, and the stream goes on.",
    check: async (probe: Probe) => {
      const bad = probe.grpcRequest({ model_name: unknownName });
      const replies = await streamed(probe, [probe.grpcRequest(), bad, probe.grpcRequest()]);
      const failed = replies.filter((reply) => reply.error_message !== "").length;
      check(replies.length === 3 && failed === 1, "one error and two answers", replies);
    },
  },
].map((each) => ({ ...each, source: tritonProto, needs: noHalf }));

const wireText = grpcCore("doc/PROTOCOL-HTTP2.md");

const wireLive = async (probe: Probe, headers = {}, message: Buffer = Buffer.alloc(0)): Promise<WireReply> =>
  await probe.wire({ path: pathOf("ServerLive"), headers, frames: [framed(message)] });

function isWireOk(reply: WireReply): WireReply {
  check(reply.status === "0", "grpc-status 0", { status: reply.status, message: reply.trailers["grpc-message"] });
  return reply;
}

async function wireInfer(probe: Probe, frames: (message: Buffer) => Buffer[]): Promise<void> {
  const message = probe.encode("ModelInfer", probe.grpcRequest());
  const { body } = isWireOk(await probe.wire({ path: pathOf("ModelInfer"), frames: frames(message) }));
  const outputs = outputsOf(probe.decode("ModelInfer", body.subarray(5)));
  sameAnswer(outputs, await probe.answerTo(probe.model.row));
}

/** Field 99, a text: nobody knows it. */
const unknownField = Buffer.from([0x9a, 0x06, 0x03, 0x61, 0x62, 0x63]);

const wireCases: readonly Case[] = [
  {
    id: "grpc.wire.content-type",
    rule: "The content type of an answer begins with application/grpc.",
    source: wireText,
    check: async (probe) => {
      const type = (await wireLive(probe)).headers["content-type"];
      check(String(type).startsWith("application/grpc"), "application/grpc", type);
    },
  },
  {
    id: "grpc.wire.trailers",
    rule: "The status of an answer with a message stands in the trailers.",
    source: wireText,
    check: async (probe) => {
      const { trailers } = await wireLive(probe);
      check(trailers["grpc-status"] === "0", "grpc-status 0 in the trailers", trailers);
    },
  },
  {
    id: "grpc.wire.suffix",
    rule: "The content type application/grpc+proto is taken.",
    source: wireText,
    check: async (probe) => void isWireOk(await wireLive(probe, { "content-type": "application/grpc+proto" })),
  },
  {
    id: "grpc.wire.unknown-field",
    rule: "A field of a message that the server doesn't know is skipped.",
    source: protobuf("proto3#unknowns"),
    needs: noHalf,
    check: async (probe) => await wireInfer(probe, (message) => [framed(Buffer.concat([message, unknownField]))]),
  },
  {
    id: "grpc.wire.split",
    rule: "A message may come in any number of DATA frames.",
    source: wireText,
    needs: noHalf,
    check: async (probe) =>
      await wireInfer(probe, (message) => {
        const bytes = framed(message);
        return [bytes.subarray(0, 3), bytes.subarray(3, 9), bytes.subarray(9)];
      }),
  },
  {
    id: "grpc.wire.damaged",
    rule: "A message that isn't protobuf ends with a status other than OK.",
    source: wireText,
    check: async (probe) => {
      const path = pathOf("ModelInfer");
      const { status } = await probe.wire({ path, frames: [framed(Buffer.from([0x0a, 0xff, 0xff]))] });
      check(status !== "0", "a status other than 0", status);
    },
  },
  ...(["1H", "2M", "60S", "60000m", "60000000u"] as const).map(
    (timeout): Case => ({
      id: `grpc.deadline.${timeout.replace(/\d+/, "")}`,
      rule: `A call with the deadline ${timeout}, which is far, is answered.`,
      source: wireText,
      check: async (probe) => void isWireOk(await wireLive(probe, { "grpc-timeout": timeout })),
    }),
  ),
  {
    id: "grpc.deadline.passed",
    rule: "A call whose deadline has passed ends: answered all the same, with DEADLINE_EXCEEDED, CANCELLED or UNAVAILABLE, or reset.",
    source: grpcCore("doc/statuscodes.md"),
    needs: noHalf,
    check: async (probe) => {
      const frames = [framed(probe.encode("ModelInfer", probe.grpcRequest()))];
      const { status } = await probe.wire({ path: pathOf("ModelInfer"), headers: { "grpc-timeout": "1n" }, frames });
      check([undefined, "0", "1", "4", "14"].includes(status), "grpc-status 0, 1, 4, 14 or none", status);
      isWireOk(await wireLive(probe));
    },
  },
];

export const grpcCallCases: readonly Case[] = [...streamCases, ...wireCases];
