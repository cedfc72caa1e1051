/** `npm run bench`: Plumb beside the raw limit, a plain peer and bare ONNX Runtime, in one run on this machine. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareOnnxUsPerRow } from "./bench/bare-onnx.js";
import { coldStartRounds } from "./bench/cold-start.js";
import { largeRounds, rowsPerRequest } from "./bench/large-requests.js";
import { latencyRounds } from "./bench/latency.js";
import { describeMachine } from "./bench/machine.js";
import { memoryUnderLoad } from "./bench/memory.js";
import { replaceMeasured, reportMarkdown, reportText } from "./bench/report.js";
import type { BenchResult } from "./bench/result.js";
import { checkSameAnswers } from "./bench/same-answers.js";
import { type Contender, contenders, throughputRounds } from "./bench/throughput.js";
import { createAutocannon, createWrk, withOwnClientAtOne } from "./generators.js";
import { type Flags, flagsHelp, numberFlag, parseFlags } from "./options.js";
import { runAsProgram } from "./program.js";
import { packageVersion, projectRoot } from "./project.js";
import { createRandom } from "./random.js";
import { demandRows } from "./rows.js";
import { connectionLevels } from "./scenarios/saturation.js";
import { createScratchFolder } from "./scratch.js";
import { freePorts, type ServerProcess, startPlumb, startServer } from "./server-process.js";
import type { Target } from "./target.js";

const flags: Flags = {
  rounds: { value: "N", help: "paired rounds (9; quick: 3)" },
  seconds: { value: "S", help: "whole seconds of load on each server in a round (2; quick: 1)" },
  quick: { help: "fewer and shorter rounds: for a look, not for the record" },
  seed: { value: "N", help: "seed of rows and arrivals (1)" },
  json: { value: "FILE", help: "write every round's figures there" },
  "write-docs": { help: "put the tables into docs/benchmarks.md" },
};

const usage = `npm run bench -- [flags]

${flagsHelp(flags)}

Takes about ten minutes, a tenth of that with --quick. Leave the machine alone meanwhile.`;

const bundle = join(projectRoot, "models", "demand", "1");

async function bench(args: readonly string[], say: (text: string) => void): Promise<number> {
  const values = parseFlags(args, flags);
  if (values.has("help")) {
    say(usage);
    return 0;
  }
  const quick = values.has("quick");
  const rounds = numberFlag(values, "rounds", quick ? 3 : 9, { min: 1, max: 1000, integer: true });
  const roundS = numberFlag(values, "seconds", quick ? 1 : 2, { min: 1, max: 600, integer: true });
  const seed = numberFlag(values, "seed", 1, { min: 0, integer: true });
  const result = await measure({ rounds, roundS, seed });
  say(reportText(result));
  const json = values.get("json");
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.has("write-docs")) {
    const page = join(projectRoot, "docs", "benchmarks.md");
    writeFileSync(page, replaceMeasured(readFileSync(page, "utf8"), reportMarkdown(result)));
  }
  return 0;
}

async function measure({ rounds, roundS, seed }: { rounds: number; roundS: number; seed: number }): Promise<BenchResult> {
  const random = createRandom(seed);
  const source = demandRows(random);
  const rows = Array.from({ length: 4 * rowsPerRequest }, source);
  const scratch = createScratchFolder();
  const rowsFile = join(scratch.path, "rows.jsonl");
  writeFileSync(rowsFile, `${rows.join("\n")}\n`);
  const generator = (await createWrk(rowsFile)) ?? withOwnClientAtOne(createAutocannon(rows, packageVersion("autocannon")), rows);
  const servers: ServerProcess[] = [];
  try {
    const targets = await startContenders(servers);
    await checkSameAnswers(targets.plumb, targets.fastify, rows.slice(0, 100));
    progress("warming up");
    for (const contender of contenders) await generator.saturate(targets[contender], 128, roundS);

    const throughput: BenchResult["throughput"][number][] = [];
    const measureGolden = () => bareOnnxUsPerRow(bundle);
    for (const connections of connectionLevels) {
      progress(`closed loop, connections: ${connections}`);
      const run = { generator, targets, connections, rounds, durationS: roundS, measureOnnx: measureGolden };
      throughput.push({ connections, rounds: await throughputRounds(run) });
    }
    progress("1000-row requests");
    const measureRows = () => bareOnnxUsPerRow(bundle, rowsFile);
    const large = await largeRounds({ target: targets.plumb, rows, rounds, durationS: roundS, measureOnnx: measureRows });
    progress("open loop at 200 rows/s");
    const { raw, plumb } = targets;
    const latency = await latencyRounds({ raw, plumb, rounds, durationS: 2 * roundS, rows: source, random });
    // From here on one server at a time is started, and the others are out of the way.
    await stopAll(servers);
    progress("cold start");
    const coldStart = await coldStartRounds(rounds);
    progress("memory");
    const memory = await memoryUnderLoad(generator, rows, 4 * roundS);
    const machine = describeMachine();
    const finished = new Date().toISOString();
    return { finished, machine, generator: generator.name, rounds, roundS, throughput, latency, large, coldStart, memory };
  } finally {
    await stopAll(servers);
    scratch.remove();
  }
}

/** Starts the three servers; each is in `servers` as soon as it runs, so that a later failure still ends it. */
async function startContenders(servers: ServerProcess[]): Promise<Record<Contender, Target>> {
  const [rawPort, fastifyPort] = (await freePorts(2)) as [number, number];
  const program = (name: string) => join(import.meta.dirname, "servers", `${name}.js`);
  const peer = async (name: string, port: number, args: readonly string[]): Promise<Target> => {
    servers.push(await startServer({ name, args: [program(name), String(port), ...args], port, readyPath: "/health/ready" }));
    return { host: "127.0.0.1", port, path: "/predict" };
  };
  const raw = await peer("raw", rawPort, []);
  const fastify = await peer("fastify", fastifyPort, [bundle]);
  const server = await startPlumb();
  servers.push(server);
  return { raw, fastify, plumb: { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" } };
}

async function stopAll(servers: ServerProcess[]): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
}

const progress = (what: string) => console.error(`... ${what}`);

await runAsProgram(bench);
