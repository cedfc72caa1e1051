/**
 * The experiments of this process: one of each model whose route has a canary. Counts what their arms do, and joins
 * outcomes to what they answered.
 */

import type { Family } from "../../observe/exposition.js";
import type { CallRecord } from "../../path/call.js";
import type { Routes } from "../../routing/route.js";
import { countedRowsMax } from "./arm-counter.js";
import type { ExperimentFigures } from "./arm-figures.js";
import { Experiment, identityOf } from "./experiment.js";
import { experimentFamilies } from "./experiment-families.js";
import {
  type FeedbackItem,
  type FeedbackResult,
  feedbackStatuses,
  isResult,
  knownResult,
  parseFeedback,
} from "./feedback.js";
import { judgeOutcome } from "./outcome.js";
import { type ExperimentArm, type KeptCall, keyName, RecentPredictions } from "./recent-predictions.js";

/** Rows of each arm that wait for their outcomes: some 10 MB at most. */
const waitingRowsMax = 32_768;
/** How far an outcome's time may be before its prediction, or after now: clocks differ. */
const clockSlackMs = 60 * 60 * 1000;

export interface ExperimentsOptions {
  readonly wallClock: () => Date;
  readonly waitingRowsMax?: number;
}

/** Asks other processes about items that this one doesn't know; undefined where nobody answers. */
export type AskOthers = (items: readonly FeedbackItem[]) => Promise<readonly FeedbackResult[] | undefined>;

export class Experiments {
  readonly #wallClock: () => Date;
  readonly #experiments = new Map<string, Experiment>();
  readonly #recent: RecentPredictions<Experiment>;
  readonly #results = new Map(feedbackStatuses.map((status) => [status, 0]));
  /** Rows of calls that were too large to be kept. */
  #large = 0;
  /** Items that other processes couldn't be asked about. */
  #unasked = 0;
  /** Undefined where there are no others. */
  askOthers: AskOthers | undefined;

  constructor({ wallClock, waitingRowsMax: rowsMax = waitingRowsMax }: ExperimentsOptions) {
    this.#wallClock = wallClock;
    this.#recent = new RecentPredictions(rowsMax);
  }

