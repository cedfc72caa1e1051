/** What the scenarios share: flags, the server under load, the report's files and the exit code. */

import { writeFileSync } from "node:fs";
import { type FlagValues, numberFlag, outputFile } from "./options.js";
import { createRandom } from "./random.js";
import { rowsFromFile } from "./rows.js";
import { startPlumb } from "./server-process.js";
import { parseTarget, type Target } from "./target.js";

export const sharedFlags = {
  url: { value: "URL", help: "where to send rows, on this machine only; default: a server is started and stopped" },
  seed: { value: "N", help: "seed of rows and arrivals (1)" },
  json: { value: "FILE", help: "write the report there" },
  html: { value: "FILE", help: "write the report there as a page that needs no network" },
};

export type SharedOptions = ReturnType<typeof readShared>;

/** @throws OptionError that names the flag. */
export function readShared(values: FlagValues) {
  const [url, rows] = [values.get("url"), values.get("rows")];
  return {
    random: createRandom(numberFlag(values, "seed", 1, { min: 0, integer: true })),
    rows: rows === undefined ? undefined : rowsFromFile(rows),
    json: outputFile(values, "json"),
    html: outputFile(values, "html"),
    url: url === undefined ? undefined : parseTarget(url),
    admin: parseTarget(values.get("admin-url") ?? "http://127.0.0.1:8082", "admin-url"),
  };
}

/**
 * Runs a scenario on `--url`'s server, or on one that is started with the flags `serve` and ended.
 *
 * @param path - Where to send rows; by default the path of `--url`, or /predict.
 * @param run - `admin` is the address of the metrics, `pid` that of a started server; returns what the files hold.
 * @returns The exit code: 0 where the run passed and a started server ended well, 1 otherwise.
 */
export async function runScenario(
  { url, admin, json, html }: SharedOptions,
  { serve = [], path = url?.path ?? "/predict" }: { serve?: readonly string[]; path?: string | undefined },
  say: (text: string) => void,
  run: (at: { target: Target; admin: Target; pid: number | undefined }) => Promise<{
    report: { readonly passed: boolean };
    page: () => string;
  }>,
): Promise<number> {
  const server = url === undefined ? await startPlumb(serve) : undefined;
  const at = (given: Target | undefined, port: number | undefined) => given ?? { host: "127.0.0.1", port: port! };
  try {
    const { report, page } = await run({
      target: { ...at(url, server?.port), path },
      admin: { ...at(server ? undefined : admin, server?.adminPort), path: "/metrics" },
      pid: server?.pid,
    });
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    if (html !== undefined) {
      writeFileSync(html, page());
      say(`The report as a page: ${html}`);
    }
    const code = await server?.stop();
    if (server && code !== 0) say(`FAIL: the server ended with exit code ${code}`);
    return report.passed && (!server || code === 0) ? 0 : 1;
  } finally {
    await server?.stop();
  }
}
