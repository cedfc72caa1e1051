/**
 * Goal: a setting comes from where the reader would look first, and whatever is wrong is named, with its place, before
 * anything starts.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ConfigError,
  countProcesses,
  describeSettings,
  readConfig,
  sizeFields,
  withSizes,
} from "../../../server/config.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumb-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const writeFile = (settings: unknown, name = "plumb.config.json") =>
  writeFileSync(join(folder, name), typeof settings === "string" ? settings : JSON.stringify(settings));
const read = (args: readonly string[] = [], environment: Record<string, string> = {}) =>
  readConfig(args, environment, folder);

function problemsOf(args: readonly string[] = [], environment: Record<string, string> = {}): string[] {
  try {
    read(args, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n");
  }
  throw new Error("it was accepted");
}

describe("a setting", () => {
  test("has a default", () => {
    expect(read()).toMatchObject({
      host: "127.0.0.1",
      httpPort: 8080,
      adminHost: "127.0.0.1",
      adminPort: 8082,
      models: "models",
      execution: "auto",
    });
  });

  test("of the file goes before the default, of the environment before the file, of a flag before all", () => {
    writeFile({ httpPort: 1001, adminPort: 1002, models: "from-file", execution: "pool" });
    const environment = { PLUMB_HTTP_PORT: "2001", PLUMB_ADMIN_PORT: "2002", PLUMB_MODELS: "from-environment" };
    expect(read(["--http-port", "3001"], environment)).toMatchObject({
      httpPort: 3001,
      adminPort: 2002,
      models: "from-environment",
      execution: "pool",
      host: "127.0.0.1",
    });
  });

  test("is given to a flag in two forms", () => {
    expect(read(["--http-port=9000", "--admin-port", "9002", "--models=a=b"])).toMatchObject({
      httpPort: 9000,
      adminPort: 9002,
      models: "a=b",
    });
  });

  test("is a number in the file as well as text that is one", () => {
    writeFile({ httpPort: 9000, logSampleShare: "0.5" });
    expect(read()).toMatchObject({ httpPort: 9000, logSampleShare: 0.5 });
  });

  test.each([
    ["[::1]", "::1"],
    ["[fe80::1%eth0]", "fe80::1%eth0"],
    ["::", "::"],
    ["plumb.internal", "plumb.internal"],
    ["[", "["],
  ])("may be an address in brackets: %s", (written, host) => {
    const token = ["--admin-token-file", "token"];
    expect(read(["--host", written, "--admin-host", written, ...token])).toMatchObject({ host, adminHost: host });
  });

  test("that isn't Plumb's is left alone", () => {
    expect(read([], { HOME: "/home/ada", PATH: "/bin", PLUMBER: "1", HTTP_PORT: "1" })).toEqual(read());
  });

  const usualValues: Record<string, string> = {
    workers: "2",
    bytesMax: "2097152",
    grpcPort: "8001",
    predictRoute: "/demand",
    healthRoute: "/up",
    corsOrigins: "https://a.example",
    versions: '{"demand":[1,4]}',
  };

  test.each(describeSettings())(
    "$flag is known to flags, environment, file and help",
    ({ flag, variable, key, fallback, help }) => {
      const value = fallback || usualValues[key] || "demand";
      const isJson = value.startsWith("{") || value === "false" || /^\d+(\.\d+)?$/.test(value);
      const expected = isJson ? JSON.parse(value) : value;
      expect(read([flag, value])).toHaveProperty(key, expected);
      expect(read([], { [variable]: value })).toHaveProperty(key, expected);
      writeFile({ [key]: expected });
      expect(read()).toHaveProperty(key, expected);
      expect(help).not.toBe("");
    },
  );
});

describe("a default model of the file", () => {
  test.each([
    ["is firm where the same file names the store", { models: "mine", defaultModel: "demand" }, [], {}, undefined],
    ["is loose where nothing names the store", { defaultModel: "demand" }, [], {}, true],
    [
      "is loose where a flag names another store",
      { models: "mine", defaultModel: "demand" },
      ["--models", "other"],
      {},
      true,
    ],
    [
      "is loose where the environment does",
      { models: "mine", defaultModel: "demand" },
      [],
      { PLUMB_MODELS: "other" },
      true,
    ],
    [
      "gives way to a flag, which is firm",
      { defaultModel: "demand" },
      ["--default-model", "x", "--models", "other"],
      {},
      undefined,
    ],
    [
      "gives way to the environment, which is firm",
      { defaultModel: "demand" },
      [],
      { PLUMB_DEFAULT_MODEL: "x" },
      undefined,
    ],
  ] as const)("%s", (_, settings, flags, environment, loose) => {
    writeFile(settings);
    expect(read([...flags], environment).defaultModelIsLoose).toBe(loose);
  });
});

describe("the file", () => {
  test("may be missing", () => {
    expect(read()).toMatchObject({ httpPort: 8080 });
  });

  test("is another one if a flag says so, or the environment", () => {
    writeFile({ httpPort: 1 });
    writeFile({ httpPort: 2 }, "two.json");
    writeFile({ httpPort: 3 }, "three.json");
    expect(read(["--config", "two.json"]).httpPort).toBe(2);
    expect(read([], { PLUMB_CONFIG: "three.json" }).httpPort).toBe(3);
    expect(read(["--config", join(folder, "two.json")], { PLUMB_CONFIG: "three.json" }).httpPort).toBe(2);
  });

  test("must be there if somebody asked for it", () => {
    expect(problemsOf(["--config", "gone.json"])).toEqual([
      expect.stringMatching(/^the config file .*gone\.json can't be read: /),
    ]);
  });

  test("must be readable if it is there", () => {
    mkdirSync(join(folder, "plumb.config.json"));
    expect(problemsOf()).toEqual([expect.stringMatching(/^the config file .*plumb\.config\.json can't be read: /)]);
  });

  test.each([
    ["no JSON", "httpPort: 1", /^the config file .* isn't JSON: /],
    ["a list", [1], /^the config file .*: expected an object of settings$/],
    ["null", "null", /^the config file .*: expected an object of settings$/],
  ])("may not be %s", (_name, content, message) => {
    writeFile(content);
    expect(problemsOf()).toEqual([expect.stringMatching(message)]);
  });
});

describe("an unknown setting is refused, and a known one is suggested", () => {
  test.each([
    ["--http-prot", "--http-port"],
    ["--model", "--models"],
    ["--acces-log", "--access-log"],
    ["--wokers", "--workers"],
  ])("the flag %s: %s", (flag, known) => {
    expect(problemsOf([flag, "1"])[0]).toBe(
      `"${flag}" is no flag of serve: did you mean ${known}? (all of them: plumb serve --help)`,
    );
  });

  test("in the environment", () => {
    expect(problemsOf([], { PLUMB_HTTPPORT: "1" })).toEqual([
      "the environment variable PLUMB_HTTPPORT is no setting: did you mean PLUMB_HTTP_PORT? (all of them: plumb serve --help)",
    ]);
  });

  test("in the file", () => {
    writeFile({ httpport: 1, models: "m" });
    expect(problemsOf()).toEqual([
      expect.stringMatching(
        /^"httpport" in the config file .*plumb\.config\.json is no setting: did you mean httpPort\?/,
      ),
    ]);
  });

  test("by a name that every object has", () => {
    writeFile('{"constructor": 1, "__proto__": {"httpPort": 5}}');
    expect(problemsOf()).toHaveLength(2);
    expect(problemsOf([], { PLUMB_CONSTRUCTOR: "1" })).toHaveLength(3);
  });

  test("as a word that is no flag at all", () => {
    expect(problemsOf(["models"])[0]).toContain('"models" is no flag of serve');
  });
});

describe("what Kubernetes tells of services named plumb and plumb-http", () => {
  test("is no setting, and stops no start", () => {
    const environment = Object.fromEntries(
      ["PLUMB", "PLUMB_HTTP"].flatMap((service) => [
        [`${service}_SERVICE_HOST`, "10.0.0.1"],
        [`${service}_SERVICE_PORT`, "8080"],
        [`${service}_SERVICE_PORT_WEB`, "8080"],
        [`${service}_PORT`, "tcp://10.0.0.1:8080"],
        [`${service}_PORT_8080_TCP`, "tcp://10.0.0.1:8080"],
        [`${service}_PORT_8080_TCP_PROTO`, "tcp"],
        [`${service}_PORT_8080_TCP_PORT`, "8080"],
        [`${service}_PORT_8080_TCP_ADDR`, "10.0.0.1"],
      ]),
    );
    expect(read([], environment)).toEqual(read([]));
  });

  test("doesn't hide a setting that is wrong", () => {
    expect(problemsOf([], { PLUMB_PORT: "8080" })).toEqual([expect.stringMatching(/PLUMB_PORT is no setting/)]);
    expect(problemsOf([], { PLUMB_HTTP_PORT: "http://10.0.0.1" })).toHaveLength(1);
    expect(problemsOf([], { PLUMB_SERVICE: "1" })).toHaveLength(1);
  });
});

describe("a wrong value is refused, with the place where it stands", () => {
  const wrong: [name: string, value: unknown][] = [
    ["httpPort", 65_536],
    ["httpPort", -1],
    ["httpPort", 80.5],
    ["httpPort", "eighty"],
    ["httpPort", ""],
    ["httpPort", " "],
    ["httpPort", "0x50"],
    ["workers", 257],
    ["callsMax", 0],
    ["logSampleShare", 1.5],
    ["traceSampleShare", -0.1],
    ["traceSampleShare", "1%"],
    ["logSampleShare", "NaN"],
    ["execution", "gpu"],
    ["accessLog", "some"],
    ["models", ""],
    ["defaultModel", ""],
  ];

  test.each(wrong)("%s: %j", (key, value) => {
    const { flag, variable } = describeSettings().find((setting) => setting.key === key)!;
    const got = new RegExp(`, got ${JSON.stringify(String(value)).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
    const [byFlag, ...more] = problemsOf([`${flag}=${value}`]);
    expect(more).toEqual([]);
    expect(byFlag).toMatch(new RegExp(`^the flag ${flag}: .+`));
    expect(byFlag).toMatch(got);
    const [byVariable] = problemsOf([], { [variable]: String(value) });
    expect(byVariable).toMatch(new RegExp(`^the environment variable ${variable}: .+`));
    expect(byVariable).toMatch(got);
    writeFile({ [key]: value });
    expect(problemsOf()).toEqual([expect.stringMatching(new RegExp(`^"${key}" in the config file: .+, got `))]);
  });

  test.each([[null], [true], [[]], [[8080]], [{}]])("a port that is %j in the file", (value) => {
    writeFile({ httpPort: value });
    expect(problemsOf()).toEqual([expect.stringMatching(/^"httpPort" in the config file: /)]);
  });

  test("of the place that counts, though another place has a good one", () => {
    writeFile({ httpPort: 9000 });
    expect(problemsOf([], { PLUMB_HTTP_PORT: "no" })).toEqual([
      expect.stringMatching(/^the environment variable PLUMB_HTTP_PORT: /),
    ]);
  });

  test("a flag without its value", () => {
    expect(problemsOf(["--http-port"])).toContain("the flag --http-port needs a value");
  });

  test("everything at once, a sentence each", () => {
    writeFile({ adminPort: "x", colour: "red" });
    expect(problemsOf(["--http-port", "y"], { PLUMB_NO: "1", PLUMB_WORKERS: "-3" })).toHaveLength(5);
  });

  test("a pool without a worker", () => {
    expect(problemsOf(["--execution", "pool", "--workers", "0"])).toEqual([
      "execution is pool, and workers is 0: nobody would run a batch; expected at least 1 worker",
    ]);
  });
});

describe("sizes", () => {
  const machine = { processors: 4, memoryBytes: 512 * 1_048_576 };
  const bytesMax = 67_108_864;
  test.each([
    ["as many workers as are set", ["--workers", "7"], { workers: 7, bytesMax }],
    ["none: everything runs on the event loop", ["--workers", "0"], { workers: 0, bytesMax }],
    [
      "none where everything is to run on the event loop",
      ["--execution", "inline", "--workers", "3"],
      { workers: 0, bytesMax },
    ],
    ["what the machine allows where nothing is set", [], { workers: 3, bytesMax }],
    [
      "bytes that are set, whatever the machine has",
      ["--bytes-max", "1073741824"],
      { workers: 3, bytesMax: 1_073_741_824 },
    ],
  ])("%s", (_name, args, sizes) => {
    const config = withSizes(read(args), machine);
    expect(config).toMatchObject(sizes);
    const { workers, bytesMax: bytes_max } = sizes;
    expect(sizeFields(config)).toEqual({ workers, bytes_max, processors: 4, memory_bytes: machine.memoryBytes });
  });
});

test.each([
  [[], 4, 1],
  [["--processes", "3"], 1, 3],
  [["--processes", "auto"], 4, 4],
  [["--processes", "auto"], 2.9, 2],
  [["--processes", "auto"], 0.5, 1],
  [["--processes", "auto"], 200, 64],
])("%j on %d processors: %d processes", (args, processors, processes) => {
  expect(countProcesses(read(args), { processors, memoryBytes: 1e9 })).toBe(processes);
});

test.each([
  ["0", ">=1"],
  ["65", "<=64"],
  ["many", "expected auto, or 1 to 64"],
  ["1.5", "expected auto, or 1 to 64"],
])("%s processes are refused, with what is expected", (text, expected) => {
  const [problem, ...others] = problemsOf(["--processes", text]);
  expect(problem).toMatch(/^the flag --processes: /);
  expect(problem).toContain(expected);
  expect(problem).toContain(`got ${JSON.stringify(text)}`);
  expect(others).toEqual([]);
});
