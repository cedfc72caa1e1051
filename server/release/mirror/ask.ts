/** One request to a mirror, bounded in time and bytes; redirects aren't followed. */

import { Buffer } from "node:buffer";
import { type Agent, type ClientRequest, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { refusedCode } from "./hosts.js";

/** Why there is no answer. `status` is one of 4xx, which says nothing of the mirror's health. */
export const askFailures = [
  "connection",
  "timeout",
  "refused_address",
  "redirect",
  "status",
  "server_error",
  "too_large",
  "malformed",
] as const;
export type AskFailure = (typeof askFailures)[number];

export interface Ask {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  readonly agent: Agent;
  readonly lookup: LookupFunction;
}

/** @param done - Called once. @returns What ends it. */
export function ask(what: Ask, done: (answer: Buffer | AskFailure) => void): () => void {
  let isDone = false;
  let request: ClientRequest | undefined;
  const settle = (answer: Buffer | AskFailure) => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    if (typeof answer === "string") request?.destroy();
    done(answer);
  };
  const timer = setTimeout(settle, what.timeoutMs, "timeout").unref();
  const send = (isAgain: boolean) => {
    request = begin(what, settle);
    request.on("error", (error: NodeJS.ErrnoException) => {
      // A kept connection may be closed by its server just as it is used: that is no failure of the mirror.
      if (request!.reusedSocket && error.code === "ECONNRESET" && !isAgain && !isDone) return send(true);
      settle(error.code === refusedCode ? "refused_address" : "connection");
    });
    request.end(what.body);
  };
  send(false);
  return () => settle("connection");
}

function begin(what: Ask, settle: (answer: Buffer | AskFailure) => void): ClientRequest {
  const { url, body, headers, answerBytesMax, agent, lookup } = what;
  const open = url.startsWith("https:") ? requestHttps : requestHttp;
  const length = { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) };
  return open(url, { method: "POST", headers: { ...headers, ...length }, agent, lookup }, (reply) => {
    const status = reply.statusCode!;
    reply.on("error", () => settle("connection"));
    if (status >= 300 && status < 400) return settle("redirect");
    if (status !== 200) return settle(status >= 400 && status < 500 && status !== 429 ? "status" : "server_error");
    const pieces: Buffer[] = [];
    let bytes = 0;
    reply.on("data", (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > answerBytesMax) settle("too_large");
      else pieces.push(piece);
    });
    reply.on("end", () => settle(Buffer.concat(pieces)));
  });
}
