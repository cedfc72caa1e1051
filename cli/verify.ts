/**
 * `plumb verify BUNDLE`: everything that a server checks before a bundle serves, and a report that a person can read.
 * `plumb verify STORE`: the same of every bundle of a store, in a line each. `plumb verify --against OLD NEW`: of one
 * bundle, and that it breaks no caller of another one's typed proto.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BundleError, listBundles, type Manifest, readBundle, type StoreListing } from "../bundle/index.js";
import { GraphError } from "../preprocessing/index.js";
import type { EngineSetting } from "../server/inference/engines.js";
import { protoBreaks } from "../server/protocol/typed-proto/compare.js";
import { createContract } from "../server/versions/contract.js";
import type { WorstDifference } from "../server/versions/findings.js";
import { type OpenVersion, openVersion, parseEngine } from "../server/versions/open-version.js";
import { type Proof, prove } from "../server/versions/prove.js";

/** @returns The exit code: 0 proved, 1 refused (of a store, any of them), 2 wrong usage. */
export async function verify(args: readonly string[]): Promise<number> {
  let directory: string;
  let engine: EngineSetting;
  let against: string | undefined;
  let memory: boolean;
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      options: { engine: { type: "string" }, against: { type: "string" }, memory: { type: "boolean" } },
      allowPositionals: true,
    });
    if (positionals.length !== 1) throw new Error("expected one folder, of a bundle or a store");
    [directory] = positionals as [string];
    engine = parseEngine(values.engine);
    against = values.against;
    memory = values.memory === true;
  } catch (error) {
    process.stderr.write(`plumb verify: ${(error as Error).message}: as in \`plumb verify models/demand/1\`\n`);
    return 2;
  }
  if (against !== undefined) return await verifyAgainst(against, directory, engine);
  const listing = await listStore(directory);
  return listing === undefined ? await verifyBundle(directory, engine, memory) : await verifyStore(listing, engine);
}

/** What breaks callers is found before anything runs. */
async function verifyAgainst(before: string, directory: string, engine: EngineSetting): Promise<number> {
  let breaks: readonly string[];
  try {
    const [old, now] = [await readBundle(before), await readBundle(directory)].map((bundle) => createContract(bundle));
    breaks = protoBreaks(old!, now!);
  } catch (error) {
    return refuse(directory, error instanceof BundleError ? error.problems : [sentenceOf(error)]);
  }
  if (breaks.length > 0) return refuse(directory, breaks);
  process.stdout.write(`${directory}: callers of the typed proto of ${before} can call it\n`);
  return await verifyBundle(directory, engine);
}

/** @returns Undefined for what is no store: it may be a bundle. */
async function listStore(directory: string): Promise<StoreListing | undefined> {
  if (existsSync(join(directory, "manifest.json"))) return undefined;
  const listing = await listBundles(directory).catch(() => undefined);
  return listing?.bundles.length ? listing : undefined;
}

async function verifyStore({ bundles, strays }: StoreListing, engine: EngineSetting): Promise<number> {
  for (const stray of strays) process.stderr.write(`plumb verify: passed over: ${stray}\n`);
  let refused = 0;
  for (const { name, version, directory } of bundles) {
    const { isProved, told } = await verdictOn(directory, engine);
    if (!isProved) refused++;
    process.stdout.write(`${name}/${version}  ${isProved ? "proved" : "refused"}  ${told}\n`);
  }
  return refused === 0 ? 0 : 1;
}

/** One line's worth. */
async function verdictOn(directory: string, engine: EngineSetting): Promise<{ isProved: boolean; told: string }> {
  try {
    const { version, runner } = await openVersion(directory, engine);
    const proof = await prove(version, (blocks, rowCount) => runner.run(blocks, rowCount));
    runner.release();
    if (proof.problemCount > 0) return { isProved: false, told: firstOf(proof.problems, proof.problemCount) };
    return { isProved: true, told: `${proof.rows} golden rows, by ${enginesOf(version)}` };
  } catch (error) {
    if (!(error instanceof BundleError)) return { isProved: false, told: sentenceOf(error) };
    return { isProved: false, told: `${error.fault}: ${firstOf(error.problems, error.problems.length)}` };
  }
}

