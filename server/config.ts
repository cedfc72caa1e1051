/**
 * Every setting, in one schema. Flags go before the environment (`PLUMB_*`, then platforms' variables), that before
 * `plumb.config.json`, that before the defaults; a wrong or unknown setting stops the start with a sentence that names it and where it came from.
 */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { defaultBytesMax, defaultWorkers, type Machine, readMachine } from "./machine.js";
import { versionChoices } from "./versions/version-policy.js";

/** A number, or its text, as flags and variables have it. `z.coerce` would take empty text, null and false for 0. */
const numeric = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (typeof value === "string" && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : value),
    schema,
  );
const count = (min: number, max: number) => numeric(z.number().int().min(min).max(max));
const port = count(0, 65_535);
/** Or its text, as flags and variables have it. */
const flag = z.preprocess((value) => (value === "true" ? true : value === "false" ? false : value), z.boolean());
/** An IPv6 address may stand in brackets, as in a URL. */
const host = z
  .string()
  .min(1)
  .overwrite((text) => text.replace(/^\[([0-9a-fA-F:.%\w]+)\]$/, "$1"));

/** An address as it stands in a request: nothing in it is decoded, and no part of it is a name. */
const route = z
  .string()
  .max(256)
  .regex(/^\/[\w.~:@/-]*$/, {
    error: "expected a path of letters, digits and . _ ~ : @ / -, that begins with a slash",
  });
