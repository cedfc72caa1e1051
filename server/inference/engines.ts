/**
 * Which engine runs a model. The one place that knows them all.
 *
 * ONNX Runtime runs everything. The tree kernel runs what it covers and is proved to answer: before it runs a model on
 * this machine, its outputs are compared with ONNX Runtime's, bit for bit, over golden rows and rows made for the
 * purpose. (That these are the trained model's is the bundle's own proof, which comes after, on the engine that was
 * chosen.)
 */

import type { Pause } from "../../bundle/index.js";
import type { Block } from "../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession } from "./engine.js";
import { compareSpeed } from "./faster-engine.js";
import { onnxruntime, openRuntime } from "./session.js";
import { rowWidth } from "./tensor.js";
import { NotCovered } from "./tree/not-covered.js";
import { proofRows } from "./tree/proof-rows.js";
import { openTreeImage, openTreeKernel, type TreeImage, treeEngine, treeImageOf } from "./tree/tree-engine.js";
import type { TreeModel } from "./tree/tree-model.js";

export interface Engines {
  readonly onnxruntime: Engine;
  readonly tree: { load(model: EngineModel): KnownSession };
}

/** A session that tells what it computes: where it may be wrong can be seen in that. */
export interface KnownSession extends EngineSession {
  readonly model: TreeModel;
}

export const ourEngines = { onnxruntime, tree: treeEngine } as const satisfies Engines & Record<string, Engine>;
export type EngineName = keyof Engines;

/** `auto` takes the tree kernel where it is the faster one; `tree` wherever it can. */
export type EngineSetting = "auto" | EngineName;

export interface EngineChoice {
  /** The model's id in its bundle. */
  readonly model: string;
  readonly engine: EngineName;
  /** Why it isn't the tree kernel, in a sentence's second half; undefined where it is, or nobody asked. */
  readonly reason: string | undefined;
  /** Whether the tree kernel covers the model and gave other bits, or none: nothing that may happen. */
  readonly differed: boolean;
}

export interface ChooserOptions {
  readonly setting: EngineSetting;
  /** Rows as the models get them, by the name of an input: the golden rows' features. */
  readonly samples: ReadonlyMap<string, Block>;
  readonly random: () => number;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
}

/** How a session of one thread is opened in another, without the other's having to choose; plain data. */
export type SessionImage = { readonly tree: TreeImage } | { readonly tree: undefined };

/** @param session - Of one of {@link ourEngines}. */
export function imageOf(session: EngineSession): SessionImage {
  return { tree: treeImageOf(session) };
}

/** @remarks A session of ONNX Runtime is created in one step, which nothing can cut. */
export async function openImage(model: EngineModel, { tree }: SessionImage, pause: Pause): Promise<EngineSession> {
  return tree === undefined ? onnxruntime.load(model) : await openTreeImage(model.id, tree, pause);
}

/**
 * Loads what the first session of each engine would: 40 ms, which a thread that is to serve takes before it listens.
 */
export function openEngines(): void {
  openRuntime();
  openTreeKernel();
}

/** Chooses for each model that it loads, and remembers what and why. */
export class EngineChooser implements Engine {
  readonly name = "chooser";
  readonly choices: EngineChoice[] = [];
  readonly #options: ChooserOptions;
  readonly #engines: Engines;

  constructor(options: ChooserOptions, engines: Engines = ourEngines) {
    this.#options = options;
    this.#engines = engines;
  }

  load(model: EngineModel): EngineSession {
    const { onnxruntime, tree } = this.#engines;
    if (this.#options.setting === "onnxruntime") return this.#take(model, "onnxruntime", onnxruntime.load(model));
    let session: KnownSession;
    try {
      session = tree.load(model);
    } catch (error) {
      const reason =
        error instanceof NotCovered ? error.message : `the tree kernel failed on it: ${(error as Error).message}`;
      return this.#take(model, "onnxruntime", onnxruntime.load(model), { reason, differed: false });
    }
    const reference = onnxruntime.load(model);
    const objection = this.#objection(session, reference, model);
    if (objection === undefined) {
      reference.release();
      return this.#take(model, "tree", session);
    }
    session.release();
    return this.#take(model, "onnxruntime", reference, objection);
  }

  #take(model: EngineModel, engine: EngineName, session: EngineSession, objection?: Objection): EngineSession {
    this.choices.push({ model: model.id, engine, reason: objection?.reason, differed: objection?.differed ?? false });
    return session;
  }

