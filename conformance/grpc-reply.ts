/** What an answer over gRPC has to be, in words that a report can print. */

import type { GrpcAnswer, Message } from "./grpc-client.js";
import { check, NotApplicable } from "./mismatch.js";
import type { Output } from "./reply.js";
import { contentsField, type Value, valuesOf } from "./tensors.js";

/** Statuses that say that the caller's request is wrong, not the server. */
const callersMistakes = ["INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED"];

export const textOf = ({ code, details }: Pick<GrpcAnswer, "code" | "details">): string => `${code} ${details}`.trim();

/** The message of an answer with status OK. */
export function replyOf(answer: GrpcAnswer): Message {
  check(answer.code === "OK", "status OK", textOf(answer));
  return answer.reply;
}

/** The caller's mistake, by a status of its own and with a message. */
export function isRefused(answer: Pick<GrpcAnswer, "code" | "details">): void {
  const expected = `one of ${callersMistakes.join(", ")}, with a message`;
  check(callersMistakes.includes(answer.code) && answer.details !== "", expected, textOf(answer));
}

/** @throws NotApplicable where the server doesn't have the method of an extension that isn't listed. */
export function orAbsent<Answer extends Pick<GrpcAnswer, "code">>(answer: Answer, what: string): Answer {
  if (answer.code === "UNIMPLEMENTED") throw new NotApplicable(`the server has no ${what}`);
  return answer;
}

/** The outputs of a ModelInferResponse, in whichever form they come. */
export function outputsOf(reply: Message): Output[] {
  const raw: readonly Buffer[] = reply.raw_output_contents;
  return reply.outputs.map((members: Message, index: number): Output => {
    const { name, datatype, shape, contents } = members;
    const values =
      raw.length > 0
        ? valuesOf(datatype, raw[index] ?? Buffer.alloc(0))
        : ((contents?.[contentsField(datatype)] ?? []) as unknown[]).map(
            (value): Value => (Buffer.isBuffer(value) ? value.toString() : (value as Value)),
          );
    check(values !== undefined, `bytes of ${datatype} for ${name}`, raw[index]?.length);
    return { name, datatype, shape, values, members };
  });
}
