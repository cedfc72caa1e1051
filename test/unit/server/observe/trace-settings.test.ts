/**
 * Goal: OpenTelemetry's variables mean what they mean everywhere; a wrong one is told by name and never stops a server.
 */

import { describe, expect, test } from "vitest";
import { readTraceSettings } from "../../../../server/observe/trace-settings.js";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
const read = (environment: Record<string, string>) => readTraceSettings(environment, 0.25);

describe("traces are wanted", () => {
  test.each<[string, Record<string, string>]>([
    ["if a collector is named", endpoint],
    ["if one is named for traces", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector/traces" }],
    ["if the SDK isn't disabled", { ...endpoint, OTEL_SDK_DISABLED: "false" }],
    ["with the one exporter that there is", { ...endpoint, OTEL_TRACES_EXPORTER: "console, otlp" }],
    ["by the one protocol that there is", { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" }],
    [
      "if only other signals go another way",
      { ...endpoint, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "grpc", OTEL_METRICS_EXPORTER: "none" },
    ],
    [
      "if the protocol for traces is right",
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf" },
    ],
    [
      "if what is empty counts as unset",
      { ...endpoint, OTEL_SDK_DISABLED: "", OTEL_TRACES_EXPORTER: " ", OTEL_TRACES_SAMPLER: "" },
    ],
  ])("%s", (_, environment) => {
    expect(read(environment)).toEqual({
      settings: {
        parentBased: true,
        share: 0.25,
        queueSpansMax: 2048,
        batchSpansMax: 512,
        gatherMs: 5000,
        exportTimeoutMs: 30_000,
      },
      problems: [],
    });
  });
});

describe("no traces are wanted, and there is nothing to say of it", () => {
  test.each<[string, Record<string, string>]>([
    ["if no collector is named", {}],
    [
      "whatever else is set",
      { OTEL_TRACES_SAMPLER: "nonsense", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_BSP_MAX_QUEUE_SIZE: "x" },
    ],
    ["if its name is empty", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
    ["if the SDK is disabled", { ...endpoint, OTEL_SDK_DISABLED: "True" }],
    ["if there is no exporter", { ...endpoint, OTEL_TRACES_EXPORTER: "none" }],
  ])("%s", (_, environment) => {
    expect(read(environment)).toEqual({ settings: undefined, problems: [] });
  });
});

describe("no traces can be sent, which is told", () => {
  test.each<[string, Record<string, string>, string]>([
    [
      "by another protocol",
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, got "grpc"',
    ],
    [
      "by another protocol for traces",
      { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: expected http/protobuf, got "http/json"',
    ],
    [
      "to another exporter",
      { ...endpoint, OTEL_TRACES_EXPORTER: "zipkin" },
      'OTEL_TRACES_EXPORTER: expected otlp or none, got "zipkin"',
    ],
    [
      "to what is no address",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
      "OTEL_EXPORTER_OTLP_ENDPOINT: expected an address",
    ],
    [
      "to a file",
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "file:///traces" },
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: expected an address",
    ],
  ])("%s", (_, environment, problem) => {
    const { settings, problems } = read(environment);
    expect(settings).toBeUndefined();
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/: no traces$/);
  });

  test("without the password that an address may hold", () => {
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://ada:secret@collector" }).problems.join()).not.toContain("secret");
  });
});

describe("the sampler", () => {
  const sampler = (name: string, argument?: string) =>
    read({
      ...endpoint,
      OTEL_TRACES_SAMPLER: name,
      ...(argument === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: argument }),
    });

  test.each([
    ["always_on", undefined, false, 1],
    ["always_off", undefined, false, 0],
    ["traceidratio", "0.5", false, 0.5],
    ["parentbased_always_on", undefined, true, 1],
    ["parentbased_always_off", "0.5", true, 0],
    ["parentbased_traceidratio", "0.5", true, 0.5],
    ["parentbased_traceidratio", "0", true, 0],
    ["parentbased_traceidratio", undefined, true, 1],
    ["Parentbased_TraceIdRatio", " 1 ", true, 1],
  ])("%s (%s)", (name, argument, parentBased, share) => {
    expect(sampler(name, argument)).toMatchObject({ settings: { parentBased, share }, problems: [] });
  });

  test("that isn't known leaves the setting in force, and is told", () => {
    const { settings, problems } = sampler("jaeger_remote");
    expect(settings).toMatchObject({ parentBased: true, share: 0.25 });
    expect(problems).toEqual([
      expect.stringMatching(/^OTEL_TRACES_SAMPLER: .*parentbased_traceidratio.*"jaeger_remote"/),
    ]);
  });

  test.each(["half", "-0.1", "1.5", "NaN", "0.5,0.6"])(
    "with the share %s leaves that of the setting in force, and is told",
    (argument) => {
      const { settings, problems } = sampler("traceidratio", argument);
      expect(settings).toMatchObject({ parentBased: false, share: 0.25 });
      expect(problems).toEqual([
        expect.stringContaining(`OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "${argument}"`),
      ]);
    },
  );
});

test("the queue's variables are read, and their defaults kept where they are wrong, which is told", () => {
  expect(
    read({
      ...endpoint,
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
      OTEL_BSP_SCHEDULE_DELAY: "200",
      OTEL_BSP_EXPORT_TIMEOUT: "3000",
    }),
  ).toMatchObject({
    settings: { queueSpansMax: 100, batchSpansMax: 10, gatherMs: 200, exportTimeoutMs: 3000 },
    problems: [],
  });
  for (const wrong of ["0", "-1", "1.5", "many", "1e9", "9999999999"]) {
    const { settings, problems } = read({ ...endpoint, OTEL_BSP_MAX_QUEUE_SIZE: wrong });
    expect(settings).toMatchObject({ queueSpansMax: 2048 });
    expect(problems).toEqual([
      `OTEL_BSP_MAX_QUEUE_SIZE: expected a whole number from 1 to 999999999, got "${wrong}": it is 2048`,
    ]);
  }
});
