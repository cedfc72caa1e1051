/**
 * The charts of an overload run: goodput by load, latency of what was taken, how calls ended, what ran for nobody, and
 * how it recovered.
 */

import { bars as bounds } from "../overload/judge.js";
import type { Peak } from "../overload/peak.js";
import type { PhaseReport, Slice } from "../overload/phase-report.js";
import { median } from "../statistics.js";
import { figure } from "../table.js";
import type { BarSeries, Chart, Tone, Zone } from "./chart.js";
import { linearScale, logScale, type Scale } from "./scale.js";
import { bandScale } from "./server-section.js";
import { count, milliseconds, percent } from "./units.js";

/** Rates of the search and of the sustained phases, as (times the peak, calls in time a second), by rate. */
export function goodputPoints(peak: Peak, phases: readonly PhaseReport[]): { factor: number; goodput: number }[] {
  const byRate = new Map<number, number[]>();
  for (const { rate, goodput } of peak.steps) byRate.set(rate, [...(byRate.get(rate) ?? []), goodput]);
  const searched = [...byRate].map(([rate, goodputs]) => ({ factor: rate / peak.goodput, goodput: median(goodputs) }));
  const sustained = phases
    .filter(({ id }) => id === "calm" || id.startsWith("overload-"))
    .map(({ factor, goodPerSecond }) => ({ factor, goodput: goodPerSecond }));
  return [...searched, ...sustained].sort((a, b) => a.factor - b.factor);
}

export function goodputChart(peak: Peak, phases: readonly PhaseReport[]): Chart {
  const points = goodputPoints(peak, phases);
  const factors = points.map(({ factor }) => factor);
  const [least, most] = [Math.min(...factors, 0.5), Math.max(...factors, 10)];
  const x = logScale(least, most);
  const ideal = [...new Set([least, ...factors, 1, most])].sort((a, b) => a - b);
  const shares = factors.map((factor) => x.share(factor));
  return {
    id: "goodput-by-load",
    title: "Goodput by offered load",
    xLabel: "offered load, times the peak (logarithmic)",
    yLabel: "calls a second answered within the objective",
    x,
    y: linearScale(Math.max(peak.goodput, ...points.map(({ goodput }) => goodput))),
    note: "Ideal is a server that answers as much as it can, however much it is asked. Rates of the search are short steps, the others sustained.",
    lines: [
      {
        name: "ideal",
        tone: "ghost",
        points: ideal.map((factor) => ({ x: factor, y: peak.goodput * Math.min(1, factor) })),
      },
      { name: "measured", tone: "a", points: points.map(({ factor, goodput }) => ({ x: factor, y: goodput })) },
    ],
    zones: points.map(({ factor, goodput }, i) => ({
      ...around(shares, i),
      text: `${figure(factor)} times the peak: ${count(factor * peak.goodput)} calls/s\n${count(goodput)}/s in time, ${figure(goodput / peak.goodput)} of the peak`,
    })),
  };
}

/** Each band extends half-way to its neighbours; places may coincide. */
function around(shares: readonly number[], index: number): { start: number; width: number } {
  const here = shares[index]!;
  const start = index === 0 ? 0 : (shares[index - 1]! + here) / 2;
  const end = index === shares.length - 1 ? 1 : (here + shares[index + 1]!) / 2;
  return { start, width: end - start };
}

/** Short enough to stand under a bar of ten. */
export function shortName({ id, factor }: Pick<PhaseReport, "id" | "factor">): string {
  if (id.startsWith("deadline-")) return `D ${factor}`;
  if (id.startsWith("leaving-")) return `L ${factor}`;
  return id === "burst" || id === "storm" ? id : String(factor);
}

const namesNote =
  "0.8, 2, 5, 10: times the peak; burst: 5 peaks within a second; storm: the same, refused callers try again; D: a short deadline, L: callers leave.";

