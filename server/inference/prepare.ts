/**
 * What a worker does for a version that nobody has loaded yet: it chooses the engines, creates the sessions, warms
 * them, and measures what the event loop would pay for sessions of its own. Nothing of it can be cut into short turns;
 * a worker needn't.
 */

import type { Block } from "../../preprocessing/index.js";
import type { Engine, EngineSession } from "./engine.js";
import {
  type EngineChoice,
  EngineChooser,
  type EngineSetting,
  imageOf,
  ourEngines,
  type SessionImage,
} from "./engines.js";
import { createRunner, median, type Runner, type RunnerSpec, warmUp } from "./runner.js";

export interface PrepareOrder {
  readonly setting: EngineSetting;
  /** Rows as the models get them, by the name of an input. */
  readonly samples: ReadonlyMap<string, Block>;
}

/** Plain data. */
export interface Prepared {
  readonly choices: readonly EngineChoice[];
  /** In the order of the models. */
  readonly images: readonly SessionImage[];
  /**
   * Of the dearest session that can't be opened in short steps, once the library is loaded; 0 where all can.
   * Milliseconds.
   */
  readonly createMs: number;
  /** Microseconds of a run, by rows. */
  readonly runUs: readonly (readonly [rowCount: number, us: number])[];
}

/** A session whose first creation took longer isn't created again to be measured, milliseconds. */
const cheapMs = 20;
const creations = 5;

/** @throws Error with a sentence when a model can't be loaded. */
export function prepareRunner(
  spec: RunnerSpec,
  { setting, samples }: PrepareOrder,
): { runner: Runner; prepared: Prepared } {
  const now = () => performance.now();
  const chooser = new EngineChooser({ setting, samples, random: Math.random, now });
  const sessions: EngineSession[] = [];
  const engine: Engine = {
    name: chooser.name,
    load(model) {
      const session = chooser.load(model);
      sessions.push(session);
      return session;
    },
  };
  const runner = createRunner(engine, spec);
  const times = new Map<number, number[]>();
  warmUp(runner, (rowCount, us) => times.set(rowCount, [...(times.get(rowCount) ?? []), us]));
  const images = sessions.map(imageOf);
  const dear = spec.models
    .filter((_, i) => images[i]!.tree === undefined)
    .map((model) => creationMs(() => ourEngines.onnxruntime.load(model), now));
  const runUs = [...times].map(([rowCount, us]) => [rowCount, median(us)] as const);
  return { runner, prepared: { choices: chooser.choices, images, createMs: Math.max(0, ...dear), runUs } };
}

/** The shortest of a few: whatever else ran on the machine makes it longer. */
function creationMs(create: () => EngineSession, now: () => number): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < creations && shortest > 0; i++) {
    const beganMs = now();
    create().release();
    shortest = Math.min(shortest, now() - beganMs);
    if (shortest > cheapMs) break;
  }
  return shortest;
}
