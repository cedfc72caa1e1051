/**
 * `npm run build && node dist/bench/reloads.js`: what callers notice of versions that come and go. An open loop at a
 * fixed rate, in pairs of rounds: one on a store at rest, one in which a new version comes every so often and the
 * oldest goes.
 */

import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Flags, flagsHelp, numberFlag, parseFlags } from "../loadtest/options.js";
import { runAsProgram } from "../loadtest/program.js";
import { projectRoot } from "../loadtest/project.js";
import { createRandom } from "../loadtest/random.js";
import { demandRows } from "../loadtest/rows.js";
import { runSla, type SlaSettings } from "../loadtest/scenarios/sla.js";
import { createScratchFolder } from "../loadtest/scratch.js";
import { startPlumb } from "../loadtest/server-process.js";
import { residentMB } from "./memory.js";

const flags: Flags = {
  rate: { value: "N", help: "requests a second (2000)" },
  rounds: { value: "N", help: "pairs of rounds (3)" },
  seconds: { value: "S", help: "of each round (15)" },
  every: { value: "S", help: "between two versions (1.5)" },
  seed: { value: "N", help: "seed of rows and arrivals (1)" },
};

/** Versions that the store has at a time. */
const storedMax = 3;

class ChangingStore {
  readonly path = createScratchFolder().path;
  #newest = 0;

  constructor() {
    mkdirSync(join(this.path, "demand"));
    this.add();
  }

  get newest(): number {
    return this.#newest;
  }

  /** Puts one more version there, as a release does: whole, by a rename. */
  add(): void {
    const version = ++this.#newest;
    const target = join(this.path, "demand", String(version));
    const made = join(this.path, ".made");
    cpSync(join(projectRoot, "models/demand/1"), made, { recursive: true });
    const file = join(made, "manifest.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), version }));
    renameSync(made, target);
    rmSync(join(this.path, "demand", String(version - storedMax)), { recursive: true, force: true });
  }
}

async function measureReloads(args: readonly string[], say: (text: string) => void): Promise<number> {
  const given = parseFlags(args, flags);
  if (given.has("help")) {
    say(`node dist/bench/reloads.js [flags]\n\n${flagsHelp(flags)}`);
    return 0;
  }
  const [rate, rounds] = [
    numberFlag(given, "rate", 2000, { min: 2000 / 100 }),
    numberFlag(given, "rounds", 3, { min: 3 / 100 }),
  ];
  const [durationS, everyS] = [
    numberFlag(given, "seconds", 15, { min: 15 / 100 }),
    numberFlag(given, "every", 1.5, { min: 1.5 / 100 }),
  ];
  const random = createRandom(numberFlag(given, "seed", 1, { min: 1 / 100 }));
  const store = new ChangingStore();
  const server = await startPlumb(["--models", store.path, "--store-poll-ms", "100", "--log-sample-share", "0"]);
  try {
    const target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    const settings: SlaSettings = {
      rate,
      durationS,
      arrivals: "poisson",
      connections: 64,
      p95MsMax: 200,
      big: undefined,
      drainMs: 5000,
    };
    const round = () => runSla("plumb", target, settings, demandRows(random), random);
    await round();
    const startMB = residentMB(server.pid) ?? Number.NaN;
    say(`${rate} requests a second, ${rounds} pairs of ${durationS} s, a version every ${everyS} s\n`);
    say("round  rest P99, P99.9 ms  reloads P99, P99.9 ms  ratios      failed  versions  RSS MB");
    let failed = 0;
    const ratios: [number, number][] = [];
    for (let i = 1; i <= rounds; i++) {
      const rest = await round();
      const before = store.newest;
      let isOver = false;
      const changes = (async () => {
        while (!isOver) {
          store.add();
          await delay(everyS * 1000);
        }
      })();
      const reloads = await round();
      isOver = true;
      await changes;
      await untilServed(server.port, store.newest);
      const [a, b] = [rest.plain.latencyMs!, reloads.plain.latencyMs!];
      const ratio: [number, number] = [b.p99 / a.p99, b.p99_9 / a.p99_9];
      ratios.push(ratio);
      const lost = rest.plain.requests - rest.plain.ok + reloads.plain.requests - reloads.plain.ok;
      failed += lost;
      const cells = [a.p99, a.p99_9, b.p99, b.p99_9, ...ratio].map((each) => each.toFixed(2).padStart(8));
      say(
        `${String(i).padStart(5)}${cells.join("")}  ${lost}  ${store.newest - before}  ${(residentMB(server.pid) ?? Number.NaN).toFixed(0)}`,
      );
    }
    const medianOf = (place: 0 | 1) => ratios.map((pair) => pair[place]).sort((x, y) => x - y)[ratios.length >> 1]!;
    say(`\nratio of P99 ${medianOf(0).toFixed(2)} (bar 1.25), of P99.9 ${medianOf(1).toFixed(2)} (bar 2), medians`);
    say(`failed requests over ${store.newest - 1} versions: ${failed} (bar 0)`);
    say(`RSS ${startMB.toFixed(0)} MB before, ${(residentMB(server.pid) ?? Number.NaN).toFixed(0)} MB after`);
    return failed === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}

/** The last version of a round belongs to it. */
async function untilServed(port: number, version: number): Promise<void> {
  for (;;) {
    const { serving } = (await (await fetch(`http://127.0.0.1:${port}/models/demand`)).json()) as { serving: number };
    if (serving === version) return;
    await delay(50);
  }
}

await runAsProgram(measureReloads);
