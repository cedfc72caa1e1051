/** `plumb predict BUNDLE`: JSON lines in, one line out for each, through the code that serves. */

import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { parseArgs } from "node:util";
import { encodeNumber } from "../bundle/index.js";
import { Call } from "../server/call.js";
import { predict } from "../server/predict.js";
import type { RunBatch } from "../server/versions/prove.js";
import { pathFor } from "../server/versions/prove.js";
import { type OpenVersion, openVersion } from "./open-version.js";

/** @returns The exit code: 0 although single rows may have failed (their lines say so), 1 if the bundle or a file can't be read, 2 wrong usage. */
export async function predictLines(args: readonly string[]): Promise<number> {
  let positionals: string[];
  let values: { input?: string; output?: string; features?: boolean };
  try {
    const options = { input: { type: "string" }, output: { type: "string" }, features: { type: "boolean" } } as const;
    ({ positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true }));
    if (positionals.length !== 1) throw new Error("expected one bundle's folder");
  } catch (error) {
    process.stderr.write(`plumb predict: ${(error as Error).message}\n`);
    return 2;
  }
  try {
    const open = await openVersion(positionals[0]!);
    const input = values.input === undefined ? process.stdin : createReadStream(values.input);
    const output = values.output === undefined ? process.stdout : createWriteStream(values.output);
    await answerLines(open, input, output, values.features === true);
    open.runner.release();
    return 0;
  } catch (error) {
    // A reader that has seen enough (`| head`) is no failure.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return 0;
    process.stderr.write(`plumb predict: ${(error as Error).message}\n`);
    return 1;
  }
}

async function answerLines(
  { version, runner }: OpenVersion,
  input: AsyncIterable<Buffer>,
  output: NodeJS.WritableStream,
  withFeatures: boolean,
): Promise<void> {
  let failure: Error | undefined;
  output.on("error", (error) => {
    failure = error;
  });
  const runBatch: RunBatch = (blocks, rowCount) => runner.run(blocks, rowCount);
  const path = pathFor(version, runBatch);
  let lineNumber = 0;
  for await (const line of splitLines(input)) {
    if (failure) throw failure;
    let answer = "";
    // With a runner on this thread the call is answered before `predict` returns.
    const call = new Call({ send: (_status, text) => (answer = text) }, 0, undefined, undefined, "application/json", "");
    call.requestId = `line-${++lineNumber}`;
    call.body = line;
    predict(path, call);
    const features = withFeatures && call.error === undefined ? `,"features":[${featureValues(call)}]}` : "}";
    if (!output.write(`${answer.slice(0, -1)}${features}\n`)) await Promise.race([once(output, "drain"), once(output, "close")]);
  }
  if (output !== process.stdout) {
    output.end();
    await once(output, "finish");
  }
  if (failure) throw failure;
}

/** The cast blocks, side by side. */
function featureValues({ blocks }: Call): string {
  return blocks.map((block) => Array.from(block, (value) => JSON.stringify(encodeNumber(value))).join(",")).join(",");
}

/** Lines as bytes: decoding them, and refusing what isn't UTF-8, is the codec's business. */
async function* splitLines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      yield bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield rest;
}
