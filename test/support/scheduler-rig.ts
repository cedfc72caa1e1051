/**
 * A scheduler with everything round it worked by hand: clock, turns of the event loop, workers, and models whose
 * answers are known.
 */

import type { ServeError } from "../../server/errors.js";
import type { Execution } from "../../server/inference/choose-executor.js";
import { Intake } from "../../server/inference/intake.js";
import type { Lane } from "../../server/inference/lane.js";
import { createRunner, runnerSpec } from "../../server/inference/runner.js";
import { Scheduler } from "../../server/inference/scheduler.js";
import type { Call } from "../../server/path/call.js";
import type { Servable } from "../../server/versions/servable.js";
import { makeQueuedCall } from "./calls.js";
import { HandClock, HandTurns } from "./event-loop.js";
import { HandWorkedPool } from "./hand-worked-pool.js";
import { createPuppetEngine, type RowFunction } from "./puppet-engine.js";
import { makeVersion } from "./versions.js";

export interface RigOptions {
  execution?: Execution;
  /** 0: no pool at all. */
  workers?: number;
  lanes?: number;
  /** The time of a run on the event loop. */
  runUs?: (rowCount: number) => number;
  compute?: RowFunction;
  /** Versions that have no session on the event loop. */
  poolOnly?: boolean;
  /** The versions' objective. */
  sloMs?: number;
  /** Rows that there is room for where small calls write theirs; 0: each call has blocks of its own. */
  intakeRows?: number;
}

export interface RanBatch {
  readonly version: number;
  readonly executor: "inline" | "pool";
  readonly rowCount: number;
  readonly durationUs: number;
}

export interface SubmittedCall {
  readonly call: Call;
  /** One a row. */
  readonly values: readonly number[];
  /** How often the scheduler said that it ran. */
  ran: number;
  error: ServeError | undefined;
  /** The raw outputs of the call's rows, as they were when it ran. */
  raw: number[];
}

const never = Number.POSITIVE_INFINITY;

export function createRig(options: RigOptions = {}) {
  const {
    execution = "auto",
    workers = 1,
    lanes = 1,
    runUs = (rows) => 20 + 4 * rows,
    poolOnly = false,
    intakeRows = 0,
    sloMs = 200,
  } = options;
  const clock = new HandClock();
  const turns = new HandTurns();
  const pool = workers === 0 ? undefined : new HandWorkedPool(workers);
  const engine = createPuppetEngine(options.compute, ({ rowCount }) => clock.advance(runUs(rowCount) / 1000));
  const batches: RanBatch[] = [];
  const troubles: string[] = [];
  const scheduler = new Scheduler({
    execution,
    pool,
    now: clock.now,
    defer: turns.defer,
    onBatch: (version, executor, rowCount, durationUs) =>
      batches.push({ version: version.number, executor, rowCount, durationUs }),
    onTrouble: (version, message) => troubles.push(`${version.key}: ${message}`),
  });
  const versions: Servable[] = [];
  const laneList: Lane[] = [];
  for (let number = 1; number <= lanes; number++) {
    const version = makeVersion({ number, sloMs });
    const lane = scheduler.addLane(version, poolOnly ? undefined : createRunner(engine, runnerSpec(version)));
    if (intakeRows > 0) version.intake = new Intake([new Float32Array(intakeRows)], lane.blockWidths);
    // As warming up does: the fitted cost begins as what the runs take.
    for (let round = 0; round < 10; round++) {
      for (const rows of [1, 8, 64]) {
        lane.inlineCost.observe(rows, runUs(rows));
        lane.poolCost.observe(rows, runUs(rows));
      }
    }
    versions.push(version);
    laneList.push(lane);
  }

  let nextValue = 1;
  /** Order in which calls ran. */
  const order: SubmittedCall[] = [];

  /** Submits a call of so many rows, each with a value that no other row has. */
  function submit(
    rowCount: number,
    { lane = 0, targetMs = never, deadlineMs = never, values = [] as readonly number[] } = {},
  ): SubmittedCall {
    const own = values.length > 0 ? values : Array.from({ length: rowCount }, () => nextValue++);
    const version = versions[lane]!;
    const call = makeQueuedCall(version, [Float32Array.from(own)], rowCount, deadlineMs);
    // As preprocessing does.
    if (version.intake?.admit(call)) (call.blocks[0] as Float32Array).set(own, call.blockRow);
    call.targetMs = targetMs;
    const submitted: SubmittedCall = { call, values: own, ran: 0, error: undefined, raw: [] };
    call.onRun = (ran) => {
      submitted.ran++;
      submitted.error = ran.error;
      if (!ran.error) submitted.raw = Array.from(ran.raw[0]!.subarray(ran.rawFirstRow, ran.rawFirstRow + ran.rowCount));
      ran.finished = true;
      order.push(submitted);
    };
    scheduler.submit(call);
    return submitted;
  }

  return {
    clock,
    turns,
    pool: pool as HandWorkedPool,
    engine,
    scheduler,
    versions,
    lanes: laneList,
    batches,
    troubles,
    order,
    submit,
  };
}

/** The answers of a call's rows when each ran once. */
export function expectedRaw({ values }: SubmittedCall): number[] {
  return values.map((value) => 2 * value);
}