const mirrorHost = /^(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const origin = /^https?:\/\/[\w.-]+(?::\d{1,5})?$|^https?:\/\/\[[0-9a-fA-F:]+\](?::\d{1,5})?$/;

const processesMax = 64;

/** Key: as in the file. Flag: `--http-port`; environment: `PLUMB_HTTP_PORT`. */
export const configSchema = z.strictObject({
  host: host.default("127.0.0.1").describe("address of the public listener; 0.0.0.0 for all"),
  httpPort: port.default(8080).describe("port of the public listener; 0 for any free one"),
  http: z
    .enum(["auto", "uws", "node"])
    .default("auto")
    .describe("what serves HTTP: uWebSockets.js where its binary loads and else node:http, uws alone, or node alone"),
  grpcPort: port
    .optional()
    .describe("port of gRPC, on the public listener's address; 0 for any free one; without it, no gRPC"),
  grpcBytesMax: count(4096, 2 ** 31 - 1)
    .default(16_777_216)
    .describe("bytes of one message over gRPC; a bundle's limits.body_bytes_max may be less"),
  grpcStreamsMax: count(1, 100_000).default(256).describe("calls at once on one gRPC connection"),
  grpcConnectionAgeMs: count(1000, 7 * 86_400_000)
    .default(1_800_000)
    .describe("when a gRPC connection is asked to come again, give or take a tenth"),
  adminHost: host.default("127.0.0.1").describe("address of the admin listener: keep it private"),
  adminPort: port.default(8082).describe("port of the admin listener; 0 for any free one"),
  adminTokenFile: z
    .string()
    .min(1)
    .optional()
    .describe("file of the token that the admin listener wants of whoever asks; needed beyond loopback"),
  webhookHosts: z
    .string()
    .max(4096)
    .default("")
    .describe("hosts that release plans may call, with commas between them; none by default"),
  models: z.string().min(1).default("models").describe("the model store: <name>/<version>/ are bundles"),
  versionsPerModel: count(1, 100).default(2).describe("how many of a model's newest versions are loaded"),
  versions: versionChoices
    .optional()
    .describe(
      'which versions are loaded of the models that it names: {"demand": "latest 3", "digits": [1, 4], "iris": "all"}',
    ),
  routes: z
    .string()
    .min(1)
    .optional()
    .describe("file of routes: champions, canaries and their shares; by default routes.json in the model store"),
  armHeader: z
    .enum(["on", "off"])
    .default("on")
    .describe("whether callers may ask for an arm of a model that has a route, by x-plumb-arm"),
  mirrorHosts: z
    .string()
    .refine((text) => listed(text).every((each) => mirrorHost.test(each)), {
      error: "expected hosts as shadow.example.com or 10.0.0.7:8080, with commas between them",
    })
    .default("")
    .describe(
      "hosts that shadows behind URLs may have, with or without a port, with commas between them; none by default",
    ),
  storePollMs: count(0, 86_400_000)
    .default(2000)
    .describe("how often the model store is looked at for versions that came, changed or went; 0: only when asked"),
  proveTimeoutMs: count(100, 86_400_000)
    .default(120_000)
    .describe(
      "how long the proof of a version that comes while the server runs may take, in its own process, from when that process begins it",
    ),
  repositoryControl: flag
    .default(false)
    .describe(
      "whether callers may load and unload models too, by the Open Inference Protocol's repository extension: true or false",
    ),
  defaultModel: z.string().min(1).optional().describe("what /predict answers for; without it, the only model"),
  predictRoute: route
    .optional()
    .describe('one more address of POST that takes {"instances": [...]} for the default model, as Vertex AI names one'),
  healthRoute: route.optional().describe("one more address of GET that says whether every model is ready"),
  errors: z
    .enum(["full", "fields", "codes"])
    .default("full")
    .describe(
      "what the public listener's errors say: all, no value that was sent and nothing of the server, the code alone",
    ),
  corsOrigins: z
    .string()
    .refine((text) => listed(text).every((each) => origin.test(each)), {
      error: "expected origins as https://app.example.com, with commas between them",
    })
    .default("")
    .describe("origins whose pages may call from a browser, with commas between them; none by default"),
  execution: z
    .enum(["auto", "inline", "pool"])
    .default("auto")
    .describe("where batches run: decided per batch, on the event loop, in the pool"),
  engine: z
    .enum(["auto", "onnxruntime", "tree"])
    .default("auto")
    .describe(
      "what runs models of trees: the faster one that gives the same bits, ONNX Runtime, the tree kernel wherever it can",
    ),
  processes: z
    .union([z.literal("auto"), count(1, processesMax)], { error: `expected auto, or 1 to ${processesMax}` })
    .default(1)
    .describe(
      "how many processes serve; with more than one, another one supervises them and has the admin listener; auto: as many as processors that it may use",
    ),
  processHangMs: count(500, 600_000)
    .default(10_000)
    .describe("how long the event loop of one of several processes may be held before the process is replaced"),
  workers: count(0, 256)
    .optional()
    .describe("threads of the pool; by default one less than the processors that it may use, at least 1"),
  lingerUs: count(0, 10_000)
    .default(100)
    .describe("how long the event loop polls for the next call of a caller that asks again at once, microseconds"),
  callsMax: count(1, 1_000_000).default(10_000).describe("calls in flight, over all models"),
  bytesMax: count(1_048_576, 2 ** 40)
    .optional()
    .describe("bytes of bodies in flight; by default an eighth of the memory that it may use, at most 268435456"),
  cacheBytes: count(0, 2 ** 36)
    .default(0)
    .describe("bytes of answers kept per version, for rows that come again; 0 keeps none"),
  memoryBudgetBytes: count(0, 2 ** 46)
    .default(0)
    .describe(
      "bytes that loaded versions may take in each serving process, by an estimate; the others are loaded when they are called; 0: all are loaded",
    ),
  accessLog: z
    .enum(["all", "sampled", "off"])
    .default("sampled")
    .describe("which ordinary calls are logged; errors and slow ones always are"),
  logSampleShare: numeric(z.number().min(0).max(1))
    .default(0.01)
    .describe("share of ordinary calls that `sampled` logs"),
  traceSampleShare: numeric(z.number().min(0).max(1))
    .default(0.01)
    .describe("share of calls that are traced, of those whose caller doesn't decide; only where a collector is named"),
  drainDelayMs: count(0, 600_000)
    .default(0)
    .describe('after SIGTERM: how long to answer "not ready" before new connections are refused'),
  drainQuietMs: count(0, 600_000)
    .default(500)
    .describe("after that: how long a connection that is kept open may still bring a request"),
  drainTimeoutMs: count(0, 600_000)
    .default(30_000)
    .describe("the most that a drain takes before what is left is cut off"),
});

/** What stands between commas in a setting's text. */
export function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/**
 * Settings as platforms name them: Vertex AI, SageMaker, and Cloud Run and its kin. `PLUMB_*` and flags go before, and
 * of one setting the first of these.
 */
export const platformVariables: readonly (readonly [name: string, key: keyof Settings])[] = [
  ["AIP_HTTP_PORT", "httpPort"],
  ["SAGEMAKER_BIND_TO_PORT", "httpPort"],
  ["PORT", "httpPort"],
  ["AIP_PREDICT_ROUTE", "predictRoute"],
  ["AIP_HEALTH_ROUTE", "healthRoute"],
];

type Settings = z.infer<typeof configSchema>;
export interface Config extends Settings {
  /**
   * The default model was set by a config file that doesn't name the store that is served: where that store hasn't the
   * model, there is no default. Set in any other way it has to be there.
   */
  readonly defaultModelIsLoose?: boolean | undefined;
}
type Source = Record<string, unknown>;

/** A setting that is wrong: one sentence per problem. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
  }
}

const keys = Object.keys(configSchema.shape);
const kebab = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const flagOf = (key: string) => `--${kebab(key)}`;
const variableOf = (key: string) => `PLUMB_${kebab(key).replaceAll("-", "_").toUpperCase()}`;

/** The settings as they stand in `--help` and docs/operations.md. */
export function describeSettings(): { flag: string; variable: string; key: string; fallback: string; help: string }[] {
  const defaults = configSchema.parse({}) as Source;
  return keys.map((key) => ({
    flag: flagOf(key),
    variable: variableOf(key),
    key,
    fallback: defaults[key] === undefined ? "" : String(defaults[key]),
    help: configSchema.shape[key as keyof Settings].description ?? "",
  }));
}

/**
 * Reads the settings.
 *
 * @param args - Flags: `--http-port 9000` or `--http-port=9000`; `--config FILE` names the file.
 * @param environment - `process.env`.
 * @param workingDirectory - Where `plumb.config.json` is looked for.
 * @throws {@link ConfigError}
 */
export function readConfig(
  args: readonly string[],
  environment: Record<string, string | undefined>,
  workingDirectory: string,
): Config {
  const problems: string[] = [];
  const flags = readFlags(args, problems);
  const { config: namedFile = environment.PLUMB_CONFIG, ...flagSource } = flags;
  const fileSource = readFile(namedFile as string | undefined, workingDirectory, problems);
  const environmentSource: Source = {};
  const known = new Map(keys.map((key) => [variableOf(key), key]));
  const platformSource = readPlatform(environment);
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("PLUMB_") || value === undefined || name === "PLUMB_CONFIG" || isServiceLink(name, value))
      continue;
    const key = known.get(name);
    if (key === undefined)
      problems.push(`the environment variable ${name} is no setting: ${closest(name, [...known.keys()])}`);
    else environmentSource[key] = value;
  }
  const result = configSchema.safeParse({
    ...fileSource,
    ...Object.fromEntries([...platformSource].map(([key, { value }]) => [key, value])),
    ...environmentSource,
    ...flagSource,
  });
  if (!result.success) {
    for (const issue of result.error.issues) {
      const key = String(issue.path[0] ?? "");
      const [origin, value] =
        key in flagSource
          ? [`the flag ${flagOf(key)}`, flagSource[key]]
          : key in environmentSource
            ? [`the environment variable ${variableOf(key)}`, environmentSource[key]]
            : platformSource.has(key)
              ? [`the environment variable ${platformSource.get(key)!.name}`, platformSource.get(key)!.value]
              : [`"${key}" in the config file`, fileSource[key]];
      problems.push(`${origin}: ${issue.message}, got ${JSON.stringify(value)}`);
    }
  }
  if (result.data?.execution === "pool" && result.data.workers === 0) {
    problems.push("execution is pool, and workers is 0: nobody would run a batch; expected at least 1 worker");
  }
  if (result.data !== undefined && result.data.adminTokenFile === undefined && !isLoopback(result.data.adminHost)) {
    const host = JSON.stringify(result.data.adminHost);
    problems.push(
      `the admin listener is on ${host}, where others reach it, and has no token: set --admin-token-file, or --admin-host 127.0.0.1`,
    );
  }
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  const isOf = (source: Source, key: keyof Settings) => source[key] !== undefined;
  const defaultIsOfFile =
    isOf(fileSource, "defaultModel") && !isOf(environmentSource, "defaultModel") && !isOf(flagSource, "defaultModel");
  const storeIsOfFile = isOf(fileSource, "models") && !isOf(environmentSource, "models") && !isOf(flagSource, "models");
  return defaultIsOfFile && !storeIsOfFile ? { ...result.data, defaultModelIsLoose: true } : result.data;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** What platforms set, by the setting that it is. */
