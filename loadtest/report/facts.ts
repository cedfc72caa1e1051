/** The run's facts that hold for every scenario: on what it ran, against what, and how to repeat it. */

import { describeMachine, type Machine } from "../machine.js";
import type { ServerSaid } from "../server-metrics.js";
import { type Target, targetUrl } from "../target.js";

export interface RunFacts {
  /** The model that answered, as the server's answer names it. */
  readonly model: string | undefined;
  readonly url: string;
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly finished: string;
  readonly command: string;
  readonly server: ServerSaid;
}

/** @param args - Of the command that ran. */
export function factsOf(target: Target, model: string | undefined, args: readonly string[]): Omit<RunFacts, "server"> {
  const finished = new Date().toISOString();
  return { model, url: targetUrl(target), machine: describeMachine(), finished, command: commandText(args) };
}

export function sharedFacts({ model, url, machine, finished }: RunFacts): [string, string][] {
  const { cpu, cores, memoryGB, system, node } = machine;
  return [
    ["model", model ?? "not named by the answer"],
    ["address", url],
    ["machine", `${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; server and load generator share it`],
    ["Node of the generator", node],
    ["date", `${finished.slice(0, 10)} ${finished.slice(11, 19)} UTC`],
  ];
}

/** Flags that name output files. */
const outputs = new Set(["--html", "--json", "--compare"]);

/** The command that repeats a run, for a POSIX shell; without where its results were written. */
export function commandText(args: readonly string[]): string {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [flag] = args[i]!.split("=");
    if (!outputs.has(flag!)) kept.push(args[i]!);
    else if (!args[i]!.includes("=")) i++;
  }
  return ["npm run loadtest", ...(kept.length > 0 ? ["--"] : []), ...kept.map(quoted)].join(" ");
}

function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
