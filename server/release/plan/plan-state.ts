/**
 * Where a plan stands, and what comes next: plain data and pure functions.
 *
 * ```text
 * running -> (next step) running -> watching -> promoted
 *   |  \                               |
 *   |   `--> held (still judged)       |
 *   |         |                        |
 *   `---------+-----> rolled_back <----'
 * ```
 *
 * Any of running, held and watching becomes `paused` when the route isn't what the plan set, and `stopped` when somebody
 * says so. What always holds: a change of the route is written here, as the intent, before it is made; so whoever comes
 * after a crash sees by the route whether it was made.
 */

import { isDeepStrictEqual } from "node:util";
import { parseRoute, type Route } from "../../routing/route.js";
import type { ExperimentFigures } from "../experiment/arm-figures.js";
import type { Verdict } from "./judge.js";
import type { Plan } from "./plan.js";

export type PlanStatus = "running" | "held" | "watching" | "paused" | "promoted" | "rolled_back" | "stopped";

/** What somebody may ask of a plan. */
export const planActions = ["promote", "rollback", "resume"] as const;
export type PlanAction = (typeof planActions)[number];

/** A change of the route that is under way. */
export interface Intent {
  readonly route: Route;
  readonly status: PlanStatus;
  readonly step: number | null;
  readonly who: string;
  readonly why: string;
}

export interface PlanState {
  readonly id: string;
  readonly model: string;
  readonly plan: Plan;
  /** As it was when the plan began. */
  readonly base: Route;
  readonly startedMs: number;
  readonly status: PlanStatus;
  /** What it was before it was paused. */
  readonly resumesAs: PlanStatus | null;
  /** Null in the rollback window and after the end. */
  readonly step: number | null;
  readonly sinceMs: number;
  /** The tested arm's calls when the step began. */
  readonly callsBefore: number;
  /** What the plan set, and expects to find. */
  readonly route: Route;
  readonly intent: Intent | null;
  readonly sentence: string;
  readonly verdict: Verdict | null;
  /** Of server lives before this one, for this experiment. */
  readonly carried: ExperimentFigures | null;
  /** As last read, and when: of this life alone. */
  readonly last: ExperimentFigures | null;
  readonly lastMs: number;
}

export function isOver({ status }: PlanState): boolean {
  return status === "promoted" || status === "rolled_back" || status === "stopped";
}

/** The route of a step. */
export function routeOfStep({ model, plan, base }: PlanState, step: number): Route {
  const { share } = plan.steps[step]!;
  const assignBy = plan.assign_by ?? base.assign_by;
  return clean(model, { ...base, canary: { version: plan.canary, share }, assign_by: assignBy });
}

/** After the promotion: the old version keeps a share, and stays warm by it. */
export function routeOfWindow({ model, plan, base }: PlanState): Route {
  const { holdback } = plan.rollback_window;
  const canary = { version: base.champion, share: holdback };
  return clean(model, {
    champion: plan.canary,
    canary,
    assign_by: plan.assign_by ?? base.assign_by,
    salt: base.salt,
  });
}

export function routeOfPromotion({ model, plan, base }: PlanState): Route {
  return clean(model, { champion: plan.canary, assign_by: base.assign_by, salt: base.salt });
}

/** As before the plan, without a canary. */
export function routeOfRollback({ model, base }: PlanState): Route {
  return clean(model, { ...base, canary: undefined });
}

/** The route that follows: of the next step, of the window, or of the promotion. */
export function nextIntent(state: PlanState, who: string, why: string): Intent {
  const { status, step, plan } = state;
  const next = (step ?? 0) + 1;
  if (status !== "watching" && step !== null && next < plan.steps.length)
    return { route: routeOfStep(state, next), status: "running", step: next, who, why };
  if (status !== "watching" && plan.rollback_window.seconds > 0)
    return { route: routeOfWindow(state), status: "watching", step: null, who, why };
  return { route: routeOfPromotion(state), status: "promoted", step: null, who, why };
}

export function rollbackIntent(state: PlanState, who: string, why: string): Intent {
  return { route: routeOfRollback(state), status: "rolled_back", step: null, who, why };
}

export type Decision =
  | { readonly kind: "stay" }
  | { readonly kind: "hold"; readonly why: string }
  | { readonly kind: "rollback"; readonly why: string }
  | { readonly kind: "promote"; readonly why: string };

/** What follows from a verdict. */
export function decide({ status, plan, step, sinceMs }: PlanState, verdict: Verdict, nowMs: number): Decision {
  const why = verdict.sentence;
  if (verdict.verdict === "rollback") return { kind: "rollback", why };
  if (status === "held") return { kind: "stay" };
  if (verdict.verdict === "promote") return { kind: "promote", why };
  if (verdict.verdict === "continue" || step === null) return { kind: "stay" };
  // Without a call nothing is known after any time: the plan waits where it is.
  const isOverdue = nowMs - sinceMs >= 1000 * plan.steps[step]!.seconds_max;
  if (!isOverdue || verdict.calls.tested <= 0) return { kind: "stay" };
  return plan.on_inconclusive === "rollback" ? { kind: "rollback", why } : { kind: "hold", why };
}

/** Where the plan is once the route of its intent holds. */
export function complete(state: PlanState, nowMs: number, testedCalls: number): PlanState {
  const { route, status, step, why } = state.intent!;
  const isSameExperiment = status === "running";
  return {
    ...state,
    route,
    status,
    step,
    sentence: why,
    resumesAs: null,
    sinceMs: nowMs,
    intent: null,
    callsBefore: isSameExperiment ? testedCalls : 0,
    ...(!isSameExperiment && { carried: null, last: null, lastMs: nowMs }),
  };
}

/** Whether a route is one that the plan knows of. */
export function isRoute(held: Route | undefined, expected: Route): boolean {
  return isDeepStrictEqual(held, expected);
}

/** A plan as addresses, webhooks and the file of verdicts have it. */
export function describePlan({ id, model, plan, base, status, step, sentence, route, verdict, sinceMs }: PlanState) {
  return {
    model,
    plan: id,
    status,
    champion: base.champion,
    canary: plan.canary,
    step,
    steps: plan.steps.length,
    share: route.canary?.share ?? 0,
    since: new Date(sinceMs).toISOString(),
    reason: sentence,
    verdict,
  };
}

/** As the store has it, without members that aren't there. */
function clean(model: string, route: object): Route {
  return parseRoute(model, JSON.parse(JSON.stringify(route)));
}
