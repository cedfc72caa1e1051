/** `plumb predict BUNDLE`: JSON lines in, one line out for each, through the code that serves. */

import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { encodeNumber } from "../bundle/index.js";
import type { EngineSetting } from "../server/inference/engines.js";
import type { Call, Reply } from "../server/path/call.js";
import { createLocalPath, localCall } from "../server/path/local-path.js";
import { predictJson } from "../server/protocol/predict-json/protocol.js";
import { type OpenVersion, openVersion, parseEngine } from "../server/versions/open-version.js";

/**
 * @returns The exit code: 0 although single rows may have failed (their lines say so), 1 if the bundle or a file can't
 *   be read, 2 wrong usage.
 */
export async function predictLines(args: readonly string[]): Promise<number> {
  let positionals: string[];
  let values: { input?: string; output?: string; features?: boolean; raw?: boolean; engine?: string };
  let engine: EngineSetting;
  try {
    const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
    const options = { input: text, output: text, features: flag, raw: flag, engine: text };
    ({ positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true }));
    if (positionals.length !== 1) throw new Error("expected one bundle's folder");
    engine = parseEngine(values.engine);
  } catch (error) {
    process.stderr.write(`plumb predict: ${(error as Error).message}\n`);
    return 2;
  }
  try {
    const open = await openVersion(positionals[0]!, engine);
    const input = values.input === undefined ? process.stdin : createReadStream(values.input);
    const output = values.output === undefined ? process.stdout : createWriteStream(values.output);
    const answers = (chunks: AsyncIterable<Buffer>) => answerLines(chunks, createAnswerLine(open, values));
    await pipeline(input, answers, output, { end: output !== process.stdout });
    open.runner.release();
    return 0;
  } catch (error) {
    // A reader that has seen enough (`| head`) is no failure.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return 0;
    process.stderr.write(`plumb predict: ${(error as Error).message}\n`);
    return 1;
  }
}

/** Takes a line and its number to the line that answers it. */
type AnswerLine = (line: Buffer, lineNumber: number) => string;

/** What an answer shows beside itself: what went into the models, and what came out of them. */
interface Shown {
  features?: boolean;
  raw?: boolean;
}

function createAnswerLine({ version, runner }: OpenVersion, shown: Shown): AnswerLine {
  const path = createLocalPath(version, (blocks, rowCount) => runner.run(blocks, rowCount));
  return (line, lineNumber) => {
    let answer = "";
    // With a runner on this thread the call is answered before `predict` returns.
    const requestId = `line-${lineNumber}`;
    const reply: Reply = {
      send: ({ body }) => (answer = body.toString()),
      refuse: (error) => (answer = predictJson.refuse(error, requestId).body.toString()),
    };
    const call = localCall(reply, requestId, line);
    path.predict(call);
    if (call.error !== undefined) return `${answer}\n`;
    const features = shown.features ? `,"features":[${blockValues(call.blocks)}]` : "";
    const raw = shown.raw ? `,"raw":[${blockValues(call.raw)}]` : "";
    return `${answer.slice(0, -1)}${features}${raw}}\n`;
  };
}

/** All values of all blocks, one after the other. */
function blockValues(blocks: Call["blocks"]): string {
  return blocks.map((block) => Array.from(block, (value) => JSON.stringify(encodeNumber(value))).join(",")).join(",");
}

/**
 * Lines stay bytes: decoding them, and refusing what isn't UTF-8, is the codec's business. What is answered together is
 * written together.
 */
async function* answerLines(chunks: AsyncIterable<Buffer>, answerLine: AnswerLine): AsyncGenerator<string> {
  let lineNumber = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let answers = "";
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      answers += answerLine(bytes.subarray(0, end), ++lineNumber);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
    if (answers !== "") yield answers;
  }
  if (rest.length > 0) yield answerLine(rest, ++lineNumber);
}
