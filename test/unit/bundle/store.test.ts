/**
 * Goal: a store's bundles are found by the names of folders, and whatever else is there is named, and costs no bundle
 * its place.
 */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { folderSignature, listBundles } from "../../../bundle/index.js";

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
  expect(await listBundles(store)).toEqual({
    bundles: [
      { name: "churn-v2", version: 1, directory: join(store, "churn-v2/1") },
      { name: "demand", version: 9, directory: join(store, "demand/9") },
      { name: "demand", version: 10, directory: join(store, "demand/10") },
    ],
    strays: [],
    unread: [],
  });
});

test("an empty store has no bundles", async () => {
  await make("demand");
  expect(await listBundles(store)).toEqual({ bundles: [], strays: [], unread: [] });
});

const found = () => [{ name: "demand", version: 1, directory: join(store, "demand/1") }];

test.each(["01", "0", "1.5", "-1", "v1", "2.tmp", "1.bak", "1e3", "9".repeat(16)])(
  "passes over %s as a version",
  async (version) => {
    await make("demand/1", `demand/${version}`);
    expect(await listBundles(store)).toEqual({
      bundles: found(),
      strays: [
        `${store}, folder "demand/${version}": expected a version: a positive integer without leading zeros, got this name; rename or remove it`,
      ],
      unread: [],
    });
  },
);

test.each(["Demand", "my model", "_x", "lost+found", "@eaDir", "__pycache__", "a".repeat(65)])(
  "passes over %s as a name",
  async (name) => {
    await make("demand/1", `${name}/1`);
    const quoted = name.length > 60 ? `${name.slice(0, 60)}…` : name;
    expect(await listBundles(store)).toEqual({
      bundles: found(),
      strays: [
        `${store}, folder "${quoted}": expected a model's name of lower-case letters, digits, '.', '_' and '-', got this name; rename or remove it`,
      ],
      unread: [],
    });
  },
);

test("passes over a link that isn't named as a version, and keeps one that is, for the reader to refuse", async () => {
  await make("demand/1");
  await symlink("1", join(store, "demand/latest"));
  await symlink("1", join(store, "demand/2"));
  const { bundles, strays } = await listBundles(store);
  expect(bundles.map(({ version }) => version)).toEqual([1, 2]);
  expect(strays).toEqual([expect.stringContaining('folder "demand/latest": expected a version')]);
});

test("passes over pipes, whatever they are called", async () => {
  await make("demand/1");
  execFileSync("mkfifo", [join(store, "pipe"), join(store, "demand/2")]);
  expect(await listBundles(store)).toEqual({
    bundles: found(),
    strays: ["demand/2", "pipe"].map(
      (name) => `${store}, "${name}": expected a folder, got a device, pipe or socket; remove it`,
    ),
    unread: [],
  });
});

test("passes over a model's folder that can't be read", async () => {
  await make("demand/1", "closed/1");
  await chmod(join(store, "closed"), 0);
  const listing = await listBundles(store);
  // Root reads whatever it likes.
  if (process.getuid?.() === 0) expect(listing.bundles).toHaveLength(2);
  else
    expect(listing).toMatchObject({
      bundles: found(),
      unread: ["closed"],
      strays: [expect.stringContaining("expected a folder that can be read")],
    });
  await chmod(join(store, "closed"), 0o755);
});

test("a folder's signature changes with its files, and not otherwise", async () => {
  await make("demand/1");
  const folder = join(store, "demand/1");
  const empty = await folderSignature(folder);
  await writeFile(join(folder, "manifest.json"), "{");
  const begun = await folderSignature(folder);
  await writeFile(join(folder, "manifest.json"), "{}");
  expect(new Set([empty, begun, await folderSignature(folder), await folderSignature(join(store, "none"))]).size).toBe(
    4,
  );
  expect(await folderSignature(folder)).toBe(await folderSignature(folder));
});

test("a store that isn't there is said", async () => {
  const missing = join(store, "none");
  await expect(listBundles(missing)).rejects.toMatchObject({
    problems: [`${missing}: expected a folder that can be read, got none`],
  });
});
