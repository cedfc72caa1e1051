/** Release plans on the admin listener: begun, read, pushed on, stopped, and their verdict for other tools. */

import { ServeError } from "../errors.js";
import { describePlan, type PlanAction, planActions } from "../release/plan/plan-state.js";
import type { PlanRunner } from "../release/plan/runner.js";
import { decodeName } from "./address.js";
import type { Exchange } from "./http/transport.js";
import { readOrder } from "./read-json.js";
import type { AnswerRoute } from "./router.js";

export interface PlanNeeds {
  /** @throws {@link ServeError} not_ready before there is one. */
  readonly plans: () => Pick<PlanRunner, "of" | "start" | "act" | "stop">;
  /** Answers an error in the admin listener's form. */
  readonly refuse: (exchange: Exchange, error: ServeError) => void;
}

const json = "application/json";
const headers: readonly string[] = ["x-plumb-who", "x-plumb-why"];
/** Characters of who and why that are kept. */
const wordsMax = 400;

export const planAnswers: readonly AnswerRoute<PlanNeeds>[] = [
  {
    verb: "POST",
    address: "/routes/{model}/plan",
    what: 'begins a release plan; or, with {"action": ...} of promote, rollback and resume, acts on the one that runs',
    headers,
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      const head = headOf(exchange);
      readOrder(
        exchange,
        (order) =>
          answer(exchange, needs, async () => {
            const plans = needs.plans();
            if (!("action" in order)) return { status: 201, answer: described(await plans.start(name, order, head)) };
            return { status: 200, answer: described(await plans.act(name, actionOf(order), head)) };
          }),
        (error) => needs.refuse(exchange, error),
      );
    },
  },
  {
    verb: "GET",
    address: "/routes/{model}/plan",
    what: "the model's release plan: where it stands, and the last verdict with its numbers",
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      answer(exchange, needs, async () => ({ status: 200, answer: described(needs.plans().of(name)) }));
    },
  },
  {
    verb: "DELETE",
    address: "/routes/{model}/plan",
    what: "ends the release plan, and leaves the route as it is",
    headers,
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      const head = headOf(exchange);
      answer(exchange, needs, async () => ({ status: 200, answer: described(await needs.plans().stop(name, head)) }));
    },
  },
  {
    verb: "GET",
    address: "/routes/{model}/verdict",
    what: "the last verdict of the model's release plan: promote, rollback, continue or inconclusive, with its numbers",
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      answer(exchange, needs, async () => ({ status: 200, answer: verdictOf(needs, name) }));
    },
  },
  {
    verb: "POST",
    address: "/routes/{model}/verdict",
    what: 'for webhooks: 200 if the verdict is that of {"metadata": {"expect": ...}}, or without one no rollback; else 412',
    answer: (exchange, needs, { model }) => {
      const name = decodeName(model!);
      readOrder(
        exchange,
        ({ metadata }) =>
          answer(exchange, needs, async () => {
            const found = verdictOf(needs, name);
            const { expect } = (metadata ?? {}) as { expect?: unknown };
            const isMet = expect === undefined ? found.verdict !== "rollback" : found.verdict === expect;
            if (isMet) return { status: 200, answer: found };
            throw new ServeError("precondition_failed", `the verdict is ${found.verdict}: ${found.sentence}`);
          }),
        (error) => needs.refuse(exchange, error),
      );
    },
  },
];

function answer(
  exchange: Exchange,
  { refuse }: PlanNeeds,
  make: () => Promise<{ status: number; answer: object }>,
): void {
  make().then(
    ({ status, answer }) => exchange.send(status, json, `${JSON.stringify(answer)}\n`),
    (error) => refuse(exchange, ServeError.from(error)),
  );
}

function described(state: ReturnType<PlanRunner["of"]>): object {
  return { ...describePlan(state), guards: state.plan.guards, plan_steps: state.plan.steps };
}

/** A plan that is over gives its outcome: who asks late is answered as who asked in time. */
function verdictOf({ plans }: PlanNeeds, name: string) {
  const state = plans().of(name);
  const { status, sentence, verdict } = state;
  const outcome = status === "rolled_back" ? "rollback" : status === "promoted" ? "promote" : undefined;
  return {
    model: name,
    plan: state.id,
    status,
    ...(verdict ?? { sentence, step: state.step, seconds: 0, calls: { tested: 0, baseline: 0 }, guards: [] }),
    verdict: outcome ?? (status === "paused" ? "inconclusive" : (verdict?.verdict ?? "inconclusive")),
    ...((outcome !== undefined || status === "paused") && { sentence }),
  };
}

/** @throws {@link ServeError} invalid_request. */
function actionOf({ action, ...others }: Readonly<Record<string, unknown>>): PlanAction {
  const found = planActions.find((one) => one === action);
  if (found !== undefined && Object.keys(others).length === 0) return found;
  throw new ServeError("invalid_request", `action: expected one of ${planActions.join(", ")}, and nothing beside it`);
}

function headOf(exchange: Exchange) {
  const words = (name: string) => exchange.header(name).slice(0, wordsMax);
  return { who: words("x-plumb-who") || "admin", why: words("x-plumb-why") };
}