function bands(phases: readonly PhaseReport[], text: (phase: PhaseReport) => string): { x: Scale; zones: Zone[] } {
  const width = 1 / phases.length;
  return {
    x: bandScale(phases.map(shortName)),
    zones: phases.map((phase, i) => ({ start: i * width, width, text: `${phase.title}\n${text(phase)}` })),
  };
}

/** Only phases whose callers wait. */
export function acceptedChart(phases: readonly PhaseReport[], objectiveMs: number): Chart {
  const waiting = phases.filter(({ id }) => !id.startsWith("deadline-") && !id.startsWith("leaving-"));
  const at = ({ accepted: { p50 = 0, p95 = 0, p99 = 0 } }: PhaseReport) => ({ p50, p95, p99 });
  const values = waiting.map(at);
  return {
    id: "accepted-latency",
    title: "Latency of the calls that were answered",
    xLabel: "phase",
    yLabel: "ms, from when a call was meant to leave (logarithmic)",
    ...bands(waiting, (phase) => {
      const { p50, p95, p99 } = at(phase);
      if (phase.accepted.count === 0) return "no call was answered";
      return `P50 ${milliseconds(p50)}, P95 ${milliseconds(p95)}, P99 ${milliseconds(p99)}\n${count(phase.accepted.count)} answered with 200`;
    }),
    y: logScale(
      Math.max(0.1, Math.min(objectiveMs, ...values.map(({ p50 }) => p50).filter((ms) => ms > 0)) / 2),
      Math.max(objectiveMs, ...values.map(({ p99 }) => p99)),
    ),
    note: "A bar ends at P99; its parts end at P50 and P95.",
    // Stacked, so each part is what it adds.
    bars: [
      { name: "up to P50", tone: "a", values: values.map(({ p50 }) => p50) },
      { name: "to P95", tone: "f", values: values.map(({ p50, p95 }) => p95 - p50) },
      { name: "to P99", tone: "b", values: values.map(({ p95, p99 }) => p99 - p95) },
    ],
    levels: [{ y: objectiveMs, label: `objective ${milliseconds(objectiveMs)}` }],
  };
}

interface Ending {
  readonly name: string;
  readonly tone: Tone;
  readonly countOf: (phase: PhaseReport) => number;
}

const statusCount = (phase: PhaseReport, keep: (status: number) => boolean) =>
  phase.statuses.reduce((sum, { status, count: calls }) => (keep(status) ? sum + calls : sum), 0);

const endings: readonly Ending[] = [
  { name: "in time", tone: "e", countOf: ({ good }) => good },
  { name: "200, too late", tone: "f", countOf: ({ late }) => late },
  { name: "429, 503", tone: "d", countOf: ({ refused }) => refused.count },
  { name: "504", tone: "b", countOf: (phase) => statusCount(phase, (status) => status === 504) },
  { name: "client left", tone: "c", countOf: ({ leftByClient }) => leftByClient },
  {
    name: "other",
    tone: "a",
    countOf: (phase) =>
      statusCount(phase, (status) => ![429, 503, 504].includes(status)) + phase.lost + phase.unanswered,
  },
];

export function endingsChart(phases: readonly PhaseReport[]): Chart {
  const share = (phase: PhaseReport, calls: number) => (phase.calls === 0 ? 0 : (100 * calls) / phase.calls);
  const used = endings.filter(({ countOf }) => phases.some((phase) => countOf(phase) > 0));
  return {
    id: "call-endings",
    title: "How calls ended",
    xLabel: "phase",
    yLabel: "share of the calls that were offered, %",
    ...bands(phases, (phase) =>
      [
        `${count(phase.calls)} calls`,
        ...used.flatMap(({ name, countOf }) => {
          const calls = countOf(phase);
          return calls === 0 ? [] : [`${name}: ${count(calls)}, ${percent(calls / phase.calls)}`];
        }),
      ].join("\n"),
    ),
    y: linearScale(100),
    note: namesNote,
    bars: used.map(
      ({ name, tone, countOf }): BarSeries => ({
        name,
        tone,
        values: phases.map((phase) => share(phase, countOf(phase))),
      }),
    ),
  };
}

