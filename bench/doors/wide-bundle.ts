/**
 * A model of 64 numbers, made of the demand bundle: 61 features more, which the graph hands to a model that takes as
 * many columns more and splits by none of them. What it costs is reading and carrying the numbers.
 */

import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../loadtest/project.js";

export const wideName = "wide";
const further = Array.from({ length: 61 }, (_, i) => `feature_number_${i + 1}`);

// biome-ignore lint/suspicious/noExplicitAny: documents as they stand in the files
type Document = any;

/** The model's input in the file: float32, `rows` times 4 columns, the last byte. */
const inputOfFour = Buffer.from("Z\x17\n\x01X\x12\x12\n\x10\x08\x01\x12\x0c\n\x06\x12\x04rows\n\x02\x08\x04", "latin1");
const width = 4 + further.length;

/** @param store - An empty folder, which becomes a store with this bundle. */
export function makeWideBundle(store: string): void {
  const folder = join(store, wideName, "1");
  cpSync(join(projectRoot, "models", "demand", "1"), folder, { recursive: true });
  const path = (file: string) => join(folder, file);
  const edit = (file: string, change: (document: Document) => void) => {
    const document = JSON.parse(readFileSync(path(file), "utf8"));
    change(document);
    writeFileSync(path(file), JSON.stringify(document));
  };
  edit("schema.json", ({ properties, required }) => {
    for (const name of further) properties[name] = { type: "number" };
    required.push(...further);
  });
  edit("preprocessing.json", ({ inputs, nodes, outputs }) => {
    inputs.push(...further.map((name) => ({ name, type: "number" })));
    nodes.push({ id: "further", op: "passthrough", inputs: further, params: {} });
    outputs[0].shape[1] = width;
    outputs[0].from.push("further");
  });
  const golden = readFileSync(path("golden.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const { row, features } of golden) {
    for (const [i, name] of further.entries()) row[name] = i + 0.5;
    features?.X.push(...further.map((_, i) => i + 0.5));
  }
  writeFileSync(path("golden.jsonl"), `${golden.map((line) => JSON.stringify(line)).join("\n")}\n`);
  const model = readFileSync(path("model.onnx"));
  const at = model.indexOf(inputOfFour);
  if (at < 0)
    throw new Error("the demand model's input isn't where it was: bench/doors/wide-bundle.ts has to follow it");
  model[at + inputOfFour.length - 1] = width;
  writeFileSync(path("model.onnx"), model);
  edit("manifest.json", (manifest) => {
    manifest.name = wideName;
    manifest.models[0].inputs[0].shape[1] = width;
    manifest.limits.body_bytes_max = 16_777_216;
    for (const [file, entry] of Object.entries<Document>(manifest.files)) {
      const bytes = readFileSync(path(file));
      entry.sha256 = createHash("sha256").update(bytes).digest("hex");
      entry.bytes = bytes.length;
    }
  });
}

/** Rows of it: what `demandRow` gives, and the other numbers at random. */
export function wideRow(demandRow: string, random: () => number): Record<string, number> {
  return { ...JSON.parse(demandRow), ...Object.fromEntries(further.map((name) => [name, random()])) };
}
