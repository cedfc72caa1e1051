/**
 * Goal: the command says what it can do, ends with 0 for an answer, 1 for a refusal and 2 for wrong usage, and starts
 * nothing by mistake.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { run } from "../../../cli/main.js";
import { describeSettings } from "../../../server/config.js";
import { callCommand, runPlumb } from "../../support/command.js";

describe("help", () => {
  test.each(["--help", "-h", "verify --help", "predict --help"])(
    "plumb %s names the commands, on standard output",
    async (words) => {
      const { code, stdout, stderr } = await callCommand(run, words.split(" "));
      expect([code, stderr]).toEqual([0, ""]);
      for (const command of ["plumb serve", "plumb verify BUNDLE", "plumb predict BUNDLE", "--features", "--version"])
        expect(stdout).toContain(command);
    },
  );

  test("plumb serve --help names every setting, with its variable and default", async () => {
    const { code, stdout } = await callCommand(run, ["serve", "--help"]);
    expect(code).toBe(0);
    for (const { flag, variable, fallback, help } of describeSettings()) {
      expect(stdout).toContain(`${flag} `);
      expect(stdout).toContain(help);
      expect(stdout).toContain(`environment: ${variable}\n`);
      if (fallback !== "") expect(stdout).toContain(`(default: ${fallback})`);
    }
  });
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(await runPlumb(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

describe("wrong usage ends with 2, on standard error", () => {
  test("no command at all", async () => {
    const { code, stdout, stderr } = await callCommand(run, []);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("plumb serve");
  });

  test("an unknown command", async () => {
    const { code, stdout, stderr } = await runPlumb(["sevre"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^plumb: there is no command "sevre"\n/);
    expect(stderr).toContain("plumb serve");
  });

  test("a setting of serve that is unknown or wrong: nothing is started", async () => {
    const { code, stdout, stderr } = await runPlumb(["serve", "--http-prot", "1", "--workers", "many"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain('"--http-prot" is no flag of serve: did you mean --http-port?');
    expect(stderr).toContain("the flag --workers: ");
  });
});

test("a command's own exit code is the process's", async () => {
  expect((await runPlumb(["verify", "no/such/bundle"])).code).toBe(1);
  expect((await runPlumb(["predict"])).code).toBe(2);
});
