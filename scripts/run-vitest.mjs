/** Vitest as a program that reports what it counted. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run } from "./setup/project.mjs";
import { countVitest, nameVitestFailures } from "./test-counts.mjs";

/**
 * @param args - Vitest's own.
 * @returns How many tests passed, failed and were skipped, and a line for each that failed.
 */
export async function runVitest(args, env = {}) {
  return await withReport("vitest.json", async (report) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report.file}`];
    const code = await run(process.execPath, [vitest, "run", ...reporters, ...args], { env });
    const text = report.read();
    return { ...countVitest(text, code), failures: nameVitestFailures(text) };
  });
}

/**
 * Gives a test runner a file for its report, which is gone afterwards.
 *
 * @param work - Gets the file's path, and a function that reads it: undefined where the runner wrote none.
 */
export async function withReport(name, work) {
  const folder = mkdtempSync(join(tmpdir(), "plumb-test-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  const file = join(folder, name);
  try {
    return await work({ file, read: () => readIfThere(file) });
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
