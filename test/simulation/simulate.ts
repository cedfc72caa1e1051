/**
 * Plays callers, an event loop, workers and a machine in virtual time round the scheduler of the server: the same code,
 * another clock.
 *
 * The path of a call is that of `predict.ts` with costs in the place of its steps: it is read from its socket when the
 * loop comes to it, decoded, queued or refused, and answered when its rows ran, in the turn in which they did.
 * Deadlines, the list of calls in flight and the slices of large calls are the server's own. No policy is in here.
 */

import { createRandom, type Random } from "../../loadtest/random.js";
import { Admission } from "../../server/admission.js";
import { ServeError } from "../../server/errors.js";
import type { Lane } from "../../server/inference/lane.js";
import { runnerSpec } from "../../server/inference/runner.js";
import { Scheduler } from "../../server/inference/scheduler.js";
import { Call } from "../../server/path/call.js";
import { setDeadline } from "../../server/path/deadline.js";
import { Slices } from "../../server/path/slices.js";
import { predictJson } from "../../server/protocol/predict-json/protocol.js";
import type { RequestHead } from "../../server/protocol/protocol.js";
import type { Servable } from "../../server/versions/servable.js";
import { makeVersion } from "../support/versions.js";
import { arrivalTimesS } from "./arrivals.js";
import { createSimulatedRunner, ServiceTimes, SimulatedPool } from "./executors.js";
import { Ledger, type Outcome } from "./ledger.js";
import { createReport, type Report } from "./report.js";
import {
  defaultLoopCosts,
  defaultSloMs,
  type LoopCosts,
  type Setup,
  type SimulatedLane,
  type Stream,
  slowdownAt,
} from "./setup.js";
import { SimulatedLoop } from "./simulated-loop.js";

/** As in server.ts: how often calls in flight are looked through for passed deadlines. */
const sweepEveryMs = 5;
/** As in config.ts: the most calls in flight. */
const callsMax = 10_000;
/** Calls of more rows are decoded and answered in slices, of so many rows each. */
const wholeRowsMax = 256;
const sliceRows = 64;
/** What is in flight when the last call is sent has so long to end. */
const drainS = 30;
/** From one end of a connection to the other: until a closed caller's next call, or a retry, is in the socket. */
const networkMs = 0.1;
/** As `warmUp` does. */
const warmUpRuns = { rounds: 7, rows: [1, 8, 64] };