/** @returns Undefined where the server doesn't report the rows that it ran. */
export function rowsChart(phases: readonly PhaseReport[]): Chart | undefined {
  const known = phases.filter(({ rows }) => rows !== undefined);
  if (known.length === 0) return undefined;
  const shares = known.map(({ rows }) => 100 * rows!.share);
  const bound = 100 * bounds.rowsForNobodyShareMax;
  return {
    id: "rows-for-nobody",
    title: "Rows that ran for nobody",
    xLabel: "phase",
    yLabel: "share of the rows that ran, %",
    ...bands(
      known,
      ({ rows }) =>
        `${count(rows!.rowsRun)} rows ran\n${count(rows!.rowsForNobody)} for nobody, ${percent(rows!.share)}`,
    ),
    y: linearScale(Math.max(bound * 2, ...shares)),
    note: "The model ran them, and no caller got their answer while it waited and before its own deadline.",
    bars: [{ name: "for nobody", tone: "b", values: shares }],
    levels: [{ y: bound, label: `at most ${bound} %` }],
  };
}

/** Seconds before the end of the overload that are shown. */
const beforeS = 3;

const sliceKinds = [
  ["in time", "e", "good"],
  ["200, too late", "f", "late"],
  ["refused", "d", "refused"],
  ["no reply", "b", "failed"],
] as const;

/** Around the end of an overload: how the calls ended that were due in each slice. */
export function recoveryChart({ id, title, slices, durationS, recoveryS }: PhaseReport): Chart {
  const shown = slices.filter(({ startS, offered }) => startS >= durationS - beforeS && offered > 0);
  const fromS = shown[0]?.startS ?? 0;
  const endS = shown.length === 0 ? durationS : shown.at(-1)!.startS + shown.at(-1)!.lengthS;
  const lengthS = Math.max(1e-9, endS - fromS);
  const share = ({ offered }: Slice, calls: number) => (100 * calls) / offered;
  const kinds = sliceKinds.filter(([, , key]) => shown.some((slice) => slice[key] > 0));
  const normal =
    recoveryS === null || recoveryS === undefined
      ? "Answers weren't normal again in the time shown."
      : `Answers were normal again after ${figure(recoveryS)} s.`;
  return {
    id: `recovery-${id}`,
    title: `After ${title}`,
    xLabel: "seconds from the end of the overload; then 0.8 of the peak",
    yLabel: "share of the calls due in each quarter second, %",
    x: secondsFrom(durationS, fromS, endS),
    y: linearScale(100),
    note: `${normal} Normal: of a second's calls, 99 % are answered within the objective.`,
    bars: kinds.map(([name, tone, key]) => ({ name, tone, values: shown.map((slice) => share(slice, slice[key])) })),
    verticals: [{ x: durationS }],
    zones: shown.map((slice) => ({
      start: (slice.startS - fromS) / lengthS,
      width: slice.lengthS / lengthS,
      text: [
        `${figure(slice.startS - durationS)} to ${figure(slice.startS + slice.lengthS - durationS)} s`,
        `${count(slice.offered / slice.lengthS)} calls/s`,
        ...kinds.flatMap(([name, , key]) => (slice[key] === 0 ? [] : [`${name}: ${count(slice[key])}`])),
      ].join("\n"),
    })),
  };
}

/** Labelled in whole seconds before and after `zeroS`. */
function secondsFrom(zeroS: number, fromS: number, endS: number): Scale {
  const share = (seconds: number) =>
    endS === fromS ? 0 : Math.min(1, Math.max(0, (seconds - fromS) / (endS - fromS)));
  const step = [0.2, 0.5, 1, 2, 5, 10].find((candidate) => (endS - fromS) / candidate <= 10) ?? 20;
  const first = Math.ceil((fromS - zeroS) / step - 1e-9);
  const last = Math.floor((endS - zeroS) / step + 1e-9);
  const ticks = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    const seconds = Number(((first + i) * step).toFixed(6));
    return { share: share(zeroS + seconds), label: String(seconds) };
  });
  return { share, ticks };
}
