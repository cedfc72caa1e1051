/** Goal: `plumb inspect` says what a bundle takes, computes and answers, and which bundles of a store can't be read. */

import { expect, test } from "vitest";
import { inspect } from "../../../cli/inspect.js";
import { callCommand } from "../../support/command.js";
import { demandDirectory } from "../../support/demand-bundle.js";
import { echoModel, writeStore } from "../../support/model-store.js";

test("prints a bundle's facts, and each feature with what it accepts", async () => {
  const { code, stdout, stderr } = await callCommand(inspect, [demandDirectory]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^demand\/1: regression, made 2026-11-23T01:22:13Z by plumb_trainer 0\.1\.0\n/);
  expect(stdout).toMatch(/\n {2}trained {4}with numpy 2\.4\.6, .*xgboost 3\.2\.0\n/);
  expect(stdout).toMatch(/\n {2}true {7}tier A, compared with xgboost 3\.2\.0, .*; 384 golden rows/);
  expect(stdout).toMatch(/\n {2}models {5}main: model\.onnx, 299781 bytes\n/);
  expect(stdout).toMatch(/\n {2}feature_price {2,}required {2}a number /);
});

test("prints them as JSON", async () => {
  const { code, stdout } = await callCommand(inspect, [demandDirectory, "--json"]);
  expect(code).toBe(0);
  const { key, digest, features, models, limits } = JSON.parse(stdout);
  expect([key, limits]).toEqual(["demand/1", { rows_max: 10_000, body_bytes_max: 1_048_576 }]);
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(features.map(({ name }: { name: string }) => name)).toContain("feature_price");
  expect(models[0].inputs).toEqual([{ name: "X", dtype: "float32", shape: ["rows", 4] }]);
});

test("prints a line for each bundle of a store, and fails where one can't be read", async () => {
  const damaged = echoModel({ version: 2, change: (bundle) => (bundle.tamper["card.md"] = "# Tinx\n") });
  const store = await writeStore(echoModel(), damaged);
  const table = await callCommand(inspect, [store.directory]);
  const json = await callCommand(inspect, [store.directory, "--json"]);
  await store.remove();
  expect([table.code, json.code]).toEqual([1, 1]);
  const [head, one, two] = table.stdout.split("\n");
  expect(head).toMatch(/^bundle {2,}task {2,}tier {2,}features {2,}bytes {2,}made {2,}trained with$/);
  expect(one).toMatch(/^echo\/1 {2,}regression/);
  expect(two).toMatch(/^echo\/2 {2,}can't be read: +damaged: card\.md: expected sha256/);
  expect(JSON.parse(json.stdout)[1]).toEqual({ key: "echo/2", problem: expect.stringMatching(/^damaged: card\.md/) });
});

test.each<[string[], number, RegExp]>([
  [[], 2, /^plumb inspect: expected one folder/],
  [["a", "b"], 2, /^plumb inspect: expected one folder/],
  [["--yaml", demandDirectory], 2, /^plumb inspect: Unknown option/],
  [[`${demandDirectory}/none`], 1, /^plumb inspect: /],
])("%j is refused", async (args, exit, words) => {
  const { code, stdout, stderr } = await callCommand(inspect, args);
  expect([code, stdout]).toEqual([exit, ""]);
  expect(stderr).toMatch(words);
});