export async function simulate(setup: Setup): Promise<Report> {
  // Refusals are errors, and nobody reads where they come from: a stack for each would be most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await new Simulation(setup).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const jsonHead: RequestHead = { contentType: "application/json", header: () => "" };

class SimulatedCall extends Call {
  readonly stream: number;
  readonly sentMs: number;
  readonly attempt: number;
  /** Its submission returned: what ends it now isn't a refusal at once. */
  queued = false;

  constructor(stream: number, sentMs: number, arrivedMs: number, attempt: number) {
    super(predictJson, noReply, arrivedMs, undefined, undefined, jsonHead, "");
    this.stream = stream;
    this.sentMs = sentMs;
    this.attempt = attempt;
  }
}

class Simulation {
  readonly #setup: Setup;
  readonly #costs: LoopCosts;
  readonly #loop: SimulatedLoop;
  readonly #admission = new Admission({ callsMax, bytesMax: Number.POSITIVE_INFINITY });
  readonly #slices: Slices;
  readonly #pool: SimulatedPool;
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;
  readonly #versions: Servable[] = [];
  readonly #randoms: Random[];
  readonly #blocks = new Map<number, readonly Float32Array[]>();
  readonly #faults: string[] = [];
  #rowsRun = 0;
  #rowsRecorded = 0;
  #rowsWanted = 0;

  constructor(setup: Setup) {
    const {
      seed,
      execution = "auto",
      workers = 1,
      lanes,
      machine,
      traffic,
      loop: costs,
      measureFromS = 0,
      contention = 0,
    } = setup;
    this.#setup = setup;
    this.#costs = { ...defaultLoopCosts, ...costs };
    this.#loop = new SimulatedLoop(this.#costs.turnUs);
    const { now, defer } = this.#loop;
    this.#slices = new Slices({ now, defer });
    this.#ledger = new Ledger(traffic.length, measureFromS * 1000);
    this.#randoms = traffic.map((_, index) => createRandom(seed * 1000 + index));
    const services = new Map<string, ServiceTimes>();
    const onFault = (message: string) => this.#faults.push(message);
    const pool = new SimulatedPool({
      workers,
      loop: this.#loop,
      serviceUs: (key, rowCount) =>
        services.get(key)!.drawPooled(rowCount, this.#nowS) * (1 + contention * this.#loop.load),
      handOverUs: () => this.#costs.handOverUs * this.#loopFactor,
      onRan: (rowCount) => {
        this.#rowsRun += rowCount;
      },
      onFault,
    });
    this.#pool = pool;
    this.#scheduler = new Scheduler({
      execution,
      pool: execution === "inline" ? undefined : pool,
      now,
      defer,
      onBatch: (_version, _executor, rowCount) => {
        this.#rowsRecorded += rowCount;
      },
      onTrouble: () => {},
    });
    for (const [index, lane] of lanes.entries()) {
      const version = makeVersion({ number: index + 1, sloMs: lane.sloMs ?? defaultSloMs, rowsMax: 1_000_000 });
      const times = new ServiceTimes(lane, machine, createRandom(seed * 1000 + 500 + index));
      services.set(version.key, times);
      this.#versions.push(version);
      this.#addLane(version, lane, times, onFault);
    }
  }

  /** As server.ts takes a version into service: warm, with a first idea of what its runs cost. */
  #addLane(
    version: Servable,
    { inline, pool, warmUpShare = 1 }: SimulatedLane,
    times: ServiceTimes,
    onFault: (message: string) => void,
  ): void {
    const learnPool = (lane: Lane) => {
      // As learn-cost.ts does: a size isn't tried if its run might take long.
      for (const rows of warmUpRuns.rows)
        if (rows === 1 || (pool.fixedUs + pool.perRowUs) * rows < 250_000)
          lane.tookMs(rows, (warmUpShare * times.draw(pool, rows, 0)) / 1000);
    };
    if (inline === undefined || this.#setup.execution === "pool") {
      learnPool(this.#scheduler.addLane(version, undefined));
      return;
    }
    const runFor = (rowCount: number) => {
      this.#loop.hold(times.draw(inline, rowCount, this.#nowS) * this.#contended);
      this.#rowsRun += rowCount;
    };
    const lane = this.#scheduler.addLane(version, createSimulatedRunner(runnerSpec(version), runFor, onFault));
    for (let round = 0; round < warmUpRuns.rounds; round++) {
      for (const rows of warmUpRuns.rows) lane.inlineCost.observe(rows, warmUpShare * times.draw(inline, rows, 0));
    }
    learnPool(lane);
  }

  get #nowS(): number {
    return (this.#loop.nowMs - this.#loop.startMs) / 1000;
  }

  /** What the event loop is slowed down by, while workers run. */
  get #contended(): number {
    return this.#pool.idle < this.#pool.workers ? 1 + (this.#setup.contention ?? 0) : 1;
  }

  get #loopFactor(): number {
    const { machine } = this.#setup;
    return machine === undefined ? this.#contended : this.#contended * slowdownAt(machine, this.#nowS);
  }

  async run(): Promise<Report> {
    const { traffic, untilS } = this.#setup;
    const loop = this.#loop;
    for (const [index, stream] of traffic.entries()) this.#begin(index, stream);
    const sweep = () => {
      this.#ledger.sampleQueue(loop.nowMs - loop.startMs, this.#scheduler.queuedRows);
      this.#admission.sweep(loop.nowMs, this.#expire);
    };
    await loop.run(
      { everyMs: sweepEveryMs, run: sweep },
      () => this.#admission.calls === 0,
      loop.startMs + (untilS + drainS) * 1000,
    );
    const rows = { run: this.#rowsRun, recorded: this.#rowsRecorded, wanted: this.#rowsWanted };
    return createReport(this.#setup, this.#ledger, rows, loop.busyMs / (loop.nowMs - loop.startMs), this.#faults);
  }

  #begin(index: number, stream: Stream): void {
    const { startMs } = this.#loop;
    for (let caller = 0; caller < (stream.callers ?? 0); caller++)
      this.#send(index, startMs + (0.01 * caller) / stream.callers!, 1);
    const times = arrivalTimesS(stream, this.#randoms[index]!);
    // One arrival of a stream waits at a time; each brings the next.
    const next = () => {
      const { value } = times.next();
      if (value === undefined || value >= this.#setup.untilS) return;
      const sentMs = startMs + value * 1000;
      this.#loop.at(sentMs, () => {
        next();
        this.#arrive(index, sentMs, 1);
      });
    };
    next();
  }

  #send(stream: number, sentMs: number, attempt: number): void {
    if (sentMs >= this.#loop.startMs + this.#setup.untilS * 1000) return;
    this.#loop.at(sentMs, () => this.#arrive(stream, sentMs, attempt));
  }

  #hold(us: number): void {
    this.#loop.hold(us * this.#loopFactor);
  }

  /** The loop reads a call from its socket: `predict`. */
  #arrive(index: number, sentMs: number, attempt: number): void {
    const { rows = 1, lane = 0, timeoutMs = 0, leaveAfterMs } = this.#setup.traffic[index]!;
    const { decodeUs, decodeRowUs } = this.#costs;
    const loop = this.#loop;
    const call = new SimulatedCall(index, sentMs, loop.nowMs, attempt);
    call.version = this.#versions[lane]!;
    call.callerTimeoutMs = timeoutMs;
    call.rowCount = rows;
    this.#ledger.send(index, sentMs - loop.startMs);
    if (leaveAfterMs !== undefined) loop.at(sentMs + leaveAfterMs, () => this.#leave(call));
    try {
      this.#admission.enter(call);
      if (rows > wholeRowsMax) {
        this.#hold(decodeUs);
        setDeadline(call, call.version, rows);
        this.#takeSlices(call, decodeRowUs, () => this.#submit(call));
        return;
      }
    } catch (error) {
      this.#fail(call, error);
      return;
    }
    this.#hold(decodeUs + decodeRowUs * (rows - 1));
    setDeadline(call, call.version, rows);
    this.#submit(call);
  }

  #submit(call: SimulatedCall): void {
    try {
      if (this.#loop.nowMs > call.deadlineMs)
        throw new ServeError("deadline_exceeded", "the deadline had passed before the body was there");
      call.blocks = this.#blocksOf(call.rowCount);
      call.onRun = this.#answer;
      this.#scheduler.submit(call);
      call.queued = true;
    } catch (error) {
      this.#fail(call, error);
    }
  }

  readonly #answer = (ran: Call): void => {
    const call = ran as SimulatedCall;
    if (call.finished) return;
    const { replyUs, replyRowUs } = this.#costs;
    if (call.error !== undefined) this.#fail(call, call.error);
    else if (call.rowCount > wholeRowsMax) this.#takeSlices(call, replyRowUs, () => this.#succeed(call, replyUs));
    else this.#succeed(call, replyUs + replyRowUs * (call.rowCount - 1));
  };

  #takeSlices(call: SimulatedCall, rowUs: number, goOn: () => void): void {
    const hold = (us: number) => this.#hold(us);
    function* work(): Generator<undefined, void> {
      for (let row = 0; row < call.rowCount; row += sliceRows) {
        if (call.finished) return;
        hold(rowUs * Math.min(sliceRows, call.rowCount - row));
        yield;
      }
      if (!call.finished) goOn();
    }
    this.#slices.add(work(), call.arrivedMs);
  }

  #succeed(call: SimulatedCall, us: number): void {
    if (call.rowsDone !== call.rowCount)
      this.#faults.push(`a call of ${call.rowCount} rows was answered when ${call.rowsDone} had run`);
    if (call.runEndedMs <= call.deadlineMs) this.#rowsWanted += call.rowCount;
    this.#hold(us);
    this.#finish(call, "answered");
  }

  readonly #expire = (call: Call): void =>
    this.#fail(call as SimulatedCall, new ServeError("deadline_exceeded", "the deadline passed"));

  #fail(call: SimulatedCall, reason: unknown): void {
    if (!(reason instanceof ServeError)) throw reason;
    const { refuseUs, decodeUs, replyUs } = this.#costs;
    call.error = reason;
    this.#hold(call.queued ? replyUs : Math.max(0, refuseUs - decodeUs));
    const { code } = reason;
    this.#finish(
      call,
      code === "deadline_exceeded" ? "expired" : code !== "overloaded" ? "failed" : call.queued ? "shed" : "refused",
    );
    const { retry } = this.#setup.traffic[call.stream]!;
    if (retry === undefined || !reason.retry || call.attempt > retry.times) return;
    const [least, most] = retry.afterMs;
    const pauseMs = least + (most - least) * this.#randoms[call.stream]!.uniform();
    this.#send(call.stream, this.#loop.nowMs + networkMs + pauseMs, call.attempt + 1);
  }

  #leave(call: SimulatedCall): void {
    if (call.finished) return;
    call.abandoned = true;
    this.#finish(call, "left");
  }

  #finish(call: SimulatedCall, outcome: Outcome): void {
    const { nowMs, startMs } = this.#loop;
    call.finished = true;
    call.finishedMs = nowMs;
    this.#scheduler.ended(call);
    this.#admission.leave(call);
    const inTime = outcome === "answered" && nowMs - call.sentMs <= call.targetMs - call.arrivedMs;
    this.#ledger.end(call.stream, outcome, call.sentMs - startMs, nowMs - startMs, inTime);
    if (this.#setup.traffic[call.stream]!.callers !== undefined) this.#send(call.stream, nowMs + networkMs, 1);
  }

  /** Nobody writes to them, so that all calls of one size share theirs. */
  #blocksOf(rowCount: number): readonly Float32Array[] {
    let blocks = this.#blocks.get(rowCount);
    if (blocks === undefined) {
      blocks = [new Float32Array(rowCount)];
      this.#blocks.set(rowCount, blocks);
    }
    return blocks;
  }
}

const noReply = { send() {}, refuse() {} };
