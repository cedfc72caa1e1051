/** The machine that figures were measured on: without it they mean nothing. */

import { availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { packageVersion } from "./project.js";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly system: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const names = ["uWebSockets.js", "onnxruntime-node", "fastify", "zod", "piscina"];
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${platform()} ${release()}`,
    node: process.version,
    versions: Object.fromEntries(names.map((name) => [name, packageVersion(name)])),
  };
}

export function machineText({ cpu, cores, memoryGB, system, node, versions }: Machine): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; Node ${node}, ${packages.join(", ")}`;
}
