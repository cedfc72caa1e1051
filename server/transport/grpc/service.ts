/**
 * gRPC as the rest of the server sees it: services are methods by name, a method takes the messages of a stream and
 * answers through its exchange. Who serves them is `listener.ts`.
 */

import type { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import { type ErrorDetail, statusHeaders } from "../../protocol/protobuf/status.js";

/** One stream, and what is answered on it. */
export interface GrpcExchange {
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string;
  /** Monotonic clock, milliseconds. */
  readonly arrivedMs: number;
  /** As `grpc-timeout` says; 0 if the caller names no time. */
  readonly timeoutMs: number;
  readonly requestId: string;
  /** Answered to the end, or its caller has left. */
  readonly done: boolean;
  /** @returns "" where the request doesn't have it. */
  header(name: string): string;
  /** Sends a message; dropped once the exchange is done. */
  write(message: Uint8Array): void;
  /**
   * Ends the stream; later calls do nothing.
   *
   * @param trailers - Names and values in turn, free of line breaks; the status is among them.
   * @param message - The last one: sent with the end in one write.
   */
  end(trailers: readonly string[], message?: Uint8Array): void;
  /**
   * Ends it with an error of the one table.
   *
   * @param detailsOf - Details beside those that every error has, of the error as callers are told it.
   */
  fail(error: ServeError, detailsOf?: (error: ServeError) => readonly ErrorDetail[]): void;
  /** Stops reading messages, and goes on. */
  pause(): void;
  resume(): void;
}

/** What takes a stream's messages. What it throws ends the stream with that error. */
export interface MessageReceiver {
  onMessage(message: Buffer): void;
  /** The caller has sent all. */
  onEnd(): void;
  /** The caller has left, or its time is over, before the exchange was done. */
  onGone(): void;
  /** Whether callers may keep the stream open without sending anything. */
  readonly mayIdle?: boolean;
  /** The server ends: a stream that would stay open has to end itself. */
  onDrain?(): void;
}

export type Method = (exchange: GrpcExchange) => MessageReceiver;

export interface GrpcService {
  /** `inference.GRPCInferenceService` */
  readonly name: string;
  readonly methods: Readonly<Record<string, Method>>;
}

/** A method of one message; `onGone` is called only once the request is taken. */
export function unary(
  take: (message: Buffer, exchange: GrpcExchange) => void,
  onGone: (exchange: GrpcExchange) => void = () => {},
): Method {
  return (exchange) => {
    let message: Buffer | undefined;
    return {
      onMessage(next) {
        if (message !== undefined) throw new ServeError("malformed_body", "expected one message, got two or more");
        message = next;
      },
      onEnd() {
        if (message === undefined) throw new ServeError("malformed_body", "expected one message, got none");
        take(message, exchange);
      },
      onGone: () => onGone(exchange),
    };
  };
}

/** A method that has its answer at once. What `answer` throws ends the call with that error. */
export function answers(answer: (message: Buffer, exchange: GrpcExchange) => Uint8Array): Method {
  return unary((message, exchange) => {
    exchange.end(okTrailers, answer(message, exchange));
  });
}

export const okTrailers = statusHeaders("OK");

const unitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/** A day: further is no deadline. */
const timeoutMsMax = 86_400_000;

/**
 * @param text - Of the header `grpc-timeout`: at most 8 digits and a unit.
 * @returns Milliseconds; 0 without the header. One that is over already is the shortest that there is.
 * @throws {@link ServeError} invalid_request.
 */
export function parseTimeout(text: string): number {
  if (text === "") return 0;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined) {
    const got = JSON.stringify(text.slice(0, 32));
    throw new ServeError(
      "invalid_request",
      `grpc-timeout: expected at most 8 digits and one of H M S m u n, got ${got}`,
    );
  }
  return Math.min(timeoutMsMax, Math.max(0.001, Number(digits) * unitsMs[unit!]!));
}
