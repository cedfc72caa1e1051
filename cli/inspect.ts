/**
 * `plumb inspect BUNDLE`: what a bundle takes, computes, answers and promises. `plumb inspect STORE`: a line for each
 * bundle. Nothing is run: that the bundle is true is for `plumb verify`.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Bundle, BundleError, expectedWords, listBundles, readBundle } from "../bundle/index.js";
import type { GraphDocument } from "../preprocessing/index.js";
import { type Contract, createContract } from "../server/versions/contract.js";
import { aligned } from "./aligned.js";

/** @returns The exit code: 0; 1 if the bundle, or one of the store, can't be read; 2 for wrong usage. */
export async function inspect(args: readonly string[]): Promise<number> {
  let directory: string;
  let isJson: boolean;
  try {
    const options = { json: { type: "boolean" } } as const;
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length !== 1) throw new Error("expected one folder, of a bundle or a store");
    directory = positionals[0]!;
    isJson = values.json === true;
  } catch (error) {
    process.stderr.write(`plumb inspect: ${(error as Error).message}: as in \`plumb inspect models/demand/1\`\n`);
    return 2;
  }
  try {
    if (!existsSync(join(directory, "manifest.json"))) {
      const { bundles } = await listBundles(directory);
      if (bundles.length > 0) return await inspectStore(bundles, isJson);
    }
    const facts = factsOf(createContract(await readBundle(directory)));
    process.stdout.write(isJson ? `${JSON.stringify(facts, undefined, 2)}\n` : describe(facts));
    return 0;
  } catch (error) {
    process.stderr.write(`plumb inspect: ${directory}: ${sentences(error)}\n`);
    return 1;
  }
}

async function inspectStore(
  bundles: readonly { readonly name: string; readonly version: number; readonly directory: string }[],
  isJson: boolean,
): Promise<number> {
  let unread = 0;
  const lines: object[] = [];
  const table = [["bundle", "task", "tier", "features", "bytes", "made", "trained with"]];
  for (const { name, version, directory } of bundles) {
    try {
      const facts = factsOf(createContract(await readBundle(directory)));
      const { key, task, tier, features, bytes, created, libraries } = facts;
      lines.push(facts);
      table.push([key, task, tier, `${features.length}`, `${bytes}`, created, librariesIn(libraries)]);
    } catch (error) {
      unread++;
      lines.push({ key: `${name}/${version}`, problem: sentences(error) });
      table.push([`${name}/${version}`, "can't be read:", sentences(error)]);
    }
  }
  process.stdout.write(isJson ? `${JSON.stringify(lines, undefined, 2)}\n` : aligned(table));
  return unread === 0 ? 0 : 1;
}

/** What `--json` prints. */
function factsOf({ bundle, key, rowSchema, postprocessor, unbounded }: Contract) {
  const { manifest, models, preprocessing, postprocessing, golden, digest } = bundle;
  const { lineage, parity, slo, limits, fallback } = manifest;
  return {
    key,
    digest: `sha256:${digest}`,
    task: manifest.task,
    created: manifest.created,
    trainer: lineage.trainer,
    libraries: lineage.libraries,
    tier: parity.tier,
    reference: parity.reference,
    flips: parity.flips ?? null,
    features: rowSchema.features.map((feature) => ({
      name: feature.name,
      accepts: expectedWords(feature),
      required: feature.required,
      ...(feature.unit !== undefined && { unit: feature.unit }),
      ...(feature.pii && { personal: true }),
      ...(feature.knownCategories && { known_categories: feature.knownCategories.length }),
    })),
    before: operators(preprocessing),
    models: models.map(({ id, file, bytes, inputs, outputs }) => ({ id, file, bytes: bytes.length, inputs, outputs })),
    after: operators(postprocessing),
    labels: postprocessor.labels ?? null,
    outputs: postprocessor.names ?? null,
    golden_rows: golden.length,
    limits,
    slo,
    fallback: fallback.kind,
    runs: unbounded === undefined ? "in this process" : `in a process of its own: ${unbounded}`,
    bytes: Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0),
  };
}

type Facts = ReturnType<typeof factsOf>;

/** How often each operator stands in a graph, in the order of their first uses. */
function operators({ nodes }: GraphDocument): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function describe(facts: Facts): string {
  const { key, task, tier, reference, features, models, limits, slo, labels, outputs } = facts;
  const answer = labels !== null ? `one of ${labels.length} labels: ${shortList(labels)}` : "a number";
  const one = outputs !== null ? `${outputs.length} outputs: ${shortList(outputs)}` : answer;
  const rows = features.map(({ name, accepts, required, unit }) => [
    `  ${name}`,
    required ? "required" : "optional",
    `${accepts}${unit === undefined ? "" : `, in ${unit}`}`,
  ]);
  return `${key}: ${task}, made ${facts.created} by ${facts.trainer}

  digest     ${facts.digest}
  trained    with ${librariesIn(facts.libraries)}
  true       tier ${tier}, compared with ${reference}; ${facts.golden_rows} golden rows prove it at each load
  answers    ${one}, for each row
  steps      ${operatorsIn(facts.before)}
  models     ${models.map(({ id, file, bytes }) => `${id}: ${file}, ${bytes} bytes`).join("; ")}
  then       ${operatorsIn(facts.after)}
  runs       ${facts.runs}
  limits     ${limits.rows_max} rows, ${limits.body_bytes_max} bytes a request; fallback: ${facts.fallback}
  objective  95 of 100 answers within ${slo.p95_ms} ms, at ${slo.rps} requests a second
  size       ${facts.bytes} bytes

A row has ${features.length} features:
${aligned(rows)}`;
}

function operatorsIn(counts: Record<string, number>): string {
  const words = Object.entries(counts).map(([op, count]) => (count === 1 ? op : `${op} x ${count}`));
  return words.length === 0 ? "none" : words.join(", ");
}

function librariesIn(libraries: Bundle["manifest"]["lineage"]["libraries"]): string {
  const words = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  return words.length === 0 ? "libraries that the bundle doesn't name" : words.join(", ");
}

const shownMax = 10;

function shortList(items: readonly unknown[]): string {
  const shown = items.slice(0, shownMax).map((item) => JSON.stringify(item));
  return shown.join(", ") + (items.length > shownMax ? ` and ${items.length - shownMax} more` : "");
}

function sentences(error: unknown): string {
  if (error instanceof BundleError) return `${error.fault}: ${error.problems.join("; ")}`;
  return error instanceof Error ? error.message : String(error);
}
