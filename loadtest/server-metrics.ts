/**
 * The server's own view of a run: its metrics, read from the admin listener before and after, and the difference
 * between the two. Read while nothing is sent, so that it doesn't weigh on the run.
 */

import { parseSamples, type Sample, type Samples, sumOf } from "./prometheus-text.js";
import { type Target, targetUrl } from "./target.js";

/** A histogram's observations during the run. The last bound is infinite. */
export interface Histogram {
  readonly bounds: readonly number[];
  /** Observations over the bound before and up to this one. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export interface ServerView {
  /** Calls that ended during the run, whoever made them. */
  readonly calls: number;
  /** Rows of each batch, by executor. */
  readonly batchRows: readonly { readonly executor: string; readonly histogram: Histogram }[];
  /** Seconds of each stage of the answered calls, in the order in which a call passes them. */
  readonly stages: readonly { readonly stage: string; readonly histogram: Histogram }[];
}

/** The server's view of a run, or why there is none. */
export type ServerSaid = { readonly view: ServerView; readonly admin: string } | { readonly why: string };

/**
 * Reads the metrics now, and once more when the run is over.
 *
 * @returns `end` takes how many requests the run saw answered: a server that counted fewer calls is not the one that
 *   was asked.
 */
export async function watchServer(admin: Target): Promise<{ end(answered: number): Promise<ServerSaid> }> {
  const read = () => readMetrics(admin).catch((reason: Error) => ({ why: reason.message }));
  const before = await read();
  return {
    async end(answered) {
      const after = "why" in before ? before : await read();
      if ("why" in before) return before;
      if ("why" in after) return after;
      const view = serverView(before, after);
      if (view.calls >= answered) return { view, admin: targetUrl(admin) };
      return {
        why: `the server at ${targetUrl(admin)} counted ${view.calls} calls while ${answered} were answered, so it is another one`,
      };
    },
  };
}

/** @throws Error that says why there are none. */
export async function readMetrics(admin: Target): Promise<Samples> {
  const url = targetUrl(admin);
  const reply = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(
    (reason: Error & { cause?: NodeJS.ErrnoException }) => {
      throw new Error(`${url} doesn't answer (${reason.cause?.code ?? reason.message})`);
    },
  );
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`${url} answers with status ${reply.status}`);
  const samples = parseSamples(text);
  if (![...samples.values()].some(({ name }) => name.startsWith("plumb_")))
    throw new Error(`${url} has no metrics of Plumb's`);
  return samples;
}

/** The growth between two scrapes, over all models and versions. */
export function serverView(before: Samples, after: Samples): ServerView {
  const grown = [...after].map(([series, sample]) => ({
    ...sample,
    value: sample.value - (before.get(series)?.value ?? 0),
  }));
  return {
    calls: sumOf(grown, "plumb_requests_total"),
    batchRows: histograms(grown, "plumb_batch_rows", "executor").map(([executor, histogram]) => ({
      executor,
      histogram,
    })),
    stages: histograms(grown, "plumb_stage_seconds", "stage").map(([stage, histogram]) => ({ stage, histogram })),
  };
}

/**
 * @param share - In [0, 1].
 * @returns The value that this share of the observations doesn't exceed, taking each bucket as filled evenly
 *   (Prometheus's `histogram_quantile`); the last finite bound where it is larger, and undefined without observations.
 */
export function histogramQuantile({ bounds, counts, count }: Histogram, share: number): number | undefined {
  if (count === 0) return undefined;
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const inside = counts[index]!;
    const low = index === 0 ? 0 : bounds[index - 1]!;
    if (inside > 0 && below + inside >= share * count)
      return Number.isFinite(bound) ? low + ((bound - low) * (share * count - below)) / inside : low;
    below += inside;
  }
  return bounds.findLast(Number.isFinite);
}

function histograms(samples: readonly Sample[], name: string, label: string): [string, Histogram][] {
  const values = [
    ...new Set(samples.filter((sample) => sample.name === `${name}_count`).map(({ labels }) => labels[label] ?? "")),
  ];
  return values.map((value) => {
    const sum = (suffix: string) => sumOf(samples, `${name}_${suffix}`, { [label]: value });
    const buckets = new Map<number, number>();
    for (const { name: sampled, labels, value: count } of samples) {
      if (sampled !== `${name}_bucket` || labels[label] !== value) continue;
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      buckets.set(bound, (buckets.get(bound) ?? 0) + count);
    }
    const bounds = [...buckets.keys()].sort((a, b) => a - b);
    const counts = bounds.map((bound, i) => buckets.get(bound)! - (i === 0 ? 0 : buckets.get(bounds[i - 1]!)!));
    return [value, { bounds, counts, count: sum("count"), sum: sum("sum") }];
  });
}
