/**
 * `npm run bench -- --doors`: the same rows by each protocol, beside `/predict`'s JSON on the same server in the same
 * round.
 */

import { execFile } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "#server-process";
import { saturate } from "../../loadtest/closed-loop.js";
import { describeMachine, type Machine } from "../../loadtest/machine.js";
import { projectRoot } from "../../loadtest/project.js";
import { createRandom } from "../../loadtest/random.js";
import { demandRows } from "../../loadtest/rows.js";
import { createScratchFolder } from "../../loadtest/scratch.js";
import { startPlumb, startServer } from "../../loadtest/server-process.js";
import { type Target, targetUrl } from "../../loadtest/target.js";
import { rotated } from "../paired.js";
import { parseWrk } from "../wrk.js";
import { grpcCallsPerSecond } from "./grpc-load.js";
import { inferRequest, json, post, proto, type Row, tensorsInBytes, tensorsInJson, typedRequest } from "./messages.js";
import { makeWideBundle, wideName, wideRow } from "./wide-bundle.js";

/** One row a request at 128 connections, requests/s. */
export type OneRowDoor = "predict" | "tensors" | "typed";
/** 1,000 rows of 64 numbers a request, rows/s. */
export type ManyRowsDoor = "predict" | "binary" | "typed";

export interface DoorsRound {
  readonly oneRow: Readonly<Record<OneRowDoor, number>>;
  readonly manyRows: Readonly<Record<ManyRowsDoor, number>>;
  /** Unary calls of one row, per second, 4 connections of 8 streams; and of a bare echo. */
  readonly grpc: { readonly infer: number; readonly echo: number };
  /** 500 candidates of one user, P50 in ms: their 32 numbers in common said once, and in each row. */
  readonly ranking: { readonly contextMs: number; readonly repeatedMs: number };
}

export interface DoorsResult {
  readonly finished: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly roundS: number;
  readonly results: readonly DoorsRound[];
  /** Bytes of the call with a context, of those with repeated rows. */
  readonly rankingBytes: number;
}

const connections = 128;
const manyRows = 1000;
const candidates = 500;
const shared = 32;
const grpcLoad = { connections: 4, streams: 8 };
const demandPath = "/models/demand/predict";
const widePath = `/models/${wideName}/predict`;
const inferPath = "/inference.GRPCInferenceService/ModelInfer";

export interface DoorsRuns {
  readonly rounds: number;
  readonly roundS: number;
  readonly seed: number;
  readonly say: (what: string) => void;
}

/** @throws Error where wrk isn't installed, or a door answers otherwise than with 200. */
export async function measureDoors({ rounds, roundS, seed, say }: DoorsRuns): Promise<DoorsResult> {
  const scratch = createScratchFolder();
  const store = join(scratch.path, "models");
  cpSync(join(projectRoot, "models", "demand"), join(store, "demand"), { recursive: true });
  makeWideBundle(store);
  const [grpcPort, echoPort, echoHealthPort] = (await freePorts(3)) as [number, number, number];
  const server = await startPlumb(["--models", store, "--http", "uws", "--grpc-port", String(grpcPort)]);
  const echoProgram = join(import.meta.dirname, "..", "servers", "grpc-echo.js");
  const echoCommand = [process.execPath, echoProgram, String(echoPort), String(echoHealthPort)];
  const echo = await startServer({ name: "grpc-echo", command: echoCommand, port: echoHealthPort }).catch(
    async (error) => {
      await server.stop();
      throw error;
    },
  );
  try {
    const target: Target = { host: "127.0.0.1", port: server.port, path: "/" };
    const requests = makeRequests(target, seed);
    for (const request of requests.all) await checkAnswered(target, request);
    const files = Object.fromEntries(
      Object.entries(requests.oneRow).map(([door, list]) => [door, writeRequests(join(scratch.path, door), list)]),
    ) as Record<OneRowDoor, string>;
    const grpcOf = (port: number, durationS: number) =>
      grpcCallsPerSecond({ port, path: inferPath, messages: requests.grpc, ...grpcLoad, durationS });
    const round = async (index: number, durationS: number): Promise<DoorsRound> => {
      const oneRow = await each(requests.oneRow, index, async (door) => await wrk(target, files[door], durationS));
      const many = await each(requests.manyRows, index, async (door) => {
        const perSecond = await closedLoop(target, requests.manyRows[door], durationS);
        return perSecond.okPerSecond * manyRows;
      });
      const ports = { infer: grpcPort, echo: echoPort };
      const grpc = await each(ports, index, async (which) => await grpcOf(ports[which], durationS));
      const ranking = await each(requests.ranking, index, async (form) => {
        return (await closedLoop(target, requests.ranking[form], durationS)).p50Ms;
      });
      return {
        oneRow,
        manyRows: many,
        grpc,
        ranking: { contextMs: ranking.context, repeatedMs: ranking.repeated },
      };
    };
    say("warming up");
    await round(0, roundS);
    const results: DoorsRound[] = [];
    for (let index = 0; index < rounds; index++) {
      say(`round ${index + 1} of ${rounds}`);
      results.push(await round(index, roundS));
    }
    const bytes = (form: "context" | "repeated") => requests.ranking[form].reduce((sum, one) => sum + one.length, 0);
    return {
      finished: new Date().toISOString(),
      machine: describeMachine(),
      rounds,
      roundS,
      results,
      rankingBytes: bytes("context") / bytes("repeated"),
    };
  } finally {
    await Promise.all([server.stop(), echo.stop()]);
    scratch.remove();
  }
}

