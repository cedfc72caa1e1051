/**
 * The server: the one place where concrete classes meet.
 *
 * Start: load what can't be loaded in short turns, then listen (a taken port is found at once, and liveness is answered
 * from the first moment), then load the store in turns of the event loop that are never held, and be ready. Stop: not
 * ready, no new connections, answer what is in flight, end the workers; in whatever state, within the drain's time.
 */

import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { StoredBundle } from "../bundle/index.js";
import { Admission } from "./admission.js";
import { type Config, routesFileOf, type SizedConfig, sizeFields, withSizes } from "./config.js";
import { ServeError } from "./errors.js";
import { openEngines } from "./inference/engines.js";
import { Pools } from "./inference/pools.js";
import { Scheduler } from "./inference/scheduler.js";
import { Linger } from "./linger.js";
import { type Listeners, openListeners } from "./listeners.js";
import { AccessLog } from "./observe/access-log.js";
import { addGauges } from "./observe/gauges.js";
import { Logs, sharedPieceBytes } from "./observe/logs.js";
import { Metrics } from "./observe/metrics.js";
import type { Observer } from "./observe/observer.js";
import { Statistics } from "./observe/statistics.js";
import { readTraceSettings } from "./observe/trace-settings.js";
import { Traces } from "./observe/traces.js";
import { logEngines, logStuckRun } from "./observe/version-log.js";
import { WallClock } from "./observe/wall-clock.js";
import { createPath, type PredictPath } from "./path/predict.js";
import { Slices } from "./path/slices.js";
import { productVersion } from "./product-version.js";
import { Release } from "./release/release.js";
import { newestReady } from "./routing/newest-ready.js";
import { Routes } from "./routing/routes.js";
import { giveMemory } from "./serving-memory.js";
import type { ServingPart } from "./serving-part.js";
import { memoryBudget, storeExecutors } from "./store-executors.js";
import { createRequestIds } from "./transport/request-id.js";
import { Turns } from "./turns.js";
import type { ProofReport } from "./versions/load-servable.js";
import type { Manager } from "./versions/manager.js";
import { ModelStore } from "./versions/model-store.js";
import { Registry } from "./versions/registry.js";
import type { Servable } from "./versions/servable.js";
import { policiesOf } from "./versions/version-policy.js";

/** How long a drain waits for what observers still hold, such as spans for the collector, milliseconds. */
const deliverMs = 2000;
/**
 * How often calls in flight are looked through for passed deadlines, milliseconds: how late a 504 can be on an idle
 * loop.
 */
const sweepEveryMs = 5;

/** After readiness, milliseconds; a scrape that comes earlier doesn't wait for it. */
const metricsAfterMs = 200;
/** Of each turn of the event loop, for a scrape, milliseconds. */
const scrapeBudgetMs = 0.1;

const now = () => performance.now();

export class Server {
  readonly #config: SizedConfig;
  readonly #part: ServingPart | undefined;
  readonly #logs: Logs;
  readonly #metrics = new Metrics();
  readonly #statistics = new Statistics(Date.now);
  readonly #traces: Traces;
  readonly #accessLog: AccessLog;
  readonly #observers: readonly Observer[];
  readonly #registry: Registry;
  readonly #routes: Routes;
  readonly #release: Release;
  readonly #admission: Admission;
  readonly #nextRequestId = createRequestIds(randomBytes(8).toString("hex"));
  readonly #turns = new Turns({ now, defer: setImmediate });
  /** A scrape isn't the calls' business: it takes less of a turn. */
  readonly #scrapeTurns = new Turns({ now, defer: setImmediate, budgetMs: scrapeBudgetMs });
  #store: ModelStore | undefined;
  #pools: Pools | undefined;
  #scheduler: Scheduler | undefined;
  #listeners: Listeners | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #metricsTimer: NodeJS.Timeout | undefined;
  #warm = false;
  #stopping = false;
  /** The drain is of this process alone: the server, as callers see it, goes on. */
  #othersServe = false;
  #isStarting = false;
  /** Settled when the start has ended, well or not. */
  #started: Promise<void> | undefined;

