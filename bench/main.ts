/** `npm run bench`: Plumb beside the raw limit, a plain peer and bare ONNX Runtime, in one run on this machine. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "#server-process";
import type { Generator } from "../loadtest/generators.js";
import { describeMachine } from "../loadtest/machine.js";
import { type Flags, flagsHelp, numberFlag, parseFlags } from "../loadtest/options.js";
import { runAsProgram } from "../loadtest/program.js";
import { projectRoot } from "../loadtest/project.js";
import { createRandom } from "../loadtest/random.js";
import { demandRows } from "../loadtest/rows.js";
import { connectionLevels } from "../loadtest/scenarios/saturation.js";
import { createScratchFolder } from "../loadtest/scratch.js";
import { type ServerProcess, startPlumb, startServer } from "../loadtest/server-process.js";
import type { Target } from "../loadtest/target.js";
import { bareOnnxUsPerRow } from "./bare-onnx.js";
import { cacheRounds, warmRows } from "./cache-hits.js";
import { coldStartRounds } from "./cold-start.js";
import { demandAlone } from "./demand-alone.js";
import { measureDoors } from "./doors/doors.js";
import { doorsMarkdown, doorsText } from "./doors/report.js";
import { writeEngineCharts } from "./engines/charts.js";
import { compareEngines } from "./engines/compare-engines.js";
import { enginesMarkdown, enginesText } from "./engines/report.js";
import { httpMembersRounds } from "./http-members.js";
import { largeRounds, rowsPerRequest } from "./large-requests.js";
import { latencyRounds } from "./latency.js";
import { doorMarks, engineMarks, serverMarks, writeToDocs } from "./measured-section.js";
import { memoryUnderLoad } from "./memory.js";
import { type Contender, pairedRounds } from "./paired.js";
import { measurePeers } from "./peers.js";
import { reportMarkdown, reportText } from "./report.js";
import type { BenchResult } from "./result.js";
import { checkSameAnswers } from "./same-answers.js";
import { type ContenderName, contenders, type ThroughputRound } from "./throughput.js";
import { tracedRounds } from "./traced.js";
import { turnsRounds } from "./turns.js";
import { wideRounds } from "./wide/rounds.js";
import { withoutKernelRounds } from "./without-kernel.js";
import { createGenerator } from "./wrk.js";

const flags: Flags = {
  rounds: { value: "N", help: "paired rounds (9; quick: 3)" },
  seconds: { value: "S", help: "whole seconds of load on each server in a round (1); not with --engine" },
  engine: { help: "compare the engines that run tree models instead of servers" },
  doors: { help: "compare the protocols of one server instead of servers; needs wrk" },
  quick: { help: "fewer rounds: for a look, not for the record" },
  seed: { value: "N", help: "seed of rows and arrivals (1)" },
  json: { value: "FILE", help: "write every round's figures there" },
  "write-docs": { help: "put the tables (and the charts of --engine) into docs/" },
};

const usage = `npm run bench -- [flags]

${flagsHelp(flags)}

Takes about eleven minutes, a third of that with --quick. With --engine about five, or one with --quick; the first run grows and compiles its
models before, which takes as long again. With --doors two. Leave the machine alone meanwhile.`;

const connectionsMost = 128;
/** The peers in Python are many times slower, so few rounds show it. */
const peerRoundsMax = 5;

const bundle = join(projectRoot, "models", "demand", "1");

async function bench(args: readonly string[], say: (text: string) => void): Promise<number> {
  const values = parseFlags(args, flags);
  if (values.has("help")) {
    say(usage);
    return 0;
  }
  const quick = values.has("quick");
  const rounds = numberFlag(values, "rounds", quick ? 3 : 9, { min: 1, max: 1000, integer: true });
  const roundS = numberFlag(values, "seconds", 1, { min: 1, max: 600, integer: true });
  const seed = numberFlag(values, "seed", 1, { min: 0, integer: true });
  const writeJson = (result: object) => {
    const json = values.get("json");
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  };
  if (values.has("engine")) {
    const result = await compareEngines({ quick, rounds, seed, say: progress });
    say(enginesText(result));
    writeJson(result);
    if (values.has("write-docs")) {
      writeToDocs(engineMarks, enginesMarkdown(result));
      writeEngineCharts(result);
    }
    return 0;
  }
  if (values.has("doors")) {
    const result = await measureDoors({ rounds, roundS, seed, say: progress });
    say(doorsText(result));
    writeJson(result);
    if (values.has("write-docs")) writeToDocs(doorMarks, doorsMarkdown(result));
    return 0;
  }
  const result = await measure({ rounds, roundS, seed });
  say(reportText(result));
  writeJson(result);
  if (values.has("write-docs")) writeToDocs(serverMarks, reportMarkdown(result));
  return 0;
}

