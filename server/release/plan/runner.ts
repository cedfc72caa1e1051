/**
 * Runs release plans: looks once a second at what the arms did, judges, and changes the routes through their store, so
 * that each change stands in the audit log with who and why.
 *
 * What always holds:
 * - One thing after the other for a model; models don't wait for each other.
 * - Where each plan stands is on the disk before its route changes; a restart of everything goes on from there.
 * - A route that somebody else changed is never changed back: the plan pauses.
 */

import { randomUUID } from "node:crypto";
import { ServeError } from "../../errors.js";
import type { Route, Routes } from "../../routing/route.js";
import { addFigures } from "../experiment/add-figures.js";
import type { ExperimentFigures } from "../experiment/arm-figures.js";
import type { ChangeHead } from "../route-store.js";
import { etagOf } from "../routes-text.js";
import type { GuardInput } from "./guards.js";
import { judge, type Verdict } from "./judge.js";
import { parsePlan } from "./plan.js";
import type { PlanFiles } from "./plan-files.js";
import {
  complete,
  decide,
  describePlan,
  type Intent,
  isOver,
  isRoute,
  nextIntent,
  type PlanAction,
  type PlanState,
  rollbackIntent,
  routeOfStep,
} from "./plan-state.js";
import type { Webhooks } from "./webhooks.js";

export interface PlanRunnerOptions {
  readonly routes: {
    readonly routes: Routes;
    put(modelName: string, json: unknown, head: ChangeHead): Promise<Route>;
  };
  /** What the arms of the model's route did since this server, or all of its processes, began to count. */
  readonly figures: (modelName: string) => Promise<ExperimentFigures | undefined>;
  /** What a shadow of this version answered otherwise than the champion. */
  readonly flips: (modelName: string, version: number) => Promise<GuardInput["flips"]>;
  readonly files: PlanFiles;
  readonly webhooks: Webhooks;
  readonly wallClock: () => Date;
  readonly log: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}

export interface PlanChange {
  readonly who: string;
  readonly why: string;
}

const tickEveryMs = 1000;
/** How often figures are kept for the time after a restart. */
const keepEveryMs = 10_000;
/** How long a gate that didn't answer is left alone. */
const askAgainMs = 10_000;
const pause = "somebody changed the route while the plan ran: it is no longer what the plan set";

interface Gate {
  readonly step: number | null;
  answer: "waits" | "approved";
  /** When it may be asked again, where it didn't answer. */
  againMs: number;
}

export class PlanRunner {
  readonly #options: PlanRunnerOptions;
  #states = new Map<string, PlanState>();
  readonly #gates = new Map<string, Gate>();
  readonly #said = new Map<string, string>();
  /** The last thing that is under way, by model. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #writing: Promise<unknown> = Promise.resolve();
  #keptMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PlanRunnerOptions) {
    this.#options = options;
  }

  /** @throws Error with a sentence when what plans left on the disk can't be taken. */
  async open(): Promise<void> {
    this.#states = await this.#options.files.read();
  }

  /** Goes on with the plans, from time to time. */
  watch(): void {
    this.#timer = setInterval(() => void this.tick(), tickEveryMs).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#turns.values());
    await this.#writing;
  }

  /** Of the model's plan that runs, or ran last. @throws {@link ServeError} model_not_found. */
  of(modelName: string): PlanState {
    const state = this.#states.get(modelName);
    if (state !== undefined) return state;
    throw new ServeError("model_not_found", `${JSON.stringify(modelName)} has no plan`);
  }

