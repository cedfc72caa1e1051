/** Goal: `plumb proto` prints the proto that a server gives, and says what is wrong otherwise. */

import { expect, test } from "vitest";
import { printProto } from "../../../cli/proto.js";
import { callCommand } from "../../support/command.js";
import { demandDirectory } from "../../support/demand-bundle.js";

test("prints the proto of a bundle", async () => {
  const { code, stdout, stderr } = await callCommand(printProto, [demandDirectory]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("package plumb.models.demand;\n");
  expect(stdout).toContain('  optional double feature_price = 2 [json_name = "feature_price"];\n');
});

test.each<[string[], number, RegExp]>([
  [[], 2, /^plumb proto: expected one bundle's folder/],
  [["a", "b"], 2, /^plumb proto: expected one bundle's folder/],
  [["--json"], 2, /^plumb proto: expected one bundle's folder/],
  [[`${demandDirectory}/none`], 1, /^plumb proto: /],
])("%j is refused", async (args, exit, words) => {
  const { code, stdout, stderr } = await callCommand(printProto, args);
  expect([code, stdout]).toEqual([exit, ""]);
  expect(stderr).toMatch(words);
});
