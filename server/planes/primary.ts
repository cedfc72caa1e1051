/**
 * The control plane of a server of several processes: starts and supervises the serving processes, merges their metrics,
 * has the admin listener. Nothing of it is on the path of a call.
 *
 * It decides nothing by itself: `supervise.ts` says what is to be done, and this does it.
 */

import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type Config, listed, routesFileOf, withSizes } from "../config.js";
import { ServeError } from "../errors.js";
import { addresses } from "../greeting.js";
import { type Machine, shareOf } from "../machine.js";
import { AccessLog } from "../observe/access-log.js";
import { Logs, sharedPieceBytes } from "../observe/logs.js";
import { openInference } from "../protocol/open-inference/protocol.js";
import { addModelComparisons, describeModelComparison, type ModelComparison } from "../release/comparison-figures.js";
import { addFigures } from "../release/experiment/add-figures.js";
import type { ExperimentFigures } from "../release/experiment/arm-figures.js";
import { describedExperiment } from "../release/experiment/describe-experiment.js";
import { flipsIn } from "../release/plan/flips-in.js";
import type { PlanRunner } from "../release/plan/runner.js";
import { createFailureAnswer } from "../transport/failure.js";
import { loadHttp } from "../transport/http/load.js";
import type { HttpListener, HttpMember } from "../transport/http/transport.js";
import { createRequestIds } from "../transport/request-id.js";
import { plainProtocol } from "../transport/routes.js";
import { listenForAdmin } from "./admin.js";
import type { FromServing, StartOrder } from "./messages.js";
import { type BoundPort, bindPort } from "./ports.js";
import { PrimaryMetrics } from "./primary-metrics.js";
import { ServingProcess } from "./serving-process.js";
import { askOthers } from "./shared-feedback.js";
import { orderAll } from "./shared-orders.js";
import { SharedRoutes } from "./shared-routes.js";
import {
  createSupervision,
  type Supervision,
  type SupervisionAction,
  type SupervisionEvent,
  serves,
  supervise,
  tickEveryMs,
} from "./supervise.js";

/** After the time that a drain may take, before its process is killed, milliseconds. */
const drainGraceMs = 5000;
const beatEveryMsMax = 1000;
/** How long each of two processes may take to describe a model, milliseconds. */
const describeMs = 400;

const now = () => performance.now();

export class Primary {
  readonly logs = new Logs({
    wallClock: () => new Date(),
    fields: { process: "primary" },
    pieceBytesMax: sharedPieceBytes(),
  });
  /** The exit code, when nothing is left of the server. */
  readonly ended: Promise<0 | 1>;
  readonly #config: Config;
  readonly #machine: Machine;
  readonly #processes = new Map<number, ServingProcess>();
  readonly #metrics = new PrimaryMetrics();
  readonly #routes: SharedRoutes;
  #plans: PlanRunner | undefined;
  #state: Supervision;
  #http: BoundPort | undefined;
  #grpc: BoundPort | undefined;
  #member: HttpMember = "node";
  #sharesSocket = false;
  #admin: HttpListener | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #served = "";
  #failure: string | undefined;
  #cutOff = 0;
  #onServing: (() => void) | undefined;
  #onEnded!: (code: 0 | 1) => void;

