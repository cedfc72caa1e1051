/** What a scrape of the primary gives: the metrics of all serving processes as those of one, and those of processes. */

import { contentType, familyText, type Labels, type Sample, samplesText } from "../observe/exposition.js";
import { openProcessMetrics } from "../observe/process-metrics.js";
import { type Families, mergeMetrics, type ProcessMetrics, readMetrics, writeMetrics } from "./merge-metrics.js";
import type { ServingProcess } from "./serving-process.js";
import { type Life, mainLife, type Supervision } from "./supervise.js";

/** How long processes may take to answer, milliseconds: a scrape is to be over within a second. */
const answerMs = 600;

type Processes = ReadonlyMap<number, ServingProcess>;

export class PrimaryMetrics {
  /** Processes that ended without being asked, by place. */
  readonly deaths: Record<string, number> = {};
  #ended: Families = new Map();
  #scraping: Promise<{ contentType: string; body: Buffer }> | undefined;

  /** Keeps what a process counted that has ended. */
  keep(process: ServingProcess, wasAsked: boolean): void {
    this.#ended = process.addTo(this.#ended);
    if (!wasAsked) this.deaths[process.place] = (this.deaths[process.place] ?? 0) + 1;
  }

  /** One at a time: who asks meanwhile gets the same. */
  scrape(read: () => Supervision, processes: Processes): Promise<{ contentType: string; body: Buffer }> {
    this.#scraping ??= this.#scrape(read, processes).finally(() => {
      this.#scraping = undefined;
    });
    return this.#scraping;
  }

  async #scrape(read: () => Supervision, processes: Processes) {
    const own = await openOwn();
    await Promise.all([...processes.values()].map((process) => process.scrape(answerMs)));
    const state = read();
    const parts: ProcessMetrics[] = [{ process: "primary", inService: false, families: await own.read() }];
    for (const life of state.lives) {
      const families = processes.get(life.id)?.metrics;
      if (families === undefined) continue;
      const isMain = mainLife(state, life.place) === life;
      parts.push({
        process: String(life.place),
        inService: isMain && life.state === "ready",
        // Of one that leaves its place to another, only what adds up.
        families: isMain ? families : new Map([...families].filter(([, { merge }]) => merge === "sum")),
      });
    }
    const text = writeMetrics(mergeMetrics(parts, this.#ended)) + this.#ownText(state, processes);
    return { contentType, body: Buffer.from(text) };
  }

  #ownText(state: Supervision, processes: Processes): string {
    const states = ["starting", "ready", "draining"];
    const places = state.places.map((_, i) => i + 1);
    const ofPlaces = (read: (process: ServingProcess | undefined, life: Life | undefined) => number): Sample[] =>
      places.map((place) => {
        const life = mainLife(state, place);
        return { labels: placeLabels(place), value: read(life && processes.get(life.id), life) };
      });
    return [
      family(
        "plumb_processes",
        "gauge",
        "Serving processes, by state.",
        states.map((each) => ({
          labels: { state: each },
          value: state.lives.filter((life) => life.state === each).length,
        })),
      ),
      family(
        "plumb_process_connections",
        "gauge",
        "Open connections of a serving process, as it last said.",
        ofPlaces((process) => process?.beat?.connections ?? 0),
      ),
      family(
        "plumb_process_metrics_stale",
        "gauge",
        "1 where this scrape has the last values of a serving process, since it didn't answer in time, or isn't there.",
        ofPlaces((process) => Number(process === undefined || process.isStale)),
      ),
      family(
        "plumb_process_deaths_total",
        "counter",
        "Serving processes that ended without being asked to: crashes, kills, held event loops.",
        places.map((place) => ({ labels: placeLabels(place), value: this.deaths[place] ?? 0 })),
      ),
    ].join("");
  }
}

function placeLabels(place: number): Labels {
  return { process: String(place) };
}

function family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  return [...familyText({ name, help, type, pieces: () => [samplesText(name, "", samples)] })].join("");
}

let opened: Promise<{ read: () => Promise<Families> }> | undefined;

/** Of the primary itself: opened with the first scrape. */
function openOwn(): Promise<{ read: () => Promise<Families> }> {
  opened ??= open();
  return opened;
}

async function open() {
  const pause = () => undefined;
  const metrics = await openProcessMetrics(pause);
  const merges = Object.fromEntries(metrics.names.map((name) => [name, "each" as const]));
  const read = async () => {
    let text = "";
    for await (const piece of metrics.text(pause)) text += piece;
    return readMetrics({ text, merges });
  };
  return { read };
}