function firstOf([first]: readonly string[], count: number): string {
  return count > 1 ? `${first} (and ${count - 1} more: verify the bundle alone)` : first!;
}

async function verifyBundle(directory: string, engine: EngineSetting, memory = false): Promise<number> {
  const bytesBefore = process.memoryUsage.rss();
  let open: OpenVersion;
  try {
    open = await openVersion(directory, engine);
  } catch (error) {
    return refuse(directory, error instanceof BundleError ? error.problems : [sentenceOf(error)]);
  }
  const { version, runner } = open;
  const proof = await prove(version, (blocks, rowCount) => runner.run(blocks, rowCount));
  const bytesMore = process.memoryUsage.rss() - bytesBefore;
  runner.release();
  if (proof.problemCount > 0) {
    const more =
      proof.problemCount > proof.problems.length ? [`and ${proof.problemCount - proof.problems.length} more`] : [];
    return refuse(directory, [...proof.problems, ...more], proof);
  }
  const { manifest, digest } = version.contract.bundle;
  process.stdout.write(`${directory}: proved

  model        ${version.key}, ${manifest.task}${outputs(version.postprocessor.names)}, made ${manifest.created}
  digest       sha256:${digest}
  files        ${Object.keys(manifest.files).length}, all as the manifest says
  compared     ${manifest.parity.reference} (tier ${manifest.parity.tier}, ${manifest.parity.rows} rows when it was made)
${flipped(manifest.parity.flips)}  golden rows  ${proof.rows}, in batches of ${proof.batchSizes.join(", ")}, by ${enginesOf(version)}
${differences(proof)}${memory ? `\n  memory       ${megabytes(bytesMore)} MB more than before it was loaded` : ""}
`);
  return 0;
}

/** At least 1: a small bundle fits into what the process has already. */
function megabytes(bytes: number): number {
  return Math.max(1, Math.round(bytes / 2 ** 20));
}

/** "tree", or of several models each its own; and why it isn't the tree kernel, where that was asked. */
function enginesOf({ engines }: OpenVersion["version"]): string {
  const told = engines.map(({ engine, reason }) => (reason === undefined ? engine : `${engine} (${reason})`));
  return new Set(told).size === 1 ? told[0]! : engines.map(({ model }, i) => `${model}: ${told[i]}`).join("; ");
}

/** A line where trees stand behind steps whose last bits are served otherwise. */
function flipped(flips: Manifest["parity"]["flips"]): string {
  if (flips === undefined) return "";
  const largest = flips.differing > 0 && flips.largest !== null ? `, by ${flips.largest} at most` : "";
  const told = `${flips.differing} of ${flips.rows} rows answered otherwise than by the pipeline${largest}`;
  return `  flips        ${told} (a share of ${flips.allowed} is allowed)\n`;
}

function outputs(names: readonly string[] | undefined): string {
  return names === undefined
    ? ""
    : ` of ${names.length} outputs (${names.map((name) => JSON.stringify(name)).join(", ")})`;
}

function differences({ features, raw, prediction }: Proof): string {
  const line = (name: string, { ulp, where }: WorstDifference) =>
    `  ${name.padEnd(13)}worst difference ${ulp} ulp${ulp === 0 ? "" : `: ${where}`}`;
  return [line("features", features), line("raw outputs", raw), line("predictions", prediction)].join("\n");
}

function refuse(directory: string, problems: readonly string[], proof?: Proof): number {
  const report = [`${directory}: refused`, "", ...problems.map((problem) => `  - ${problem}`)];
  if (proof) report.push("", differences(proof));
  process.stderr.write(`${report.join("\n")}\n`);
  return 1;
}

function sentenceOf(error: unknown): string {
  if (error instanceof GraphError) return `a graph can't be planned: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
