/** The `conformance` command: holds a running server to the Open Inference Protocol, case by case. */

import { readFileSync, writeFileSync } from "node:fs";
import { type Flags, type FlagValues, flagsHelp, OptionError, outputFile, parseFlags } from "../loadtest/options.js";
import { allCases } from "./cases/all.js";
import { parseRequest } from "./model.js";
import { reportJson, reportText } from "./report.js";
import { Suite } from "./suite.js";

const flags: Flags = {
  url: { value: "URL", help: "the server, as http://127.0.0.1:8080 (the default)" },
  grpc: { value: "ADDRESS", help: "its gRPC listener, as 127.0.0.1:9000; without it those cases are skipped" },
  model: { value: "NAMES", help: "models to ask, with commas between; a case takes the first that can show its rule" },
  header: { value: "HEADER", help: "sent with every request, as 'authorization: Bearer ...'" },
  request: {
    value: "FILE",
    help: "a JSON inference request of one row for the first model, in the place of a made one",
  },
  only: { value: "PREFIX", help: "cases whose id begins so" },
  skip: { value: "IDS", help: "cases to leave out, with commas between: those that end the server" },
  unload: { help: "also unload and load the model, where the server has the extension model_repository" },
  json: { value: "FILE", help: "where the results go as JSON" },
  list: { help: "print every case with its rule and its source, and ask nothing" },
};

const usage = `npm run conformance -- --model NAMES [flags]

${flagsHelp(flags)}

A case passes, fails, or is skipped for a reason. Exit code 0: none failed, 1: some failed, 2: wrong usage.`;

/**
 * @param say - Takes each piece of text for the caller.
 * @returns The exit code: 0 where no case failed, 1 where one did.
 * @throws OptionError on wrong usage, or where the server doesn't take a row of the model.
 */
export async function conformance(args: readonly string[], say: (text: string) => void): Promise<number> {
  const values = parseFlags(args, flags);
  if (values.has("help")) {
    say(usage);
    return 0;
  }
  const cases = allCases.filter(({ id }) => id.startsWith(values.get("only") ?? ""));
  if (cases.length === 0) throw new OptionError(`--only: no case begins with ${JSON.stringify(values.get("only"))}`);
  if (values.has("list")) {
    say(cases.map(({ id, rule, source }) => `${id}\n  ${rule}\n  ${source}`).join("\n"));
    return 0;
  }
  const json = outputFile(values, "json");
  const suite = await open(values);
  try {
    const results = await suite.run(cases, namesOf(values.get("skip")));
    say(reportText(suite.server, results));
    if (json !== undefined) writeFileSync(json, reportJson(suite.server, results));
    return results.some(({ verdict }) => verdict === "fail") ? 1 : 0;
  } finally {
    suite.close();
  }
}

async function open(values: FlagValues): Promise<Suite> {
  const models = namesOf(values.get("model"));
  if (models.length === 0) throw new OptionError("--model: name the models to ask, as --model demand,digits");
  const url = values.get("url") ?? "http://127.0.0.1:8080";
  if (!URL.canParse(url) || new URL(url).protocol !== "http:")
    throw new OptionError(`--url: expected an address as http://127.0.0.1:8080, got ${JSON.stringify(url)}`);
  const mayUnload = values.has("unload");
  const headers = readHeader(values.get("header"));
  const request = readRequestFile(values.get("request"));
  try {
    return await Suite.open({ url, grpc: values.get("grpc"), models, mayUnload, headers, request });
  } catch (reason) {
    throw new OptionError((reason as Error).message);
  }
}

function readHeader(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new OptionError(`--header: expected "name: value", got ${JSON.stringify(text)}`);
  return { [name.toLowerCase()]: value! };
}

function readRequestFile(file: string | undefined) {
  if (file === undefined) return undefined;
  try {
    return parseRequest(readFileSync(file, "utf8"));
  } catch (reason) {
    throw new OptionError(`--request: ${file}: ${(reason as Error).message}`);
  }
}

function namesOf(text = ""): string[] {
  return text.split(",").filter((name) => name !== "");
}
