/**
 * Goal: what takes a file's place after the folder was listed is refused when it is opened, and no size is read without
 * bound.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listFiles, readFile } from "../../../bundle/files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumb-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each([0, 1, 262_144, 262_145, 1_000_000])("reads and hashes %d bytes", async (size) => {
  const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
  await writeFile(join(folder, "model.onnx"), bytes);
  const content = await readFile(folder, "model.onnx");
  expect(content).toEqual({ bytes, sha256: createHash("sha256").update(bytes).digest("hex") });
});

test("does not follow a link", async () => {
  await writeFile(join(folder, "target"), "x");
  await symlink("target", join(folder, "card.md"));
  expect(await readFile(folder, "card.md")).toEqual({
    problem: "card.md: expected a file that can be read, got a symbolic link",
  });
});

test("does not wait at a pipe, nor read a folder", async () => {
  execFileSync("mkfifo", [join(folder, "card.md")]);
  expect(await readFile(folder, "card.md")).toEqual({
    problem: "card.md: expected a plain file, got a device, pipe or socket",
  });
  await mkdir(join(folder, "schema.json"));
  expect(await readFile(folder, "schema.json")).toEqual({
    problem: "schema.json: expected a plain file, got a folder",
  });
  expect(await readFile(folder, "golden.jsonl")).toEqual({
    problem: "golden.jsonl: expected a file that can be read, got none",
  });
});

test.each([
  ["manifest.json", 1_048_576],
  ["schema.json", 8_388_608],
  ["golden.jsonl", 67_108_864],
])("%s has at most %d bytes", async (name, bytesMax) => {
  await writeFile(join(folder, name), "");
  await truncate(join(folder, name), bytesMax + 1);
  expect(await readFile(folder, name)).toEqual({
    problem: `${name}: expected at most ${bytesMax} bytes, got ${bytesMax + 1}`,
  });
});

test("a folder of more files than a bundle can have is not looked through", async () => {
  for (let index = 0; index < 129; index++) await writeFile(join(folder, `file-${index}`), "");
  expect(await listFiles(folder)).toEqual({
    files: [],
    problems: [`${folder}: expected at most 128 files in the folder, got 129; remove what is no part of the bundle`],
  });
});