async function measure({
  rounds,
  roundS,
  seed,
}: {
  rounds: number;
  roundS: number;
  seed: number;
}): Promise<BenchResult> {
  const random = createRandom(seed);
  const source = demandRows(random);
  const rows = Array.from({ length: 4 * rowsPerRequest }, source);
  const scratch = createScratchFolder();
  const rowsFile = writeRows(join(scratch.path, "rows.jsonl"), rows);
  const generator = await createGenerator(rowsFile, rows);
  const servers: ServerProcess[] = [];
  try {
    const running = await startContenders(servers, generator);
    const { raw, plumb, fastify } = running;
    const bareNode = await startPeer(servers, generator, "node-http");
    await checkSameAnswers(plumb.target, fastify.target, rows.slice(0, 100));
    progress("warming up");
    for (const contender of contenders) await generator.saturate(running[contender].target, connectionsMost, roundS);

    const throughput: BenchResult["throughput"][number][] = [];
    const measureGolden = () => bareOnnxUsPerRow(bundle);
    for (const connections of connectionLevels) {
      progress(`closed loop, connections: ${connections}`);
      const complete = async (load: ThroughputRound["load"]) => ({ load, onnxUsPerRow: await measureGolden() });
      throughput.push({
        connections,
        rounds: await pairedRounds({ contenders: running, connections, rounds, durationS: roundS }, complete),
      });
    }
    const paired = { connections: connectionsMost, rounds, durationS: roundS };
    progress("closed loop without the tree kernel");
    const withoutKernel = await withoutKernelRounds({ ...paired, raw, plumb, measureOnnx: measureGolden });
    progress("closed loop on each member of HTTP");
    const httpMembers = await httpMembersRounds({ ...paired, raw, bareNode, plumb });
    progress("closed loop with traces");
    const traced = await tracedRounds({ ...paired, raw, measureOnnx: measureGolden });
    progress("cache hits");
    const warm = rows.slice(0, warmRows);
    const sameRows = await createGenerator(writeRows(join(scratch.path, "warm.jsonl"), warm), warm);
    const cache = await cacheRounds({ ...paired, raw, randomRows: plumb.generator, sameRows });
    progress("peers in Python");
    const peerRuns = {
      plumb,
      bundle,
      sample: rows.slice(0, 100),
      folder: scratch.path,
      rounds: Math.min(rounds, peerRoundsMax),
      durationS: 1,
    };
    const peers = await measurePeers(peerRuns);
    if ("leftOut" in peers) progress(`the peers in Python are left out: ${peers.leftOut}`);
    progress("1000-row requests");
    const measureRows = () => bareOnnxUsPerRow(bundle, rowsFile);
    const large = await largeRounds({
      target: plumb.target,
      rows,
      rounds,
      durationS: roundS,
      measureOnnx: measureRows,
    });
    progress("open loop at 200 rows/s");
    const targets = { raw: raw.target, plumb: plumb.target };
    const latency = await latencyRounds({ ...targets, rounds, durationS: 2 * roundS, rows: source, random });
    progress("rows of few and many features");
    const wide = await wideRounds({ raw, rounds, durationS: roundS, seed });
    // From here on one server at a time is started, and the others are out of the way.
    await stopAll(servers);
    progress("10,000-row requests");
    const turns = await turnsRounds({ rows, rounds, durationS: roundS });
    progress("cold start");
    const coldStart = await coldStartRounds(rounds);
    progress("memory");
    const memory = await memoryUnderLoad(generator, rows, 4 * roundS);
    const setting = {
      finished: new Date().toISOString(),
      machine: describeMachine(),
      generator: generator.name,
      rounds,
      roundS,
    };
    return {
      ...setting,
      throughput,
      withoutKernel,
      httpMembers,
      traced,
      cache,
      peers,
      latency,
      large,
      wide,
      turns,
      coldStart,
      memory,
    };
  } finally {
    await stopAll(servers);
    scratch.remove();
  }
}

/** Starts the three servers; each is in `servers` as soon as it runs, so that a later failure still ends it. */
async function startContenders(
  servers: ServerProcess[],
  generator: Generator,
): Promise<Record<ContenderName, Contender>> {
  const raw = await startPeer(servers, generator, "raw");
  const fastify = await startPeer(servers, generator, "fastify", bundle);
  // Named, because these bars don't hold for node:http, which `auto` may choose.
  const server = await startPlumb([...demandAlone(), "--http", "uws"]);
  servers.push(server);
  const target: Target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
  return { raw, plumb: { target, pid: server.pid, generator }, fastify };
}

/** A server of ours in servers/, on a free port. */
async function startPeer(
  servers: ServerProcess[],
  generator: Generator,
  name: string,
  ...args: readonly string[]
): Promise<Contender> {
  const [port] = (await freePorts(1)) as [number];
  const program = join(import.meta.dirname, "servers", `${name}.js`);
  const server = await startServer({ name, command: [process.execPath, program, String(port), ...args], port });
  servers.push(server);
  return { target: { host: "127.0.0.1", port, path: "/predict" }, pid: server.pid, generator };
}

function writeRows(file: string, rows: readonly string[]): string {
  writeFileSync(file, `${rows.join("\n")}\n`);
  return file;
}

async function stopAll(servers: ServerProcess[]): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
}

const progress = (what: string) => console.error(`... ${what}`);

await runAsProgram(bench);
