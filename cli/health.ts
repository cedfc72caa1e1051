/**
 * `plumb health`: asks the server that the same settings would start whether it is well. For a container's health
 * check, which has no curl.
 */

import { request } from "node:http";
import { readConfig } from "../server/config.js";
import { reachableHost } from "../server/transport/address.js";

/** A server that takes longer to say that it is ready isn't. */
const timeoutMsDefault = 2_000;

/**
 * @param args - `--live`, `--timeout-ms N`, and the settings of serve.
 * @returns The exit code: 0 if the server says so, 1 if it doesn't or nobody answers in time, 2 wrong usage.
 */
export async function health(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  workingDirectory: string,
): Promise<number> {
  let question: Question;
  try {
    question = readQuestion(args, environment, workingDirectory);
  } catch (error) {
    process.stderr.write(`plumb health: ${(error as Error).message}\n`);
    return 2;
  }
  try {
    const status = await ask(question);
    process.stdout.write(`${question.url}: ${status}\n`);
    return status === 200 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`plumb health: ${question.url} didn't answer: ${(error as Error).message}\n`);
    return 1;
  }
}

interface Question {
  readonly url: string;
  readonly timeoutMs: number;
}

function readQuestion(args: readonly string[], environment: NodeJS.ProcessEnv, workingDirectory: string): Question {
  const settings: string[] = [];
  let path = "/health/ready";
  let timeoutMs = timeoutMsDefault;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--live") path = "/health/live";
    else if (args[i] === "--timeout-ms") timeoutMs = readTimeout(args[++i]);
    else settings.push(args[i]!);
  }
  const { host, httpPort } = readConfig(settings, environment, workingDirectory);
  if (httpPort === 0) throw new Error("the http port is 0, any free one: only the server knows which; say --http-port");
  return { url: `http://${reachableHost(host)}:${httpPort}${path}`, timeoutMs };
}

function readTimeout(text: string | undefined): number {
  const value = /^\d{1,6}$/.test(text ?? "") ? Number(text) : 0;
  if (value === 0)
    throw new Error(`the flag --timeout-ms: expected 1 to 999999 milliseconds, got ${JSON.stringify(text)}`);
  return value;
}

async function ask({ url, timeoutMs }: Question): Promise<number> {
  return new Promise((resolve, reject) => {
    // The signal bounds the whole exchange, also a reply that trickles.
    const asked = request(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (reply) => {
      reply
        .on("error", reject)
        .on("end", () => resolve(reply.statusCode!))
        .resume();
    });
    asked
      .on("error", (error) => reject(error.name === "AbortError" ? new Error(`not within ${timeoutMs} ms`) : error))
      .end();
  });
}
