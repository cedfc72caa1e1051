/**
 * The peers in Python (bench/peers): what tutorials end with, and the same by someone who wants it fast. They are
 * slow enough to get rounds of their own, fewer than the others', each paired with Plumb.
 */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "#server-process";
import type { Saturation } from "../loadtest/generators.js";
import { projectRoot } from "../loadtest/project.js";
import { startServer } from "../loadtest/server-process.js";
import type { Target } from "../loadtest/target.js";
import { type Contender, pairedRounds } from "./paired.js";
import { checkSameAnswers } from "./same-answers.js";

export interface PeerResult {
  readonly name: string;
  /** Its packages and its work for a request. */
  readonly setUp: string;
  readonly levels: readonly {
    readonly connections: number;
    readonly rounds: readonly { readonly peer: Saturation; readonly plumb: Saturation }[];
  }[];
}

export interface PeerRuns {
  readonly plumb: Contender;
  readonly bundle: string;
  /** Sent before anything is measured: both must answer them alike. */
  readonly sample: readonly string[];
  /** An empty folder for what the peers serve. */
  readonly folder: string;
  readonly rounds: number;
  readonly durationS: number;
}

interface Peer {
  readonly name: string;
  /** The module in bench/peers. */
  readonly module: string;
  readonly packages: readonly string[];
  readonly perRequest: string;
}

const served = ["fastapi", "pydantic", "uvicorn", "uvloop", "httptools"];
const peers: readonly Peer[] = [
  {
    name: "FastAPI + pandas + scikit-learn pipeline",
    module: "tutorial",
    packages: [...served, "pandas", "scikit-learn", "xgboost-cpu"],
    perRequest:
      "pydantic checks the row, a DataFrame of one row goes through the fitted pipeline with XGBoost in it, on a thread of FastAPI's pool",
  },
  {
    name: "FastAPI + onnxruntime",
    module: "onnx_service",
    packages: [...served, "onnxruntime", "numpy"],
    perRequest:
      "pydantic checks the row, it is scaled by hand, one run of ONNX Runtime with one thread, all on the event loop",
  },
];

/** Few enough connections that the slowest peer answers each within wrk's two seconds. */
export const peerConnections = [1, 32] as const;

const folderOfPeers = join(projectRoot, "bench", "peers");
const run = promisify(execFile);

/**
 * @returns Why they can't run here, where there is no Python for them.
 * @throws Error where one of them fails, or answers otherwise than Plumb.
 */
export async function measurePeers(runs: PeerRuns): Promise<PeerResult[] | { readonly leftOut: string }> {
  const python = await peersPython().catch((reason: Error) => ({ leftOut: reason.message }));
  if (typeof python !== "string") return python;
  const pipeline = join(runs.folder, "demand.joblib");
  await run(python, [join(folderOfPeers, "fit.py"), join(projectRoot, "trainer", "examples", "demand.csv"), pipeline]);
  const results: PeerResult[] = [];
  for (const peer of peers) results.push(await measurePeer(peer, python, pipeline, runs));
  return results;
}

async function measurePeer(peer: Peer, python: string, pipeline: string, runs: PeerRuns): Promise<PeerResult> {
  const { plumb, bundle, sample, rounds, durationS } = runs;
  const [port] = (await freePorts(1)) as [number];
  const uvicorn = [python, "-m", "uvicorn", `${peer.module}:app`, "--app-dir", folderOfPeers];
  const server = await startServer({
    name: peer.module,
    command: [...uvicorn, "--port", String(port), "--no-access-log"],
    environment: { PIPELINE: pipeline, BUNDLE: bundle, PYTHONDONTWRITEBYTECODE: "1" },
    port,
  });
  try {
    const target: Target = { host: "127.0.0.1", port, path: "/predict" };
    await checkSameAnswers(plumb.target, target, sample);
    const contender: Contender = { target, pid: server.pid, generator: plumb.generator };
    await contender.generator.saturate(target, 32, durationS); // untimed
    const levels: PeerResult["levels"][number][] = [];
    for (const connections of peerConnections) {
      const paired = { contenders: { peer: contender, plumb }, connections, rounds, durationS };
      levels.push({ connections, rounds: await pairedRounds(paired, (load) => load) });
    }
    return { name: peer.name, setUp: await setUpOf(peer, python), levels };
  } finally {
    await server.stop();
  }
}

/** The interpreter of the peers' environment, which is made where it's missing. */
async function peersPython(): Promise<string> {
  const setup = (await import(pathToFileURL(join(projectRoot, "scripts", "setup", "python.mjs")).href)) as {
    ensurePeersPython(): Promise<string>;
  };
  return await setup.ensurePeersPython();
}

async function setUpOf({ packages, perRequest }: Peer, python: string): Promise<string> {
  const program =
    "import importlib.metadata as m, platform, sys; print(platform.python_version(), *map(m.version, sys.argv[1:]))";
  const [version, ...versions] = (await run(python, ["-c", program, ...packages])).stdout.trim().split(" ");
  const made = packages.map((name, i) => `${name} ${versions[i]}`).join(", ");
  return `Python ${version}, ${made}; uvicorn with uvloop and httptools, one process, no access log. For a request: ${perRequest}.`;
}