function readPlatform(environment: Record<string, string | undefined>): Map<string, { name: string; value: string }> {
  const found = new Map<string, { name: string; value: string }>();
  for (const [name, key] of platformVariables) {
    const value = environment[name];
    if (value !== undefined && value !== "" && !found.has(key)) found.set(key, { name, value });
  }
  return found;
}

/**
 * Kubernetes tells every pod of the services in its namespace by variables. Those of a service named "plumb", or
 * "plumb-http", begin as ours do and are no settings: PLUMB_SERVICE_HOST, PLUMB_PORT_8080_TCP_ADDR,
 * PLUMB_HTTP_PORT=tcp://10.0.0.1:8080.
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)$/.test(name) ||
    (name.endsWith("_PORT") && /^(?:tcp|udp|sctp):\/\//.test(value))
  );
}

/** Settings that follow from the machine where nobody set them, and what was known of it. */
export interface SizedConfig extends Config {
  /** Threads of the pool. */
  readonly workers: number;
  readonly bytesMax: number;
  readonly machine: Machine;
}

/** How many processes serve. */
export function countProcesses({ processes }: Config, { processors }: Machine): number {
  return processes === "auto" ? Math.max(1, Math.min(processesMax, Math.floor(processors))) : processes;
}

/** Where the routes stand, whether or not there are any. */
export function routesFileOf({ routes, models }: Config): string {
  return routes ?? join(models, "routes.json");
}

