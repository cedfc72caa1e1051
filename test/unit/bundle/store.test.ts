/** Goal: a store's bundles are found by the names of folders, and a folder that is none is said. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listBundles } from "../../../bundle/index.js";

let store: string;
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), "plumb-store-"));
});
afterEach(() => rm(store, { recursive: true, force: true }));

const make = async (...folders: string[]) => {
  for (const folder of folders) await mkdir(join(store, folder), { recursive: true });
};

test("finds models by name and versions by number", async () => {
  await make("demand/10", "demand/9", "churn-v2/1", "demand/.tmp-11", ".cache/1");
  await writeFile(join(store, "README.md"), "");
  await writeFile(join(store, "demand/notes.txt"), "");
  expect(await listBundles(store)).toEqual([
    { name: "churn-v2", version: 1, directory: join(store, "churn-v2/1") },
    { name: "demand", version: 9, directory: join(store, "demand/9") },
    { name: "demand", version: 10, directory: join(store, "demand/10") },
  ]);
});

test("an empty store has no bundles", async () => {
  await make("demand");
  expect(await listBundles(store)).toEqual([]);
});

test.each(["01", "0", "1.5", "-1", "v1", "latest", "1e3", "9".repeat(16)])("refuses %s as a version", async (version) => {
  await make("demand/1", `demand/${version}`);
  await expect(listBundles(store)).rejects.toMatchObject({
    problems: [
      `${store}, folder "demand/${version}": expected a version: a positive integer without leading zeros, got this name; rename or remove it`,
    ],
  });
});

test.each(["Demand", "my model", "_x", "a".repeat(65)])("refuses %s as a name", async (name) => {
  await make(`${name}/1`);
  const quoted = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  await expect(listBundles(store)).rejects.toMatchObject({
    problems: [
      `${store}, folder "${quoted}": expected a model's name of lower-case letters, digits, '.', '_' and '-', got this name; rename or remove it`,
    ],
  });
});

test("a store that isn't there is said", async () => {
  const missing = join(store, "none");
  await expect(listBundles(missing)).rejects.toMatchObject({ problems: [`${missing}: expected a folder that can be read, got none`] });
});
