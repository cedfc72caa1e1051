/// <reference path="../../webassembly.d.ts" />

/** The compiled kernel (kernel/), an instance of it for each model: its memory is the model's own. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** What the host sets, once a model is laid out: addresses and counts, by the names of kernel/memory.ts. */
export type KernelSettings = Record<
  | "rowBytes"
  | "columns"
  | "groupBytes"
  | "sums"
  | "base"
  | "targetCount"
  | "features"
  | "featureCount"
  | "trees"
  | "treeCount"
  | "blocks"
  | "links"
  | "heads"
  | "turns"
  | "span"
  | "scratch",
  number
>;

/** What the kernel's records and bytes measure, by the names under which it exports them. */
export type KernelSizes = Record<
  | "groupRows"
  | "tileRows"
  | "featureBytes"
  | "setsBytes"
  | "chunkThresholds"
  | "passedNone"
  | "treeBytes"
  | "blockTrees"
  | "blockBytes"
  | "headLevels"
  | "headBytes"
  | "spanMax",
  number
>;

/** Sums of so many rows, at most a tile's, that stand at a place of the memory. */
export type RunTile = (rows: number, rowCount: number) => void;

export interface Kernel {
  readonly runFloat32: RunTile;
  readonly runMixed: RunTile;
  readonly runFloat64: RunTile;
}

let compiled: { module: WebAssembly.Module; sizes: KernelSizes } | undefined;

/** Compiles the kernel on first use: a process without tree models doesn't pay for it. */
function compile() {
  if (compiled) return compiled;
  // By name, since a bundler may put this code into any file.
  const module = new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve("#tree-kernel")));
  const exports = new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial: 1 }) } }).exports;
  const names = [
    "groupRows",
    "tileRows",
    "featureBytes",
    "setsBytes",
    "chunkThresholds",
    "passedNone",
    "treeBytes",
    "blockTrees",
    "blockBytes",
    "headLevels",
    "headBytes",
    "spanMax",
  ] as const;
  const sizes = Object.fromEntries(
    names.map((name) => [name, (exports[name] as WebAssembly.Global).value]),
  ) as KernelSizes;
  compiled = { module, sizes };
  return compiled;
}

export function kernelSizes(): KernelSizes {
  return compile().sizes;
}

export function createKernel(memory: WebAssembly.Memory, settings: KernelSettings): Kernel {
  const { exports } = new WebAssembly.Instance(compile().module, { env: { memory } });
  for (const [name, value] of Object.entries(settings)) (exports[name] as WebAssembly.Global).value = value;
  return exports as unknown as Kernel;
}