function makeRequests(target: Target, seed: number) {
  const random = createRandom(seed);
  const source = demandRows(random);
  const demand = Array.from({ length: 4096 }, () => JSON.parse(source()) as Row);
  const wide = Array.from({ length: 4 * manyRows }, () => wideRow(source(), () => random.normal()));
  const lots = [0, 1, 2, 3].map((lot) => wide.slice(lot * manyRows, (lot + 1) * manyRows));
  const inJson = (path: string, body: object) => post(target, path, Buffer.from(JSON.stringify(body)), json);
  const binary = (rows: readonly Row[]) => {
    const { body, headers } = tensorsInBytes(rows);
    return post(target, `/v2/models/${wideName}/infer`, body, headers);
  };
  const typed = (model: string, rows: readonly Row[]) =>
    post(target, `/plumb.models.${model}.Predictor/Predict`, typedRequest(rows), proto);
  const oneRow: Record<OneRowDoor, readonly Buffer[]> = {
    predict: demand.map((row) => inJson(demandPath, row)),
    tensors: demand.map((row) => post(target, "/v2/models/demand/infer", tensorsInJson([row]), json)),
    typed: demand.map((row) => typed("demand", [row])),
  };
  const large: Record<ManyRowsDoor, readonly Buffer[]> = {
    predict: lots.map((rows) => inJson(widePath, { rows })),
    binary: lots.map(binary),
    typed: lots.map((rows) => typed(wideName, rows)),
  };
  const names = Object.keys(wide[0]!);
  const part = (row: Row, from: number, to?: number) =>
    Object.fromEntries(names.slice(from, to).map((name) => [name, row[name]!]));
  const ranked = lots.map((rows) => {
    const context = part(rows[0]!, names.length - shared);
    return { context, rows: rows.slice(0, candidates).map((row) => part(row, 0, names.length - shared)) };
  });
  const ranking = {
    context: ranked.map((body) => inJson(widePath, body)),
    repeated: ranked.map(({ context, rows }) =>
      inJson(widePath, { rows: rows.map((row) => ({ ...row, ...context })) }),
    ),
  };
  const first = [oneRow, large, ranking].flatMap((kind) => Object.values(kind).map(([request]) => request!));
  return { oneRow, manyRows: large, ranking, grpc: demand.map((row) => inferRequest("demand", row)), all: first };
}

/** Each of them in turn, beginning with another one each round. */
async function each<Name extends string>(
  of: Readonly<Record<Name, unknown>>,
  round: number,
  measure: (name: Name) => Promise<number>,
): Promise<Record<Name, number>> {
  const figures: Partial<Record<Name, number>> = {};
  for (const name of rotated(Object.keys(of) as Name[], round)) figures[name] = await measure(name);
  return figures as Record<Name, number>;
}

async function checkAnswered(target: Target, request: Buffer): Promise<void> {
  const { summary } = await saturate(target, { requests: [request], connections: 1, durationS: 0.01, drainMs: 5000 });
  if (summary.ok !== summary.requests || summary.ok === 0)
    throw new Error(`a door doesn't answer ${request.toString("latin1", 0, 80).split("\r\n")[0]}`);
}

/** One request at a time. */
async function closedLoop(target: Target, requests: readonly Buffer[], durationS: number) {
  const { summary, okPerSecond } = await saturate(target, { requests, connections: 1, durationS, drainMs: 10_000 });
  if (summary.ok !== summary.requests) throw new Error(`${summary.requests - summary.ok} requests weren't answered`);
  return { okPerSecond, p50Ms: summary.latencyMs?.p50 ?? Number.NaN };
}

/** Each request behind its length in ten digits, as requests.lua reads them. */
function writeRequests(file: string, requests: readonly Buffer[]): string {
  const withLength = requests.flatMap((request) => [Buffer.from(String(request.length).padStart(10, "0")), request]);
  writeFileSync(file, Buffer.concat(withLength));
  return file;
}

async function wrk(target: Target, file: string, durationS: number): Promise<number> {
  const script = join(projectRoot, "bench", "requests.lua");
  const args = ["-t1", `-c${connections}`, `-d${durationS}s`, "-s", script, targetUrl(target)];
  const env = { ...process.env, PLUMB_REQUESTS: file };
  const { requestsPerSecond, errors } = parseWrk((await promisify(execFile)("wrk", args, { env })).stdout);
  if (errors > 0) throw new Error(`${errors} requests of ${file} weren't answered with 200`);
  return requestsPerSecond;
}
