/** `--scenario overload`: what does a server do with more calls than it can answer? */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { join, resolve } from "node:path";
import { choiceFlag, type Flags, type FlagValues, flagsHelp, numberFlag, OptionError, parseFlags } from "../options.js";
import { projectRoot } from "../project.js";
import { factsOf } from "../report/facts.js";
import { overloadPage } from "../report/overload-page.js";
import { demandRows, parseRows, type RowSource, rowsFromFile, rowsInTurn } from "../rows.js";
import { readShared, runScenario, sharedFlags } from "../scenario-run.js";
import { preflight } from "../scenarios/preflight.js";
import { type Target, targetUrl } from "../target.js";
import { referenceBundle, references } from "./reference.js";
import { overloadText } from "./report-text.js";
import { type OverloadSettings, runOverload } from "./run-overload.js";
import { createServerSide } from "./server-side.js";

const flags: Flags = {
  scenario: { value: "overload", help: "this scenario" },
  url: sharedFlags.url,
  "admin-url": { value: "URL", help: "the admin listener of --url's server (http://127.0.0.1:8082)" },
  reference: {
    value: "NAME",
    help: "spin or forest: a bundle made for this, by the trainer, the first time it is asked for",
  },
  models: { value: "DIR", help: "the model store of the server that is started (models)" },
  model: { value: "NAME", help: "the model to ask; default: what /predict answers for" },
  execution: { value: "HOW", help: "as of serve, for the server that is started" },
  engine: { value: "NAME", help: "as of serve" },
  workers: { value: "N", help: "as of serve; further flags of serve come last, after a --" },
  rows: {
    value: "FILE",
    help: "rows to send, one JSON object a line; default: the golden rows of --model, or of the demand example",
  },
  "rows-per-call": {
    value: "N",
    help: "rows in a call (1): more where a model is so fast that the generator is the slow part",
  },
  "objective-ms": { value: "N", help: "the time that a call may take; default: slo.p95_ms of the bundle" },
  peak: { value: "N", help: "calls a second, where it is known; default: it is searched for" },
  duration: { value: "S", help: "seconds of each overload (20)" },
  "recovery-s": { value: "S", help: "how long 0.8 of the peak follows each at most (20)" },
  "deadline-ms": {
    value: "N",
    help: "x-timeout-ms of the calls with a short deadline; default: a quarter of the objective",
  },
  "leave-ms": { value: "N", help: "when callers leave, in the phases where they do (10)" },
  connections: { value: "N", help: "connections at most (4096)" },
  seed: sharedFlags.seed,
  short: { help: "everything in a few seconds: shows that it works, and says little of the server" },
  json: sharedFlags.json,
  html: sharedFlags.html,
};

const usage = `npm run loadtest -- --scenario overload [flags] [-- flags of serve]

${flagsHelp(flags)}

Finds the peak goodput (calls a second that are answered within the objective), then sends 2, 5 and 10 times as many, bursts, retries, short
deadlines and callers that leave. Exit code 0: passed, 1: failed, 2: wrong usage.`;

/** Whether the command line asks for this scenario. */
export function asksForOverload(args: readonly string[]): boolean {
  return args.some((arg, i) => arg === "--scenario=overload" || (arg === "--scenario" && args[i + 1] === "overload"));
}

/** As {@link loadtest}. */
export async function overload(args: readonly string[], say: (text: string) => void): Promise<number> {
  const { own, passedOn } = splitArgs(args);
  const values = parseFlags(own, flags);
  if (values.has("help")) {
    say(usage);
    return 0;
  }
  const settingsFor = readSettings(values);
  const options = readShared(values);
  const { url, random } = options;
  const kind = values.has("reference") ? choiceFlag(values, "reference", references, "spin") : undefined;
  if (url !== undefined) refuseWithUrl(values, passedOn);
  if (kind !== undefined && values.has("models"))
    throw new OptionError("--models: --reference brings a model store of its own");
  const reference = kind === undefined ? undefined : await referenceBundle(kind, say);
  const model =
    values.get("model") ??
    kind ??
    (url === undefined && values.has("models") ? onlyModel(values.get("models")!) : undefined);
  const models = reference?.models ?? (values.has("models") ? resolve(values.get("models")!) : undefined);
  const rows =
    options.rows ??
    (reference ? rowsFromFile(reference.rowsFile) : url === undefined ? goldenRows(models, model) : undefined) ??
    demandRows(random);
  const path =
    model === undefined || (url !== undefined && !values.has("model"))
      ? undefined
      : `/models/${encodeURIComponent(model)}/predict`;
  const serve = serveFlags(values, models, passedOn);
  return await runScenario(options, { serve, path }, say, async ({ target, admin, pid }) => {
    const answered = await preflight(target, rows());
    const settings = settingsFor(
      values.has("objective-ms") ? undefined : await objectiveOf(target, model ?? answered?.split("/")[0]),
    );
    const server = createServerSide(admin, pid);
    const report = await withPriority(() => runOverload({ target, settings, rows, random, server, progress: say }));
    say(`\n${overloadText(report)}`);
    const facts = { ...factsOf(target, answered, args), server: { why: "this scenario reads other figures" } };
    return { report: { ...report, facts }, page: () => overloadPage(report, facts) };
  });
}