  take(routes: Routes): void {
    for (const [model, experiment] of this.#experiments) {
      const route = Object.hasOwn(routes, model) ? routes[model] : undefined;
      if (route?.canary !== undefined && identityOf(route) === experiment.identity) {
        experiment.share = route.canary.share;
        continue;
      }
      this.#experiments.delete(model);
      this.#recent.forget(experiment);
    }
    for (const [model, route] of Object.entries(routes))
      if (route.canary !== undefined && !this.#experiments.has(model))
        this.#experiments.set(model, new Experiment(model, route));
  }

  /** Calls with an arm. Those that were forced are no part of an experiment. */
  onCall(record: CallRecord): void {
    const { arm, version, abandoned } = record;
    if (arm === undefined || version === undefined || arm.name === "forced" || abandoned) return;
    const experiment = this.#experiments.get(version.name);
    // A call may have begun under the route of before.
    if (experiment === undefined || experiment.versionOf(arm.name) !== version.number) return;
    const nowMs = this.#wallClock().getTime();
    experiment.sinceMs ??= nowMs;
    experiment.arms[arm.name].count(record);
    this.#keep(experiment, arm.name, record, nowMs);
  }

  /** Whole answers of the model itself. */
  #keep(owner: Experiment, arm: ExperimentArm, record: CallRecord, keptMs: number): void {
    const { answer, error, fallback, rowIndexes, unanswered, requestId, armKey, version } = record;
    if (answer === undefined || error !== undefined || fallback !== undefined) return;
    if (rowIndexes !== undefined || unanswered !== undefined) return;
    const { predictions, probabilities } = answer;
    if (predictions.length > countedRowsMax) {
      this.#large += predictions.length;
      return;
    }
    this.#recent.add({
      owner,
      arm,
      requestId,
      keyName: armKey === "" ? "" : keyName(owner.model, armKey),
      keptMs,
      // Probabilities are a part of their whole batch's.
      answer: { predictions, probabilities: probabilities?.slice() },
      labels: version!.postprocessor.labels,
      given: undefined,
    });
  }

  /** Undefined for a model without a canary. */
  figures(modelName: string): ExperimentFigures | undefined {
    return this.#experiments.get(modelName)?.figures(this.#wallClock().getTime());
  }

  /** @param json - As callers send it. @throws {@link ServeError} invalid_request. */
  async feedback(json: unknown): Promise<readonly FeedbackResult[]> {
    const items = parseFeedback(json);
    const results = items.map((item) => (isResult(item) ? item : this.join(item)));
    const unknown = results.flatMap(({ status }, index) => (status === "unknown" ? [index] : []));
    if (unknown.length > 0 && this.#experiments.size > 0 && this.askOthers !== undefined) {
      const said = await this.askOthers(unknown.map((index) => items[index] as FeedbackItem));
      if (said === undefined) this.#unasked += unknown.length;
      for (const [place, index] of unknown.entries())
        results[index] = said === undefined ? unasked : knownResult([said[place]!, results[index]!]);
    }
    for (const { status } of results) this.#results.set(status, this.#results.get(status)! + 1);
    return results;
  }

  /** Counts the outcome of a prediction of this process. */
  join(item: FeedbackItem): FeedbackResult {
    const call = this.#find(item);
    if (call === undefined || "status" in call) return call ?? { status: "unknown" };
    const { row = 0, outcome, value, time } = item;
    const { predictions, probabilities } = call.answer;
    const invalid = (detail: string) => ({ status: "invalid", detail }) as const;
    if (item.model !== undefined && item.model !== call.owner.model)
      return invalid(`model: the request was of ${JSON.stringify(call.owner.model)}`);
    if (row >= predictions.length) return invalid(`row: expected less than ${predictions.length}, got ${row}`);
    if (time !== undefined) {
      const timeMs = new Date(time).getTime();
      if (!(timeMs > call.keptMs - clockSlackMs)) return invalid("time: it is before the prediction");
      if (timeMs > this.#wallClock().getTime() + clockSlackMs) return invalid("time: it is in the future");
    }
    const kpis: [string, number][] = value === undefined ? [] : [["value", value]];
    if (outcome !== undefined) {
      const width = probabilities === undefined ? 0 : probabilities.length / predictions.length;
      const judged = judgeOutcome(
        {
          prediction: predictions[row]!,
          probabilities: probabilities?.subarray(row * width, (row + 1) * width),
          labels: call.labels,
        },
        outcome,
      );
      if (typeof judged === "string") return invalid(judged);
      for (const [kpi, number] of judged) kpis.push([kpi, number]);
    }
    if (!kpis.every(([, number]) => Number.isFinite(number * number))) return invalid("it is too large to be added up");
    const names = [
      ...(outcome === undefined ? [] : [`outcome ${row}`]),
      ...(value === undefined ? [] : [`value ${row}`]),
    ];
    if (names.some((name) => call.given?.has(name))) return { status: "duplicate" };
    call.given ??= new Set();
    for (const name of names) call.given.add(name);
    for (const [kpi, number] of kpis) call.owner.arms[call.arm].countOutcome(kpi, number);
    return { status: "accepted" };
  }

  #find({ request_id: requestId, key, model }: FeedbackItem): KeptCall<Experiment> | FeedbackResult | undefined {
    if (requestId !== undefined) return this.#recent.ofRequest(requestId);
    const models = model === undefined ? [...this.#experiments.keys()] : [model];
    const found = models.flatMap((name) => this.#recent.ofKey(name, key!) ?? []);
    if (found.length < 2) return found[0];
    return { status: "invalid", detail: "key: it is known of several models; name the model" };
  }

  get families(): readonly Family[] {
    return experimentFamilies({
      experiments: () => [...this.#experiments.values()],
      results: () => this.#results,
      dropped: () => ({ pushed_out: this.#recent.dropped, too_large: this.#large, unasked: this.#unasked }),
      waitingRows: () => this.#recent.rows,
    });
  }
}

const unasked: FeedbackResult = {
  status: "unknown",
  detail: "not known here, and other serving processes didn't answer in time: send it again",
};
