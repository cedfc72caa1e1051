/** The path of a call with everything round it worked by hand: the test says when rows run and what they answer. */

import { Admission, type AdmissionLimits } from "../../server/admission.js";
import type { Call } from "../../server/path/call.js";
import { createPath, type PathParts } from "../../server/path/predict.js";
import { Slices } from "../../server/path/slices.js";
import { newestReady } from "../../server/routing/newest-ready.js";
import { Registry } from "../../server/versions/registry.js";
import type { Servable } from "../../server/versions/servable.js";
import { type CallOptions, type MadeCall, makeCall } from "./calls.js";
import { HandClock, HandTurns } from "./event-loop.js";

const roomy: AdmissionLimits = { callsMax: 1000, bytesMax: 2 ** 30 };

/** Takes no call, and knows of none. */
export const noScheduler: PathParts["scheduler"] = {
  submit() {},
  isRefusing: () => false,
  refusal: () => undefined,
  expect() {},
  expectNoMore() {},
  ended() {},
};

export function createHandPath(
  versions: readonly Servable[],
  {
    limits = roomy,
    defaultModel = undefined as string | undefined,
    registry = new Registry(defaultModel, newestReady),
  } = {},
) {
  const clock = new HandClock();
  /** A turn of the event loop: a large call goes on in the next one, for three slices. */
  const turns = new HandTurns();
  const sliceMs = 0.1;
  const admission = new Admission(limits);
  for (const version of versions) registry.add(version);
  /** Calls whose rows wait to be run, oldest first. */
  const submitted: Call[] = [];
  /** Calls whose record was read, in order. */
  const observed: Call[] = [];
  const parts: PathParts = {
    admission,
    routes: registry,
    scheduler: { ...noScheduler, submit: (call) => void submitted.push(call) },
    slices: new Slices({
      now: () => {
        clock.advance(sliceMs);
        return clock.nowMs;
      },
      defer: turns.defer,
    }),
    // Each look at the clock finds it a little later.
    now: () => {
      clock.advance(0.001);
      return clock.nowMs;
    },
    observers: [{ onCall: (record) => void observed.push(record as Call) }],
  };
  const path = createPath(parts);

  function send(options: CallOptions = {}, ownPath = path): MadeCall {
    const made = makeCall({ arrivedMs: clock.nowMs, ...options });
    ownPath.predict(made.call);
    return made;
  }

  /**
   * Runs the oldest waiting call: float32 outputs of one column, row by row; by default the first column of its block.
   */
  function run(outputs?: readonly number[], failedRows: readonly number[] = []): void {
    const call = submitted.shift()!;
    call.raw = [outputs ? Float32Array.from(outputs) : Float32Array.from(call.blocks[0]!)];
    if (failedRows.length > 0) call.failedRows = [...failedRows];
    call.onRun(call);
  }

  return { clock, turns, admission, registry, parts, path, submitted, observed, send, run };
}