  #objection(tree: KnownSession, reference: EngineSession, model: EngineModel): Objection | undefined {
    try {
      const difference = this.#differenceBetween(tree, reference, model);
      if (difference !== undefined) return { reason: difference, differed: true };
      const slower = this.#options.setting === "auto" ? this.#slower(tree, reference, model) : undefined;
      return slower === undefined ? undefined : { reason: slower, differed: false };
    } catch (error) {
      return {
        reason: `the tree kernel can't be compared with ONNX Runtime: ${(error as Error).message}`,
        differed: true,
      };
    }
  }

  /** Golden rows as the model gets them; undefined where there are none. */
  #golden({ inputs }: EngineModel): Block | undefined {
    const rows = this.#options.samples.get(inputs[0]!.name);
    return rows === undefined || rows.length === 0 ? undefined : rows;
  }

  #differenceBetween(tree: KnownSession, reference: EngineSession, model: EngineModel): string | undefined {
    for (const [kind, rows] of [
      ["golden row", this.#golden(model)],
      ["made row", proofRows(tree.model, this.#options.random)],
    ] as const) {
      if (rows === undefined) continue;
      const difference = compare(tree, reference, rows, rowWidth(model.inputs[0]!), kind);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #slower(tree: KnownSession, reference: EngineSession, model: EngineModel): string | undefined {
    const { random, now } = this.#options;
    const rows = this.#golden(model) ?? proofRows(tree.model, random);
    const { faster, times } = compareSpeed(tree, reference, rows, rowWidth(model.inputs[0]!), now);
    if (faster) return undefined;
    const told = times.map(
      ({ rows, us, usOther }) => `${us.toFixed(2)} against ${usOther.toFixed(2)} us a row in batches of ${rows}`,
    );
    return `the tree kernel is slower for it here: ${told.join(", ")}`;
  }
}

/** Why a model that the tree kernel covers isn't given to it. */
type Objection = Pick<EngineChoice, "differed"> & { readonly reason: string };

/** Sizes of batch in which rows are compared: those that take different ways through the kernel. */
const batchSizes = [64, 7, 1];
/** Rows that are compared one by one: the way of a single row is the same for all. */
const singleRowsMost = 64;

function compare(
  tree: EngineSession,
  reference: EngineSession,
  rows: Block,
  width: number,
  kind: string,
): string | undefined {
  const rowCount = rows.length / width;
  const [expected] = reference.run([rows], rowCount);
  const outputs = expected!.length / rowCount;
  for (const batchSize of batchSizes) {
    const end = batchSize === 1 ? Math.min(rowCount, singleRowsMost) : rowCount;
    for (let first = 0; first < end; first += batchSize) {
      const count = Math.min(batchSize, end - first);
      const [got] = tree.run([rows.slice(first * width, (first + count) * width)], count);
      for (let i = 0; i < got!.length; i++) {
        const want = expected![first * outputs + i]!;
        if (!Object.is(got![i], want))
          return `the tree kernel's answer differs: ${kind} ${first + Math.floor(i / outputs) + 1}, in a batch of ${count}: ONNX Runtime gives ${textOf(want)}, the kernel ${textOf(got![i]!)}`;
      }
    }
  }
  return undefined;
}

/** The zeros are two. */
function textOf(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Loads what was chosen, model by model. */
export function asChosen(
  { models, chosen }: { readonly models: readonly EngineModel[]; readonly chosen: readonly EngineName[] },
  engines: Engines = ourEngines,
): Engine {
  return {
    name: "as chosen",
    load(model) {
      const name = chosen[models.indexOf(model)];
      if (name === undefined) throw new Error(`model "${model.id}": no engine was chosen for it`);
      return engines[name].load(model);
    },
  };
}
