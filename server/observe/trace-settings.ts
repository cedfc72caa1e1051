/**
 * Whether, which and how traces are sent, by OpenTelemetry's standard environment variables.
 *
 * A wrong variable is told and doesn't stop the start: these variables are often set for a whole cluster at once, and
 * an inference server is worth more than its traces. Endpoint, headers, time-out, compression and certificates are read
 * by the SDK's exporter itself.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */

export interface TraceSettings {
  /** Whether the caller's sampled flag decides, where it sent one. */
  readonly parentBased: boolean;
  /** Share of the other calls that are sampled. */
  readonly share: number;
  /** Spans that wait to be delivered or are being delivered; beyond that they are dropped. */
  readonly queueSpansMax: number;
  /** Spans of one export. */
  readonly batchSpansMax: number;
  /** How long spans are gathered before they are exported, milliseconds. */
  readonly gatherMs: number;
  /** When an export is given up, milliseconds. */
  readonly exportTimeoutMs: number;
}

export interface TraceSettingsRead {
  /** Undefined: no traces, and nothing of OpenTelemetry is loaded. */
  readonly settings: TraceSettings | undefined;
  /** What is wrong, in sentences that name the variable. */
  readonly problems: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** OpenTelemetry's names of the samplers; `argument`: the share is OTEL_TRACES_SAMPLER_ARG. */
const samplers: Readonly<Record<string, { parentBased: boolean; share: number | "argument" }>> = {
  always_on: { parentBased: false, share: 1 },
  always_off: { parentBased: false, share: 0 },
  traceidratio: { parentBased: false, share: "argument" },
  parentbased_always_on: { parentBased: true, share: 1 },
  parentbased_always_off: { parentBased: true, share: 0 },
  parentbased_traceidratio: { parentBased: true, share: "argument" },
};

/** @param traceSampleShare - The setting of that name; OTEL_TRACES_SAMPLER takes its place. */
export function readTraceSettings(environment: Environment, traceSampleShare: number): TraceSettingsRead {
  const problems: string[] = [];
  const settings = wanted(environment, problems)
    ? {
        ...readSampler(environment, traceSampleShare, problems),
        queueSpansMax: readCount(environment, "OTEL_BSP_MAX_QUEUE_SIZE", 2048, problems),
        batchSpansMax: readCount(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, problems),
        gatherMs: readCount(environment, "OTEL_BSP_SCHEDULE_DELAY", 5000, problems),
        exportTimeoutMs: readCount(environment, "OTEL_BSP_EXPORT_TIMEOUT", 30_000, problems),
      }
    : undefined;
  return { settings, problems };
}

function wanted(environment: Environment, problems: string[]): boolean {
  const [endpointName, endpoint] = signalValue(environment, "ENDPOINT");
  if (endpoint === "" || textOf(environment, "OTEL_SDK_DISABLED").toLowerCase() === "true") return false;
  const exporters = (textOf(environment, "OTEL_TRACES_EXPORTER").toLowerCase() || "otlp")
    .split(",")
    .map((name) => name.trim());
  if (!exporters.includes("otlp")) {
    if (!exporters.includes("none"))
      problems.push(`OTEL_TRACES_EXPORTER: expected otlp or none, got ${JSON.stringify(exporters.join())}: no traces`);
    return false;
  }
  const [protocolName, protocol] = signalValue(environment, "PROTOCOL");
  if (protocol !== "" && protocol.toLowerCase() !== "http/protobuf") {
    problems.push(`${protocolName}: expected http/protobuf, got ${JSON.stringify(protocol)}: no traces`);
    return false;
  }
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : "")) {
    // Not repeated: an address may hold a password.
    problems.push(`${endpointName}: expected an address that begins with http:// or https://: no traces`);
    return false;
  }
  return true;
}

function readSampler(
  environment: Environment,
  traceSampleShare: number,
  problems: string[],
): { parentBased: boolean; share: number } {
  const name = textOf(environment, "OTEL_TRACES_SAMPLER").toLowerCase();
  const bySetting = { parentBased: true, share: traceSampleShare };
  if (name === "") return bySetting;
  const sampler = samplers[name];
  if (sampler === undefined) {
    const known = Object.keys(samplers).join(", ");
    problems.push(
      `OTEL_TRACES_SAMPLER: expected one of ${known}, got ${JSON.stringify(name)}: the setting traceSampleShare decides`,
    );
    return bySetting;
  }
  const { parentBased, share } = sampler;
  if (share !== "argument") return { parentBased, share };
  const text = textOf(environment, "OTEL_TRACES_SAMPLER_ARG");
  const argument = text === "" ? 1 : Number(text);
  if (argument >= 0 && argument <= 1) return { parentBased, share: argument };
  problems.push(
    `OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got ${JSON.stringify(text)}: the setting traceSampleShare is the share`,
  );
  return { parentBased, share: traceSampleShare };
}

function readCount(environment: Environment, name: string, fallback: number, problems: string[]): number {
  const text = textOf(environment, name);
  if (text === "") return fallback;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  problems.push(`${name}: expected a whole number from 1 to 999999999, got ${JSON.stringify(text)}: it is ${fallback}`);
  return fallback;
}

/** The variable for traces goes before the one for all signals. */
function signalValue(environment: Environment, name: string): readonly [string, string] {
  const own = `OTEL_EXPORTER_OTLP_TRACES_${name}`;
  const common = `OTEL_EXPORTER_OTLP_${name}`;
  const value = textOf(environment, own);
  return value === "" ? [common, textOf(environment, common)] : [own, value];
}

/** Empty means unset, by OpenTelemetry's rule. */
function textOf(environment: Environment, name: string): string {
  return environment[name]?.trim() ?? "";
}
