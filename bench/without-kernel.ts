/**
 * The tree kernel's effect on the whole server: Plumb as it chooses by itself, beside one that runs everything on
 * ONNX Runtime.
 */

import type { Saturation } from "../loadtest/generators.js";
import { startPlumb } from "../loadtest/server-process.js";
import { demandAlone } from "./demand-alone.js";
import { type Contender, pairedRounds } from "./paired.js";
import { ceilingShare } from "./throughput.js";

export interface WithoutKernelRound {
  readonly load: Readonly<Record<"raw" | "plumb" | "onnxruntime", Saturation>>;
  readonly onnxUsPerRow: number;
}

export interface WithoutKernelRuns {
  readonly raw: Contender;
  readonly plumb: Contender;
  readonly connections: number;
  readonly rounds: number;
  readonly durationS: number;
  readonly measureOnnx: () => Promise<number>;
}

export async function withoutKernelRounds(runs: WithoutKernelRuns): Promise<WithoutKernelRound[]> {
  const { raw, plumb, connections, rounds, durationS, measureOnnx } = runs;
  const server = await startPlumb([...demandAlone(), "--engine", "onnxruntime"]);
  try {
    const target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    const onnxruntime: Contender = { target, pid: server.pid, generator: plumb.generator };
    await onnxruntime.generator.saturate(target, connections, durationS); // untimed, as for the others
    const complete = async (load: WithoutKernelRound["load"]) => ({ load, onnxUsPerRow: await measureOnnx() });
    return await pairedRounds({ contenders: { raw, plumb, onnxruntime }, connections, rounds, durationS }, complete);
  } finally {
    await server.stop();
  }
}

/** The share of the ceiling without the kernel. */
export function shareWithoutKernel({ load: { raw, onnxruntime }, onnxUsPerRow }: WithoutKernelRound): number {
  return ceilingShare({ load: { raw, plumb: onnxruntime }, onnxUsPerRow });
}
