/**
 * Metrics by arm: what an experiment is judged by. Only of calls that have one, so a server without routes has no series
 * of them.
 */

import type { ErrorCode } from "../errors.js";
import type { CallRecord } from "../path/call.js";
import type { ServingVersion } from "../path/serving-version.js";
import type { ArmName } from "../routing/assignment.js";
import { type Family, histogramText, labelText, samplesText } from "./exposition.js";
import { Histogram, latencyBounds } from "./histogram.js";

type Result = ErrorCode | "ok" | "fallback" | "abandoned";

class ArmSeries {
  readonly labels: string;
  readonly results = new Map<Result, number>();
  readonly seconds = new Histogram(latencyBounds);
  modelFaults = 0;

  constructor(version: ServingVersion, arm: ArmName) {
    this.labels = labelText({ model: version.name, version: String(version.number), arm });
  }
}

export class ArmMetrics {
  readonly #series = new Map<ServingVersion, Map<ArmName, ArmSeries>>();

  onCall({ arm, version, error, abandoned, fallback, modelFault, arrivedMs, finishedMs }: CallRecord): void {
    if (arm === undefined || version === undefined) return;
    const series = this.#of(version, arm.name);
    const result = error?.code ?? (abandoned ? "abandoned" : fallback === undefined ? "ok" : "fallback");
    series.results.set(result, (series.results.get(result) ?? 0) + 1);
    series.seconds.observe((finishedMs - arrivedMs) / 1000);
    if (modelFault !== undefined) series.modelFaults++;
  }

  /** Of a version that is gone: all its series end. */
  removeVersion(version: ServingVersion): void {
    this.#series.delete(version);
  }

  get families(): readonly Family[] {
    return [
      this.#family(
        "plumb_arm_requests_total",
        "counter",
        "Calls of a model that has a route, by arm and result, as plumb_requests_total has them.",
        ({ labels, results }) =>
          samplesText(
            "plumb_arm_requests_total",
            labels,
            [...results].map(([result, value]) => ({ labels: { result }, value })),
          ),
      ),
      this.#family(
        "plumb_arm_model_faults_total",
        "counter",
        "Calls of an arm in which the model failed or answered no finite number, whatever the caller was told.",
        ({ labels, modelFaults }) => samplesText("plumb_arm_model_faults_total", labels, [{ value: modelFaults }]),
      ),
      this.#family(
        "plumb_arm_request_seconds",
        "histogram",
        "From a call's arrival to its reply, by arm.",
        ({ labels, seconds }) => histogramText("plumb_arm_request_seconds", labels, seconds),
      ),
    ];
  }

  #family(name: string, type: Family["type"], help: string, write: (series: ArmSeries) => string): Family {
    const all = this.#series;
    const pieces = function* () {
      for (const arms of all.values()) for (const series of arms.values()) yield write(series);
    };
    return { name, type, help, merge: "sum", pieces };
  }

  #of(version: ServingVersion, arm: ArmName): ArmSeries {
    let arms = this.#series.get(version);
    if (arms === undefined) {
      arms = new Map();
      this.#series.set(version, arms);
    }
    let series = arms.get(arm);
    if (series === undefined) {
      series = new ArmSeries(version, arm);
      arms.set(arm, series);
    }
    return series;
  }
}