export function withSizes(config: Config, machine = readMachine()): SizedConfig {
  const { workers = defaultWorkers(machine), bytesMax = defaultBytesMax(machine), execution } = config;
  return { ...config, workers: execution === "inline" ? 0 : workers, bytesMax, machine };
}

/** The sizes as the log has them. */
export function sizeFields({ workers, bytesMax, machine }: SizedConfig): Record<string, number> {
  return { workers, bytes_max: bytesMax, processors: machine.processors, memory_bytes: machine.memoryBytes };
}

function readFlags(args: readonly string[], problems: string[]): Source {
  const flags: Source = {};
  const known = new Map([...keys, "config"].map((key) => [flagOf(key), key]));
  for (let i = 0; i < args.length; i++) {
    const [flag, inline] = splitFlag(args[i]!);
    const key = known.get(flag);
    if (key === undefined) {
      problems.push(`${JSON.stringify(flag)} is no flag of serve: ${closest(flag, [...known.keys()])}`);
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined) problems.push(`the flag ${flag} needs a value`);
    else flags[key] = value;
  }
  return flags;
}

function splitFlag(argument: string): [string, string | undefined] {
  const equals = argument.indexOf("=");
  return argument.startsWith("--") && equals > 0
    ? [argument.slice(0, equals), argument.slice(equals + 1)]
    : [argument, undefined];
}

function readFile(named: string | undefined, workingDirectory: string, problems: string[]): Source {
  const file = resolve(workingDirectory, named ?? "plumb.config.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    // Only a file that somebody asked for has to be there.
    if (named !== undefined || (error as NodeJS.ErrnoException).code !== "ENOENT")
      problems.push(`the config file ${file} can't be read: ${(error as Error).message}`);
    return {};
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    problems.push(`the config file ${file} isn't JSON: ${(error as Error).message}`);
    return {};
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    problems.push(`the config file ${file}: expected an object of settings`);
    return {};
  }
  const source = { ...(value as Source) };
  for (const key of Object.keys(source)) {
    if (keys.includes(key)) continue;
    problems.push(`"${key}" in the config file ${file} is no setting: ${closest(key, keys)}`);
    delete source[key];
  }
  return source;
}

/** "did you mean ...", by the longest common beginning, whatever the case, then by the nearest length. */
function closest(name: string, candidates: readonly string[]): string {
  const common = (candidate: string) => {
    const differsAt = [...candidate.toLowerCase()].findIndex((letter, i) => letter !== name[i]?.toLowerCase());
    return differsAt === -1 ? candidate.length : differsAt;
  };
  const lengthOff = (candidate: string) => Math.abs(candidate.length - name.length);
  const [best] = [...candidates].sort((a, b) => common(b) - common(a) || lengthOff(a) - lengthOff(b));
  return `did you mean ${best}? (all of them: plumb serve --help)`;
}