  /** @throws {@link ServeError} invalid_request, model_not_found, precondition_failed, and what the store throws. */
  async start(modelName: string, json: unknown, { who, why }: PlanChange): Promise<PlanState> {
    return await this.#inTurn(modelName, async () => {
      const plan = this.#planOf(json);
      const { routes, wallClock } = this.#options;
      const base = Object.hasOwn(routes.routes, modelName) ? routes.routes[modelName] : undefined;
      if (base === undefined) {
        const needs = "a plan begins from a route: pin the champion first";
        throw new ServeError("invalid_request", `${JSON.stringify(modelName)} has no route, and ${needs}`);
      }
      if (base.champion === plan.canary)
        throw new ServeError("invalid_request", `version ${plan.canary} is the champion already`);
      const held = this.#states.get(modelName);
      if (held !== undefined && !isOver(held)) {
        const id = JSON.stringify(held.id);
        const message = `the plan ${id} of ${JSON.stringify(modelName)} is ${held.status}: stop it first, by DELETE`;
        throw new ServeError("precondition_failed", message);
      }
      const nowMs = wallClock().getTime();
      const begin: PlanState = {
        id: randomUUID(),
        model: modelName,
        plan,
        base,
        startedMs: nowMs,
        status: "running",
        resumesAs: null,
        step: 0,
        sinceMs: nowMs,
        callsBefore: 0,
        route: base,
        intent: null,
        sentence: why,
        verdict: null,
        carried: null,
        last: null,
        lastMs: nowMs,
      };
      const to = { ...begin, carried: null };
      const intent: Intent = {
        route: routeOfStep(to, 0),
        status: "running",
        step: 0,
        who,
        why: why || "the plan begins",
      };
      await this.#carryOut({ ...to, intent }, "started");
      return this.of(modelName);
    });
  }

  /** @throws {@link ServeError} model_not_found, precondition_failed, and what the store throws. */
  async act(modelName: string, action: PlanAction, { who, why }: PlanChange): Promise<PlanState> {
    return await this.#inTurn(modelName, async () => {
      const state = this.#unfinished(modelName);
      const reason = why || `${action} by ${who}`;
      if (action === "resume") await this.#resume(state, who, reason);
      else {
        // Of a paused plan somebody else has the route; to act on it is to say that it is known.
        const known = state.status === "paused" ? await this.#adopt(state) : state;
        const intent = action === "promote" ? nextIntent(known, who, reason) : rollbackIntent(known, who, reason);
        await this.#carryOut({ ...known, intent }, action === "promote" ? "step" : "rolled_back");
      }
      return this.of(modelName);
    });
  }

  /** Ends the plan and leaves the route as it is. @throws {@link ServeError} model_not_found, precondition_failed. */
  async stop(modelName: string, { who, why }: PlanChange): Promise<PlanState> {
    return await this.#inTurn(modelName, async () => {
      const state = this.#unfinished(modelName);
      const sentence = `stopped by ${who}${why === "" ? "" : `: ${why}`}`;
      await this.#set({ ...state, status: "stopped", intent: null, step: null, sentence }, "stopped");
      return this.of(modelName);
    });
  }

  /** One look at every plan; resolves when all are done. */
  async tick(): Promise<void> {
    const open = [...this.#states.values()].filter((state) => !isOver(state));
    await Promise.all(
      open.map(async ({ model }) => {
        // Whatever is under way is looked at when it is done.
        if (this.#turns.has(model)) return;
        await this.#inTurn(model, () => this.#look(this.of(model))).catch((error: Error) =>
          this.#options.log("error", "a plan couldn't go on, and is tried again", { model, cause: error.message }),
        );
      }),
    );
    const nowMs = this.#options.wallClock().getTime();
    // A clock that is put back doesn't stop it.
    if (open.length === 0 || Math.abs(nowMs - this.#keptMs) < keepEveryMs) return;
    this.#keptMs = nowMs;
    await this.#write();
  }

  async #look(state: PlanState): Promise<void> {
    if (isOver(state)) return;
    const { routes, figures, flips, wallClock } = this.#options;
    const held = Object.hasOwn(routes.routes, state.model) ? routes.routes[state.model] : undefined;
    if (state.intent !== null) {
      if (isRoute(held, state.intent.route) || isRoute(held, state.route)) await this.#carryOut(state, "step");
      else await this.#pause(state);
      return;
    }
    if (state.status === "paused") return;
    if (!isRoute(held, state.route)) {
      await this.#pause(state);
      return;
    }
    const current = await figures(state.model);
    const seen = state.plan.guards.flips === false ? undefined : await flips(state.model, state.plan.canary);
    const nowMs = wallClock().getTime();
    const read = withFigures(state, ofRoute(current, state.route), nowMs);
    const verdict = judge(read.plan, stepOf(read), totalOf(read), seen, nowMs);
    this.#states.set(state.model, { ...read, verdict });
    await this.#sayVerdict({ ...read, verdict }, verdict);
    const decision = decide(read, verdict, nowMs);
    const next = { ...read, verdict };
    const who = `plan ${state.id}`;
    if (decision.kind === "rollback")
      await this.#carryOut({ ...next, intent: rollbackIntent(next, who, decision.why) }, "rolled_back");
    else if (decision.kind === "hold") await this.#set({ ...next, status: "held", sentence: decision.why }, "held");
    else if (decision.kind === "promote" && (await this.#mayGoOn(next, decision.why, nowMs))) {
      this.#gates.delete(state.model);
      await this.#carryOut({ ...next, intent: nextIntent(next, who, decision.why) }, "step");
    }
  }

  /** Whether the gates have approved. They are asked meanwhile: a rollback never waits for one. */
  async #mayGoOn(state: PlanState, why: string, nowMs: number): Promise<boolean> {
    const { model, step, plan } = state;
    if (step === null || !plan.webhooks.some(({ kind }) => kind === "gate")) return true;
    const asked = this.#gates.get(model);
    if (asked?.step === step && (asked.answer === "approved" || nowMs < asked.againMs))
      return asked.answer === "approved";
    const gate: Gate = { step, answer: "waits", againMs: Number.POSITIVE_INFINITY };
    this.#gates.set(model, gate);
    const data = { ...describePlan(state), asks: "may the plan go on to its next step", why };
    const time = this.#options.wallClock();
    const event = { type: "plumb.release.gate", model, time, data };
    void this.#options.webhooks.ask(plan, event).then((approval) => {
      if (approval.answer === "approved") gate.answer = "approved";
      else if (approval.answer === "unreachable") {
        gate.againMs = this.#options.wallClock().getTime() + askAgainMs;
        this.#options.log("warn", `a gate of the plan is asked again later: ${approval.why}`, { model });
      } else {
        this.#gates.delete(model);
        void this.#inTurn(model, async () => {
          const now = this.of(model);
          if (now.id !== state.id || now.step !== step || now.status !== "running") return;
          await this.#set({ ...now, status: "held", sentence: approval.why }, "held");
        });
      }
    });
    return false;
  }

  async #resume(state: PlanState, who: string, why: string): Promise<void> {
    const { status, resumesAs, step } = state;
    if (status !== "paused" && status !== "held")
      throw new ServeError("precondition_failed", `the plan is ${status}: there is nothing to resume`);
    const known = status === "paused" ? await this.#adopt(state) : state;
    const to = status === "held" || resumesAs === "held" || resumesAs === null ? "running" : resumesAs;
    const intent: Intent = { route: state.intent?.route ?? state.route, status: to, step, who, why };
    await this.#carryOut({ ...known, intent }, "resumed");
  }

  /** Takes the route as it is for known, so that it may be changed. */
  async #adopt(state: PlanState): Promise<PlanState> {
    const { routes } = this.#options.routes;
    const held = Object.hasOwn(routes, state.model) ? routes[state.model] : undefined;
    if (held !== undefined) return { ...state, route: held };
    throw new ServeError("precondition_failed", "the model has no route any more: pin the champion first");
  }

  /** Writes down the intent, changes the route, and writes down that it is done. */
  async #carryOut(state: PlanState, event: string): Promise<void> {
    const { routes, wallClock } = this.#options;
    const { model, route, id } = state;
    const intent = state.intent!;
    const before = this.#states.get(model);
    this.#states.set(model, state);
    await this.#write();
    const held = Object.hasOwn(routes.routes, model) ? routes.routes[model] : undefined;
    if (!isRoute(held, intent.route)) {
      const head = { who: intent.who, why: words(intent.why, id), ifMatch: etagOf(route), ifNoneMatch: "" };
      try {
        await routes.put(model, intent.route, head);
      } catch (error) {
        // It may hold all the same: some process hasn't taken it yet, and the next look finds out.
        if (isRoute(routes.routes[model], intent.route)) throw error;
        await this.#undo(model, before, state);
        throw error;
      }
    }
    const nowMs = wallClock().getTime();
    const done = complete(state, nowMs, totalOf(state)?.arms.canary.calls ?? 0);
    await this.#set(done, done.status === "promoted" ? "promoted" : event);
  }

  /** The change wasn't made: a plan that hadn't begun isn't there, one that runs decides anew. */
  async #undo(model: string, before: PlanState | undefined, { id }: PlanState): Promise<void> {
    if (before?.id === id || before === undefined || isOver(before)) {
      if (before === undefined) this.#states.delete(model);
      else this.#states.set(model, { ...before, intent: null });
    }
    await this.#write();
  }

  async #pause(state: PlanState): Promise<void> {
    const resumesAs = state.status === "paused" ? state.resumesAs : state.status;
    await this.#set({ ...state, status: "paused", resumesAs, intent: null, sentence: pause }, "paused");
  }

  async #set(state: PlanState, event: string): Promise<void> {
    this.#states.set(state.model, state);
    await this.#write();
    await this.#say(state, event);
  }

  /** Said once: again when the verdict, or what a guard finds, is another one. */
  async #sayVerdict(state: PlanState, verdict: Verdict): Promise<void> {
    const states = verdict.guards.map(({ guard, state }) => `${guard}:${state}`).join();
    const key = `${state.id} ${state.step} ${verdict.verdict} ${states}`;
    if (this.#said.get(state.model) === key) return;
    this.#said.set(state.model, key);
    await this.#say(state, "verdict");
  }

  async #say(state: PlanState, event: string): Promise<void> {
    const { files, log, webhooks, wallClock } = this.#options;
    const { model, plan } = state;
    const time = wallClock();
    const data = describePlan(state);
    if (event !== "verdict") log("info", `release plan: ${event}`, { model, plan: state.id, why: state.sentence });
    webhooks.tell(plan, { type: `plumb.release.${event}`, model, time, data });
    try {
      await files.append({ time: time.toISOString(), event, ...data });
    } catch (error) {
      log("error", "a verdict can't be written down", { model, cause: (error as Error).message });
    }
  }

  #unfinished(modelName: string): PlanState {
    const state = this.of(modelName);
    if (!isOver(state)) return state;
    throw new ServeError("precondition_failed", `the plan of ${JSON.stringify(modelName)} is over: ${state.status}`);
  }

  #planOf(json: unknown) {
    try {
      const plan = parsePlan(json);
      const fault = this.#options.webhooks.findFault(plan);
      if (fault === undefined) return plan;
      throw new Error(fault);
    } catch (error) {
      throw new ServeError("invalid_request", (error as Error).message);
    }
  }

  async #write(): Promise<void> {
    this.#writing = this.#writing.catch(() => {}).then(() => this.#options.files.write(this.#states));
    await this.#writing;
  }

  async #inTurn<T>(model: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(model) ?? Promise.resolve()).catch(() => {}).then(work);
    const settled = turn.then(
      () => {},
      () => {},
    );
    this.#turns.set(model, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(model) === settled) this.#turns.delete(model);
    }
  }
}