/** Raises this process's priority meanwhile, where that is allowed: a generator that waits for its turn sends late. */
async function withPriority<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = getPriority();
  const set = (priority: number) => {
    try {
      setPriority(priority);
    } catch {
      // Not allowed: the report shows how late calls left.
    }
  };
  set(before - 10);
  return await work().finally(() => set(before));
}

/** Arguments after a lone `--` are for the server. */
function splitArgs(args: readonly string[]): { own: readonly string[]; passedOn: readonly string[] } {
  const at = args.indexOf("--");
  return at < 0 ? { own: args, passedOn: [] } : { own: args.slice(0, at), passedOn: args.slice(at + 1) };
}

const ofOwnServer = ["models", "reference", "execution", "engine", "workers"] as const;

function refuseWithUrl(values: FlagValues, passedOn: readonly string[]): void {
  const flag = ofOwnServer.find((name) => values.has(name));
  if (flag !== undefined || passedOn.length > 0) {
    throw new OptionError(
      `${flag === undefined ? "--" : `--${flag}`}: is for a server that is started here, so it doesn't go with --url`,
    );
  }
}

function serveFlags(values: FlagValues, models: string | undefined, passedOn: readonly string[]): string[] {
  const named = (["execution", "engine", "workers"] as const).flatMap((flag) =>
    values.has(flag) ? [`--${flag}`, values.get(flag)!] : [],
  );
  return [...(models === undefined ? [] : ["--models", models]), ...named, ...passedOn];
}

/**
 * Reads the flags now, so that a wrong one is refused before anything is started; the objective may be known only then.
 */
function readSettings(values: FlagValues): (bundleObjectiveMs: number | undefined) => OverloadSettings {
  const short = values.has("short");
  const positive = { min: 0.001 };
  const objectiveMs = numberFlag(values, "objective-ms", 200, positive);
  const deadline = (objective: number) =>
    numberFlag(values, "deadline-ms", Math.max(1, Math.round(objective / 4)), {
      min: 1,
      max: 86_400_000,
      integer: true,
    });
  deadline(objectiveMs);
  const peak = numberFlag(values, "peak", 0, positive);
  const settings = {
    durationS: numberFlag(values, "duration", short ? 0.4 : 20, { min: 0.1, max: 3600 }),
    recoveryS: numberFlag(values, "recovery-s", short ? 0.6 : 20, { min: 0.5, max: 3600 }),
    leaveAfterMs: numberFlag(values, "leave-ms", 10, { min: 1 }),
    rowsPerCall: numberFlag(values, "rows-per-call", 1, { min: 1, max: 10_000, integer: true }),
    connectionsMax: numberFlag(values, "connections", 4096, { min: 1, max: 20_000, integer: true }),
    search: short
      ? { saturateS: 0.3, coarseS: 0.2, fineS: 0.2, repeats: 1 }
      : { saturateS: 2, coarseS: 2.5, fineS: 8, repeats: 2 },
    drainMs: short ? 1000 : 10_000,
    peak: peak === 0 ? undefined : peak,
  };
  return (bundleObjectiveMs) => {
    const objective = bundleObjectiveMs ?? objectiveMs;
    return { ...settings, objectiveMs: objective, deadlineMs: deadline(objective) };
  };
}

/** @returns The objective of the serving version; undefined where the server doesn't report it. */
async function objectiveOf(target: Target, model: string | undefined): Promise<number | undefined> {
  if (model === undefined) return undefined;
  const url = targetUrl({ ...target, path: `/models/${encodeURIComponent(model)}` });
  const reply = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  if (reply?.status !== 200) return undefined;
  const { serving, versions = [] } = (await reply.json()) as {
    serving?: number;
    versions?: { version: number; slo?: { p95_ms?: number } }[];
  };
  return versions.find(({ version }) => version === serving)?.slo?.p95_ms;
}

/** The model of a store that has one; undefined for another store. */
function onlyModel(models: string): string | undefined {
  const names = folders(models).filter((name) => !name.startsWith("."));
  return names.length === 1 ? names[0] : undefined;
}

/** The golden rows that the newest version answers; undefined where no model is named. */
function goldenRows(models = join(projectRoot, "models"), model: string | undefined): RowSource | undefined {
  if (model === undefined) return undefined;
  const folder = join(models, model);
  const newest = Math.max(...folders(folder).map(Number).filter(Number.isInteger));
  if (newest === -Infinity) throw new OptionError(`--model: there is no bundle of ${model} in ${models}`);
  const file = join(folder, String(newest), "golden.jsonl");
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as { row: unknown; error?: unknown })
    .filter(({ error }) => error === undefined);
  return rowsInTurn(parseRows(lines.map(({ row }) => JSON.stringify(row)).join("\n"), file));
}

function folders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
