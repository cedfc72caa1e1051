/** The `loadtest` command: load on a running server, or on one that is started for it. */

import { createAutocannon } from "./generators.js";
import { choiceFlag, type Flags, type FlagValues, flagsHelp, numberFlag, OptionError, parseFlags } from "./options.js";
import { asksForOverload, overload } from "./overload/command.js";
import { packageVersion } from "./project.js";
import { readComparison } from "./report/comparison.js";
import { factsOf, type RunFacts } from "./report/facts.js";
import { saturationPage } from "./report/saturation-page.js";
import { slaPage } from "./report/sla-page.js";
import { demandRows } from "./rows.js";
import { readShared, runScenario, sharedFlags } from "./scenario-run.js";
import { preflight } from "./scenarios/preflight.js";
import { runSaturation, saturationText } from "./scenarios/saturation.js";
import { runSla, type SlaSettings, slaText } from "./scenarios/sla.js";
import { watchServer } from "./server-metrics.js";
import type { Target } from "./target.js";

const scenarios = ["sla", "smoke", "saturation", "overload"] as const;
type Scenario = Exclude<(typeof scenarios)[number], "overload">;

const flags: Flags = {
  scenario: {
    value: "NAME",
    help: "sla (default): open loop at a rate, judged; smoke: the same, lenient; saturation: closed loop, autocannon; overload: more than it can answer, with flags of its own (--scenario overload --help)",
  },
  url: sharedFlags.url,
  rate: { value: "N", help: "rows per second (200)" },
  duration: { value: "S", help: "seconds (20; saturation: 10 at each number of connections)" },
  arrivals: { value: "KIND", help: "poisson (default) or even" },
  connections: { value: "N", help: "connections at most (128)" },
  rows: { value: "FILE", help: "rows to send, one JSON object a line; default: rows of the demand example" },
  seed: sharedFlags.seed,
  "p95-ms": { value: "N", help: "the agreed P95 (200; smoke: 1000)" },
  "big-rows": { value: "N", help: "beside the rows, requests with N rows each (smoke: 1000; else none)" },
  "big-every": { value: "S", help: "one of them every S seconds (1)" },
  json: sharedFlags.json,
  html: sharedFlags.html,
  compare: { value: "FILE", help: "lay the percentiles of another run's --json over the page's" },
  "admin-url": { value: "URL", help: "the admin listener of --url's server, for the page (http://127.0.0.1:8082)" },
};

const usage = `npm run loadtest -- [flags]

${flagsHelp(flags)}

Latency counts from the time a request was meant to leave. Exit code 0: passed, 1: failed, 2: wrong usage.`;

/**
 * @param say - Takes each piece of text for the caller.
 * @returns The exit code: 0 where the run passed, 1 where it failed.
 * @throws OptionError on wrong usage, or where the server doesn't take a row.
 */
export async function loadtest(args: readonly string[], say: (text: string) => void): Promise<number> {
  if (asksForOverload(args)) return await overload(args, say);
  const values = parseFlags(args, flags);
  if (values.has("help")) {
    say(usage);
    return 0;
  }
  const scenario = choiceFlag(values, "scenario", scenarios, "sla") as Scenario;
  const settings = slaSettings(values, scenario);
  const options = readShared(values);
  const { random, html, rows = demandRows(random) } = options;
  if (values.has("compare") && (html === undefined || scenario === "saturation")) {
    throw new OptionError(
      "--compare: lays another run over the page of an open-loop run, so it goes with --html and the scenarios sla or smoke",
    );
  }
  const comparison = readComparison(values.get("compare"));
  return await runScenario(options, {}, say, async ({ target, admin }) => {
    const model = await preflight(target, rows());
    const watch = html === undefined ? undefined : await watchServer(admin);
    const { report, text, answered, page } = await run(target);
    say(text);
    const server = await watch?.end(answered);
    return { report, page: () => page({ ...factsOf(target, model, args), server: server! }) };
  });

  async function run(target: Target) {
    if (scenario !== "saturation") {
      const report = await runSla(scenario, target, settings, rows, random);
      const answered = report.plain.ok + report.big.ok;
      return { report, text: slaText(report), answered, page: (facts: RunFacts) => slaPage(report, facts, comparison) };
    }
    const generator = createAutocannon(Array.from({ length: 4096 }, rows), packageVersion("autocannon"));
    const report = await runSaturation(target, generator, settings.durationS);
    const answered = report.levels.reduce((sum, { perSecond }) => sum + perSecond.reduce((a, b) => a + b, 0), 0);
    return { report, text: saturationText(report), answered, page: (facts: RunFacts) => saturationPage(report, facts) };
  }
}

function slaSettings(values: FlagValues, scenario: Scenario): SlaSettings {
  const positive = { min: 0.001 };
  const rowCount = numberFlag(values, "big-rows", scenario === "smoke" ? 1000 : 0, {
    min: 0,
    max: 100_000,
    integer: true,
  });
  const everyS = numberFlag(values, "big-every", 1, positive);
  return {
    rate: numberFlag(values, "rate", 200, { min: 0.001, max: 50_000 }),
    durationS: numberFlag(values, "duration", scenario === "saturation" ? 10 : 20, { min: 0.1, max: 3600 }),
    arrivals: choiceFlag(values, "arrivals", ["poisson", "even"], "poisson"),
    connections: numberFlag(values, "connections", 128, { min: 1, max: 10_000, integer: true }),
    p95MsMax: numberFlag(values, "p95-ms", scenario === "smoke" ? 1000 : 200, positive),
    big: rowCount > 1 ? { rowCount, everyS } : undefined,
    drainMs: 10_000,
  };
}
