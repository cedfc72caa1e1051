/** The demand bundle of the model store, as it is or as a copy to be broken. */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const demandDirectory = fileURLToPath(new URL("../../models/demand/1", import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: tests reach into any part of a document to break it
type Document = any;

/** A copy of the demand bundle in a folder of its own, named as in a store. */
export class DemandCopy {
  /** The temporary folder that stands for a model store. */
  readonly store = mkdtempSync(join(tmpdir(), "plumb-demand-"));
  readonly directory: string;

  /** @param name - The model's folder. */
  constructor(name = "demand") {
    this.directory = join(this.store, name, "1");
    mkdirSync(join(this.store, name));
    cpSync(demandDirectory, this.directory, { recursive: true });
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  write(file: string, content: string | Uint8Array): void {
    writeFileSync(this.path(file), content);
  }

  /** Changes a JSON file in place. */
  edit(file: string, change: (document: Document) => void): void {
    const document = JSON.parse(this.read(file));
    change(document);
    this.write(file, JSON.stringify(document));
  }

  /** Changes the lines of golden.jsonl: each as parsed, or dropped where undefined is returned. */
  editGolden(change: (golden: Document, index: number) => Document | undefined): void {
    const lines = this.read("golden.jsonl").trimEnd().split("\n");
    const changed = lines
      .map((line, index) => change(JSON.parse(line), index))
      .filter((golden) => golden !== undefined);
    this.write("golden.jsonl", `${changed.map((golden) => JSON.stringify(golden)).join("\n")}\n`);
  }

  /** Puts the manifest's hashes and sizes right, as somebody would who wants a change to pass. */
  rehash(): void {
    this.edit("manifest.json", (manifest) => {
      for (const file of Object.keys(manifest.files)) {
        const bytes = readFileSync(this.path(file));
        manifest.files[file] = { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
      }
    });
  }

  remove(): void {
    rmSync(this.store, { recursive: true, force: true });
  }
}

/** The names of the files that the manifest vouches for. */
export function demandFiles(): string[] {
  return Object.keys(JSON.parse(readFileSync(join(demandDirectory, "manifest.json"), "utf8")).files);
}

/** Golden rows as they stand in the file. */
export function demandGolden(): Document[] {
  const lines = readFileSync(join(demandDirectory, "golden.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}
