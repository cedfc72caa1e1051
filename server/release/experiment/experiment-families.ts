/** Feedback and outcomes as metrics; no series of them before an experiment or feedback is there. */

import { type Family, labelText, samplesText } from "../../observe/exposition.js";
import type { Sums } from "./arm-figures.js";
import type { Experiment } from "./experiment.js";
import type { ExperimentArm } from "./recent-predictions.js";

interface Counted {
  readonly experiments: () => readonly Experiment[];
  /** Items of feedback by what was answered. */
  readonly results: () => ReadonlyMap<string, number>;
  /** By why. */
  readonly dropped: () => Readonly<Record<string, number>>;
  readonly waitingRows: () => number;
}

const arms: readonly ExperimentArm[] = ["canary", "control", "champion"];

export function experimentFamilies({ experiments, results, dropped, waitingRows }: Counted): readonly Family[] {
  const outcomes = (name: string, help: string, read: (sums: Sums) => number): Family => ({
    name,
    type: "counter",
    help,
    merge: "sum",
    *pieces() {
      for (const experiment of experiments())
        for (const arm of arms) {
          const version = String(experiment.versionOf(arm));
          const labels = labelText({ model: experiment.model, version, arm });
          const samples = [...experiment.arms[arm].outcomes].map(([kpi, sums]) => ({
            labels: { kpi },
            value: read(sums),
          }));
          yield samplesText(name, labels, samples);
        }
    },
  });
  const isUsed = () => experiments().length > 0 || [...results().values()].some((count) => count > 0);
  const counts = (name: string, help: string, label: string, read: () => Iterable<[string, number]>): Family => ({
    name,
    type: "counter",
    help,
    merge: "sum",
    *pieces() {
      if (!isUsed()) return;
      const samples = [...read()].map(([value, count]) => ({ labels: { [label]: value }, value: count }));
      yield samplesText(name, "", samples);
    },
  });
  return [
    outcomes("plumb_arm_outcomes_total", "Outcomes that feedback gave, by arm and KPI.", ({ count }) => count),
    outcomes("plumb_arm_outcome_sum_total", "Sum of the KPI over these outcomes.", ({ sum }) => sum),
    counts("plumb_feedback_total", "Items of feedback, by what was answered.", "result", results),
    counts(
      "plumb_feedback_dropped_total",
      "What feedback can't or couldn't reach: rows pushed out before their outcome, rows of calls too large to keep, items that no other process answered.",
      "reason",
      () => Object.entries(dropped()),
    ),
    {
      name: "plumb_feedback_waiting_rows",
      type: "gauge",
      help: "Rows of experiments that are kept for their outcomes.",
      merge: "sum",
      *pieces() {
        if (isUsed()) yield samplesText("plumb_feedback_waiting_rows", "", [{ value: waitingRows() }]);
      },
    },
  ];
}