  /** @param count - Serving processes. */
  constructor(config: Config, machine: Machine, count: number) {
    this.#config = config;
    this.#machine = shareOf(machine, count);
    const { processHangMs: hangMs, drainDelayMs, drainTimeoutMs } = config;
    const drainMsMax = drainDelayMs + drainTimeoutMs + drainGraceMs;
    this.#state = createSupervision({ places: count, hangMs, drainMsMax }, now());
    this.#routes = new SharedRoutes({
      file: routesFileOf(config),
      processes: () => this.#processes.values(),
      isReady: (process) => this.#ready.some((one) => one === process),
      log: (level, message, fields) => this.logs.event(level, message, fields),
      wallClock: () => new Date(),
    });
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
  }

  /**
   * Starts the processes; resolves when callers are served, with what is to be said of it.
   *
   * @throws Error with a sentence when an address is taken, or the first processes can't start.
   */
  async start(): Promise<string> {
    const { http, host, httpPort, grpcPort } = this.#config;
    await this.#routes.open();
    const { createPlans } = await import("../release/plan/create-plans.js");
    this.#plans = await createPlans({
      routes: this.#routes,
      file: routesFileOf(this.#config),
      webhookHosts: listed(this.#config.webhookHosts),
      figures: (model) => this.#figures(model),
      flips: async (model, version) => flipsIn(await this.#compare(model), version),
      wallClock: () => new Date(),
      log: (level, message, fields) => this.logs.event(level, message, fields),
    });
    // Elsewhere sockets that share a port don't share its connections.
    const choice = http === "auto" && process.platform !== "linux" ? "node" : http;
    const { transport, notice } = await loadHttp(choice);
    if (notice !== undefined) this.logs.event(notice.level, notice.message);
    this.#member = transport.name;
    this.#sharesSocket = transport.shares === "socket";
    this.#http = await bindPort("http", host, httpPort);
    if (grpcPort !== undefined) this.#grpc = await bindPort("grpc", host, grpcPort);
    await this.#listen(transport);
    const serving = new Promise<void>((resolve) => {
      this.#onServing = resolve;
    });
    this.#ticking = setInterval(() => this.#take({ kind: "tick" }), tickEveryMs);
    this.#take({ kind: "begin" });
    const code = await Promise.race([serving, this.ended]);
    if (code !== undefined)
      throw new Error(this.#failure ?? "a serving process ended while it started; the log may say why");
    this.#routes.watch();
    this.#plans.watch();
    this.logs.event("info", "ready", { http: this.#member, ...this.#ports, processes: this.#state.places.length });
    return (
      addresses(this.#config, { httpPort: this.#http.port, grpcPort: this.#grpc?.port }, this.#admin!.port) +
      this.#served
    );
  }

  /** Drains all processes and ends. @returns The exit code: 0 if nothing was cut off. */
  async stop(reason: string): Promise<0 | 1> {
    this.logs.event("info", "draining", { reason });
    this.#take({ kind: "stop", why: reason });
    return await this.ended;
  }

  /** Replaces each process by one that reads the store again, one after the other. */
  reload(): void {
    this.logs.event("info", "reloading: each serving process is replaced, one after the other");
    this.#take({ kind: "reload" });
  }

  /** Ends all processes at once. */
  kill(): void {
    for (const process of this.#processes.values()) process.kill();
  }

  get #ports() {
    return { http_port: this.#http!.port, admin_port: this.#admin!.port, grpc_port: this.#grpc?.port };
  }

  async #listen(transport: Parameters<typeof listenForAdmin>[0]): Promise<void> {
    const { adminHost: host, adminPort: port, adminTokenFile: tokenFile, accessLog, logSampleShare } = this.#config;
    const { logs } = this;
    const refusals = new AccessLog({
      logs,
      accessLog,
      sampleShare: logSampleShare,
      random: Math.random,
      spanOf: () => undefined,
    });
    const nextRequestId = createRequestIds(randomBytes(8).toString("hex"));
    const onFailure = createFailureAnswer(logs, refusals, nextRequestId, (path) =>
      path.startsWith("/v2/") ? openInference : plainProtocol,
    );
    this.#admin = await listenForAdmin(
      transport,
      { host, port, onFailure, tokenFile },
      {
        health: { isReady: () => serves(this.#state), stuckWorkers: () => this.#stuckWorkers },
        scrape: () => this.#metrics.scrape(() => this.#state, this.#processes),
        describe: (model) => this.#describe(model),
        routeStore: this.#routes,
        plans: () => this.#plans!,
        perform: (order) => orderAll(this.#ready, order),
        compare: (model) => this.#compare(model),
        experiment: async (model) => describedExperiment(model, await this.#figures(model)),
        describeProcesses: () => this.#describeProcesses(),
      },
    );
  }

  #take(event: SupervisionEvent): void {
    const { state, actions } = supervise(this.#state, event, now());
    this.#state = state;
    for (const action of actions) this.#act(action);
    if (serves(state)) this.#onServing?.();
  }

  #act(action: SupervisionAction): void {
    if (action.kind === "note") this.logs.event(action.level, action.message);
    else if (action.kind === "end") void this.#end(action.code);
    else if (action.kind === "start") this.#startProcess(action);
    else {
      const process = this.#processes.get(action.id)!;
      const fields = { serving: process.place, pid: process.pid };
      if (action.kind === "kill") {
        this.logs.event("error", `a serving process is killed: ${action.why}`, fields);
        process.kill();
      } else process.stop(action.why, action.othersServe);
    }
  }

  #startProcess({ id, place, listensWhenReady }: SupervisionAction & { kind: "start" }): void {
    const [http, grpc] = [this.#http!, this.#grpc];
    const { processHangMs } = this.#config;
    const order: StartOrder = {
      kind: "start",
      process: String(place),
      config: { ...this.#config, http: this.#member, httpPort: http.port, grpcPort: grpc?.port },
      machine: this.#machine,
      listensWhenReady,
      routes: this.#routes.routes,
      beatEveryMs: Math.min(beatEveryMsMax, Math.floor(processHangMs / 4)),
    };
    const process = new ServingProcess({
      id,
      place,
      order,
      // Of uWebSockets.js each process has its own.
      sockets: { http: this.#sharesSocket ? http.socket : undefined, grpc: grpc?.socket },
      onSaid: (said, from) => this.#hear(said, from),
      onEnded: (from) => this.#forget(from),
      onTrouble: (message, { pid }) => this.logs.event("error", message, { serving: place, pid }),
    });
    this.#processes.set(id, process);
    this.#routes.began(process);
  }

  #hear(said: FromServing, process: ServingProcess): void {
    if (said.kind === "beat") {
      this.#take({ kind: "heard", id: process.id, state: said.state, isStuck: said.stuckWorkers > 0 });
      this.#routes.heard(process);
    } else if (said.kind === "serves") this.#served ||= said.what;
    else if (said.kind === "ask_feedback") void this.#askFeedback(said, process);
    else if (said.kind === "failed") this.#failure ??= said.why;
    else if (said.kind === "stopped") this.#cutOff += said.cutOff;
  }

  #forget(process: ServingProcess): void {
    const { id, place, pid, ending } = process;
    this.#processes.delete(id);
    const life = this.#state.lives.find((each) => each.id === id);
    this.#metrics.keep(process, life?.state === "draining" && !life.killed);
    this.logs.event(ending === 0 ? "info" : "error", "a serving process ended", { serving: place, pid, ending });
    this.#take({ kind: "ended", id, code: typeof ending === "number" ? ending : null });
  }

  async #end(code: 0 | 1): Promise<void> {
    clearInterval(this.#ticking);
    this.#routes.close();
    await this.#plans?.close();
    await this.#admin?.close(0, 1000);
    this.logs.event(code === 0 ? "info" : "error", "stopped", { cut_off: this.#cutOff });
    await this.logs.flush(1000);
    this.#onEnded(code);
  }

  get #stuckWorkers(): number {
    return [...this.#processes.values()].reduce((sum, { beat }) => sum + (beat?.stuckWorkers ?? 0), 0);
  }

  /** @throws ServeError model_not_found; not_ready when none answers. */
  async #describe(model: string | undefined): Promise<string> {
    const question = { kind: "describe", ...(model !== undefined && { model }) } as const;
    for (const process of this.#ready.slice(0, 2)) {
      const answer = await process.describe(question, describeMs);
      if (answer instanceof ServeError) throw answer;
      if (answer !== undefined) return answer;
    }
    throw new ServeError("not_ready", "no serving process answers: see /processes");
  }

  /** @throws ServeError model_not_found; not_ready when one doesn't answer. */
  async #compare(model: string): Promise<object> {
    // Both ends are of one build: what a process says of itself is as it was typed there.
    const said = (await this.#askEach({ kind: "compare", model })) as { place: number; answer: ModelComparison }[];
    if (said.length === 0) throw new ServeError("not_ready", "no serving process answers: see /processes");
    const processes = said.sort((a, b) => a.place - b.place);
    return {
      ...describeModelComparison(addModelComparisons(processes.map(({ answer }) => answer))),
      processes: processes.map(({ place, answer }) => ({ process: String(place), ...describeModelComparison(answer) })),
    };
  }

  /** What the arms of the model's route did in all processes. @throws As {@link #compare}. */
  async #figures(model: string): Promise<ExperimentFigures | undefined> {
    const said = await this.#askEach({ kind: "experiment", model });
    const route = Object.hasOwn(this.#routes.routes, model) ? this.#routes.routes[model] : undefined;
    // A process may not have a change yet.
    const figures = said
      .map(({ answer }) => answer as ExperimentFigures | null)
      .filter((one) => one !== null)
      .filter(({ champion, canary }) => champion === route?.champion && canary === route.canary?.version);
    return figures.length === 0 ? undefined : addFigures(figures);
  }

  async #askEach(question: { kind: "compare" | "experiment"; model: string }) {
    const asked = this.#ready.map(async (process) => {
      const { place } = process;
      const answer = await process.describe(question, describeMs);
      if (answer instanceof ServeError) throw answer;
      if (answer !== undefined) return { place, answer: JSON.parse(answer) as unknown };
      throw new ServeError("not_ready", `serving process ${place} doesn't answer: see /processes`);
    });
    return await Promise.all(asked);
  }

  async #askFeedback({ ask, items }: FromServing & { kind: "ask_feedback" }, from: ServingProcess): Promise<void> {
    const others = [...this.#processes.values()].filter((process) => process !== from);
    from.tellFeedback(ask, await askOthers(others, items));
  }

  /** Those that serve. */
  get #ready(): ServingProcess[] {
    const ready = this.#state.lives.filter(({ state }) => state === "ready");
    return ready.flatMap(({ id }) => this.#processes.get(id) ?? []);
  }

  #describeProcesses(): object {
    const nowMs = now();
    const { workers, bytesMax } = withSizes(this.#config, this.#machine);
    return {
      processes: this.#state.lives.map(({ id, place, state, sinceMs, heardMs, renew }) => {
        const { pid, startedAt, beat } = this.#processes.get(id)!;
        return {
          process: String(place),
          pid,
          state,
          state_s: Math.round((nowMs - sinceMs) / 100) / 10,
          started: startedAt.toISOString(),
          heard_ms: Math.round(nowMs - heardMs),
          connections: beat?.connections ?? 0,
          calls_in_flight: beat?.callsInFlight ?? 0,
          stuck_workers: beat?.stuckWorkers ?? 0,
          ...(renew !== undefined && { to_be_replaced: renew }),
        };
      }),
      wanted: this.#state.places.length,
      ended_unasked: this.#metrics.deaths,
      each: { workers, bytes_max: bytesMax },
    };
  }
}