  /** @param part - Undefined for a server that is one process. */
  constructor(config: Config, part?: ServingPart) {
    this.#config = withSizes(config, part?.machine);
    this.#part = part;
    this.#release = new Release({
      file: routesFileOf(config),
      registry: () => this.#registry,
      settings: config,
      log: (level, message, fields) => this.#logs.event(level, message, fields),
      wallClock: () => new Date(),
      now,
      defer: setImmediate,
      callsInFlight: () => this.#admission.calls,
      isRefusing: (nowMs) => this.#scheduler?.isRefusing(nowMs) ?? true,
    });
    // Which version answers calls that name none, where no route says it. Another policy is another word here.
    this.#registry = new Registry(config.defaultModel, this.#release.policy(newestReady));
    this.#routes = new Routes(this.#registry);
    const linger = new Linger(now, config.lingerUs / 1000, setImmediate);
    this.#admission = new Admission({ callsMax: config.callsMax, bytesMax: this.#config.bytesMax }, linger);
    this.#logs = new Logs({
      wallClock: () => new Date(),
      ...(part && { fields: { process: part.process }, pieceBytesMax: sharedPieceBytes() }),
    });
    const { settings, problems } = readTraceSettings(process.env, config.traceSampleShare);
    for (const problem of problems) this.#logs.event("warn", `traces: ${problem}`);
    this.#traces = new Traces({
      settings,
      open: async (settings, onTrouble) => {
        const { openOtlp } = await import("./observe/otlp.js");
        return openOtlp({ settings, serviceVersion: productVersion(), clock: new WallClock(now, Date.now), onTrouble });
      },
      random: Math.random,
      now,
      log: (level, message, fields) => this.#logs.event(level, message, fields),
    });
    this.#accessLog = new AccessLog({
      logs: this.#logs,
      accessLog: config.accessLog,
      sampleShare: config.logSampleShare,
      random: Math.random,
      spanOf: (call) => this.#traces.spanOf(call),
    });
    // Traces before the log, whose lines name their spans. One's own observer is another line here.
    this.#observers = [this.#metrics, this.#statistics, this.#release, this.#traces, this.#accessLog];
  }

  /**
   * Starts it; resolves when every model is proved and warm. {@link stop} may be called meanwhile.
   *
   * @throws Error with a sentence when an address is taken, the store can't be read, or no model came through its
   *   proof.
   */
  async start(): Promise<void> {
    this.#isStarting = true;
    this.#started = this.#start().finally(() => {
      this.#isStarting = false;
    });
    try {
      await this.#started;
    } catch (error) {
      await this.stop("start failed");
      throw error;
    }
  }

  /**
   * Loads a version beside the others and takes it into service.
   *
   * @returns The servable; or why there is none, and then nothing else has changed.
   * @throws Error with a sentence when it is held already, or the server isn't started or stops.
   */
  async add(stored: StoredBundle): Promise<Servable | ProofReport> {
    return (await this.#whenStarted()).add(stored);
  }

  /**
   * Takes a version out of service: it answers the calls that it has, and no others. Resolves when nothing is left of it.
   *
   * @param key - `demand/1`
   * @throws Error with a sentence when there is no such version, or it isn't held.
   */
  async remove(key: string): Promise<void> {
    await (await this.#whenStarted()).remove(key);
  }

  async #whenStarted(): Promise<Manager> {
    await this.#started;
    if (this.#store === undefined || this.#stopping) throw new Error("the server doesn't serve");
    return this.#store.manager;
  }

  get httpPort(): number {
    return this.#listeners!.public.port;
  }

  /** Not of one of several serving processes: the primary has the admin listener. */
  get adminPort(): number {
    return this.#listeners!.admin!.port;
  }

  /** Undefined without gRPC. */
  get grpcPort(): number | undefined {
    return this.#listeners!.grpc?.port;
  }

  get #ports(): Record<string, number | undefined> {
    return { http_port: this.httpPort, admin_port: this.#listeners!.admin?.port, grpc_port: this.grpcPort };
  }

  /** @throws {@link ServeError} not_ready before it serves, and once it stops. */
  readonly control = () => {
    if (this.#store === undefined) throw new ServeError("not_ready", "the server is still loading its models");
    return this.#store.control();
  };

  readonly scrape = () => this.#metrics.scrape(this.#scrapeTurns.pause);

  /** How it is, for whoever supervises it. */
  get counts(): { connections: number; callsInFlight: number; stuckWorkers: number } {
    const connections = this.#listeners?.public.connections ?? 0;
    return { connections, callsInFlight: this.#admission.calls, stuckWorkers: this.#pools?.stuck ?? 0 };
  }

  get registry(): Registry {
    return this.#registry;
  }

  get release(): Release {
    return this.#release;
  }

  get logs(): Logs {
    return this.#logs;
  }

  get ready(): boolean {
    return this.#warm && (!this.#stopping || this.#othersServe) && !this.#pools?.down && this.#registry.ready;
  }

  async #start(): Promise<void> {
    // They load their libraries while this thread does.
    const pools = new Pools({
      workers: this.#config.workers,
      onTrouble: (message) => this.#logs.event("error", message),
      onStuck: (run, way) => logStuckRun(this.#logs, run, way, this.#registry.entry(run.key)),
    });
    this.#pools = pools;
    const scheduler = this.#createScheduler(pools);
    this.#scheduler = scheduler;
    const store = this.#createStore(pools, scheduler);
    this.#store = store;
    const parts = { routes: this.#routes, scheduler, slices: new Slices({ now, defer: setImmediate }), now };
    const path = createPath({
      ...parts,
      admission: this.#admission,
      arms: this.#release.arms(this.#routes),
      hold: store.hold,
      observers: this.#observers,
    });
    const { shadows } = this.#release;
    shadows.attach(
      createPath({
        ...parts,
        admission: { enter() {}, leave() {} },
        observers: [{ onCall: (call) => shadows.done(call) }],
      }),
    );
    if (this.#config.execution !== "pool") openEngines();
    await this.#traces.begin();
    if (this.#part === undefined) await this.#turns.unlessStopped(this.#release.open());
    else this.#release.take(this.#part.routes);
    if (!this.#part?.listensWhenReady) await this.#listen(path);
    this.#turns.throwIfStopped();
    this.#sweeper = setInterval(() => this.#admission.sweep(now(), path.giveUp), sweepEveryMs);
    await store.load();
    this.#turns.throwIfStopped();
    if (this.#part?.listensWhenReady) await this.#listen(path);
    this.#warm = true;
    this.#routes.open();
    store.follow();
    if (this.#part === undefined) this.#release.watch();
    // Whoever waits for readiness hears of it first.
    this.#metricsTimer = setTimeout(() => void this.#metrics.begin(this.#scrapeTurns.pause), metricsAfterMs);
    this.#logs.event("info", "ready", {
      http: this.#listeners!.member,
      ...this.#ports,
      ...sizeFields(this.#config),
      models: this.#registry.listed.map(({ key, state }) => ({ key, state })),
    });
  }

  async #listen(path: PredictPath): Promise<void> {
    this.#listeners = await openListeners(this.#config, {
      path,
      now,
      registry: this.#registry,
      health: { isReady: () => this.ready, stuckWorkers: () => this.#pools?.stuck ?? 0 },
      nextRequestId: this.#nextRequestId,
      control: this.control,
      statistics: this.#statistics,
      scrape: this.scrape,
      release: this.#release,
      pause: this.#scrapeTurns.pause,
      countRefusal: (code) => this.#metrics.countRefusal(code),
      logs: this.#logs,
      accessLog: this.#accessLog,
      shared: this.#part?.shared,
    });
    this.#addGauges();
    this.#logs.event("info", "listening", this.#ports);
  }

  #createScheduler(pools: Pools): Scheduler {
    return new Scheduler({
      execution: this.#config.execution,
      pool: pools.threads,
      now,
      defer: setImmediate,
      onBatch: (version, executor, rowCount, durationUs) => {
        this.#metrics.observeBatch(version, executor, rowCount, durationUs);
        this.#statistics.observeBatch(version, rowCount, durationUs);
      },
      onTrouble: (version, message) =>
        this.#logs.event("error", message, { model: version.name, version: version.number }),
    });
  }

  #createStore(pools: Pools, scheduler: Scheduler): ModelStore {
    const { engine, models, storePollMs, proveTimeoutMs, versions, versionsPerModel } = this.#config;
    return new ModelStore({
      models,
      pollMs: storePollMs,
      proveTimeoutMs,
      engine,
      policyOf: policiesOf(versions, versionsPerModel),
      named: () => this.#release.table.named,
      defaultModel: this.#config.defaultModel,
      defaultIsLoose: this.#config.defaultModelIsLoose ?? false,
      registry: this.#registry,
      turns: this.#turns,
      executors: storeExecutors(this.#config, pools, scheduler, now),
      budget: memoryBudget(this.#config, this.#config.workers),
      listener: {
        onRead: (servable) => {
          this.#metrics.addVersion(servable);
          this.#statistics.addVersion(servable);
        },
        onEngines: (servable) => logEngines(this.#logs, servable),
        onServing: (servable) => giveMemory(servable, this.#config.cacheBytes),
        onGone: (servable) => {
          this.#metrics.removeVersion(servable);
          this.#statistics.removeVersion(servable);
          this.#release.removeVersion(servable);
          pools.forget(servable.key);
        },
      },
      log: (level, message, fields) => this.#logs.event(level, message, fields),
    });
  }

  #addGauges(): void {
    const server = this;
    this.#metrics.addFamilies(this.#release.families);
    for (const counter of this.#statistics.counters) this.#metrics.addGauge(counter, "counter");
    addGauges(this.#metrics, {
      get ready() {
        return server.ready;
      },
      get pools() {
        return server.#pools;
      },
      get versions() {
        return server.#registry.versions;
      },
      get listed() {
        return server.#registry.listed;
      },
      cold: this.#store?.cold,
      admission: this.#admission,
      listener: this.#listeners!.public,
      logs: this.#logs,
      traces: this.#traces,
      queuedRows: (version) => this.#scheduler?.lane(version)?.queuedRows ?? 0,
    });
  }

  #recordsLeft = false;

  /** Whether, after {@link stop}, what an observer couldn't deliver still holds the process: spans that no collector takes. */
  get recordsLeft(): boolean {
    return this.#recordsLeft;
  }

  /** Whether, after {@link stop}, threads still run or load: a process can't exit beside them. */
  get threadsLeft(): boolean {
    return (this.#pools?.threadsLeft ?? 0) > 0;
  }

  /**
   * Drains and ends, within the drain's time (and its delay). Idempotent.
   *
   * @param reason - For the log: the signal's name.
   * @param othersServe - Other processes go on to serve its ports: health doesn't change, and nobody need be waited for.
   * @returns How many requests and runs were cut off: 0 unless the drain's time ran out.
   */
  async stop(reason: string, othersServe = false): Promise<number> {
    if (this.#stopping) return 0;
    this.#stopping = true;
    this.#othersServe = othersServe;
    this.#turns.stop();
    this.#store?.close();
    this.#release.closeRoutes();
    const { drainDelayMs, drainQuietMs, drainTimeoutMs } = this.#config;
    this.#logs.event("info", "draining", { reason, calls_in_flight: this.#admission.calls });
    // A load balancer needs time to see that this server isn't ready before connections are refused.
    if (drainDelayMs > 0 && this.#warm && !othersServe) await delay(drainDelayMs);
    const endMs = now() + drainTimeoutMs;
    const leftMs = () => Math.max(0, endMs - now());
    const startCut = (await this.#endStart(leftMs())) ? 0 : 1;
    const quietMs = this.#warm ? drainQuietMs : 0;
    const { public: http, grpc } = this.#listeners ?? {};
    const closing = [http, grpc].map(async (listener) => (await listener?.close(quietMs, leftMs())) ?? 0);
    const callsCut = (await Promise.all(closing)).reduce((sum, cut) => sum + cut, 0);
    const delivered = Promise.all(this.#observers.map((observer) => observer.close(deliverMs)));
    await this.#listeners?.admin?.close(0, 1000);
    clearTimeout(this.#metricsTimer);
    clearInterval(this.#sweeper);
    const runsCut = (await this.#pools?.close(leftMs())) ?? 0;
    for (const { lane } of this.#registry.versions) lane?.runner?.release();
    const cutOff = callsCut > 0 ? callsCut : startCut + runsCut;
    this.#recordsLeft = (await delivered).includes(false);
    this.#logs.event(cutOff === 0 ? "info" : "error", "stopped", { cut_off: cutOff });
    await this.#logs.flush(1000);
    return cutOff;
  }

  /** @returns Whether the start, if it is under way, has ended. */
  async #endStart(limitMs: number): Promise<boolean> {
    if (!this.#isStarting) return true;
    // A proof in a process may be what the start waits for.
    const pools = this.#pools;
    const ended = Promise.allSettled([this.#started, pools?.kill()]).then(() => true);
    return await Promise.race([ended, delay(limitMs, false, { ref: false })]);
  }
}