function stepOf({ step, sinceMs, callsBefore, route }: PlanState) {
  const { assign_by: by } = route;
  return { step: step ?? undefined, sinceMs, callsBefore, isByCall: by === undefined || by.request_id === true };
}

/** Only what is of the route's own arms counts. */
function ofRoute(figures: ExperimentFigures | undefined, { champion, canary }: Route): ExperimentFigures | undefined {
  return figures?.champion === champion && figures.canary === canary?.version ? figures : undefined;
}

/** What began to be counted after the last look was counted by a server that has started since: nothing is counted twice. */
function withFigures(state: PlanState, current: ExperimentFigures | undefined, nowMs: number): PlanState {
  if (current === undefined) return state;
  const { last, lastMs, carried } = state;
  const isAnew = last !== null && current.sinceMs > lastMs;
  return {
    ...state,
    carried: isAnew ? (carried === null ? last : addFigures([carried, last])) : carried,
    last: current,
    lastMs: nowMs,
  };
}

function totalOf({ carried, last }: PlanState): ExperimentFigures | undefined {
  if (last === null) return carried ?? undefined;
  return carried === null ? last : addFigures([carried, last]);
}

/** Of a route's change, as the audit log has it. */
function words(why: string, id: string): string {
  return `${why.slice(0, 440)} (plan ${id})`;
}
