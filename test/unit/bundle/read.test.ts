/** Goal: a bundle is read whole or not at all, and whatever is wrong with it is said, all of it. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BundleError, readBundle } from "../../../bundle/index.js";
import { type TinyBundle, type WrittenBundle, writeTinyBundle } from "../../support/tiny-bundle.js";
import { problemsOf } from "./problems-of.js";

test("reads a sound bundle", async () => {
  const written = await writeTinyBundle();
  const bundle = await readBundle(written.directory);
  const manifest = await readFile(join(written.directory, "manifest.json"));
  await written.remove();
  expect(bundle).toMatchObject({ directory: written.directory, name: "tiny", version: 1 });
  expect(bundle.digest).toBe(createHash("sha256").update(manifest).digest("hex"));
  expect(bundle.models).toMatchObject([
    { id: "main", inputs: [{ name: "X", shape: ["rows", 3] }], outputs: [{ name: "Y" }] },
  ]);
  expect(bundle.models[0]!.bytes).toEqual(new Uint8Array(2048).fill(7));
  expect(bundle.rowSchema.features).toMatchObject([
    { name: "price", type: "number", nullable: true, required: true, pii: false, minimum: 0 },
    { name: "promo", type: "integer", nullable: false, required: true, pii: false },
  ]);
  expect(bundle.golden).toHaveLength(260);
  expect(bundle.golden[0]).toMatchObject({
    kind: "sample",
    line: 1,
    row: { price: null, promo: 0 },
    rowJson: '{"price":null,"promo":0}',
  });
  expect(bundle.evaluation.metrics.holdout).toEqual({ rmse: 10.5, mape: null });
  expect(bundle.baseline.rows).toBe(260);
});

test("a model's bytes stand in a buffer of their own, so that they can be handed to a worker", async () => {
  const written = await writeTinyBundle();
  const bundle = await readBundle(written.directory);
  await written.remove();
  const { bytes } = bundle.models[0]!;
  expect(bytes.buffer.byteLength).toBe(bytes.length);
});

test("a signature may stand beside the listed files", async () => {
  expect(await problemsOf((bundle) => (bundle.tamper["signature.json"] = "{}"))).toEqual([]);
});

const changed = "the file is not the one that was exported: copy or export the bundle again";
const plain = "a bundle holds plain files only: put the file itself there, or remove it";
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

const tampered: [string, (bundle: TinyBundle) => void, string[]][] = [
  [
    "one changed byte",
    (b) => (b.tamper["model.onnx"] = new Uint8Array(2048).fill(7).fill(8, 2047)),
    [
      `model.onnx: expected sha256 ${sha256(new Uint8Array(2048).fill(7))}, as manifest.json says, got ${sha256(new Uint8Array(2048).fill(7).fill(8, 2047))}; ${changed}`,
    ],
  ],
  [
    "a file cut short",
    (b) => (b.tamper["card.md"] = "# T"),
    [`card.md: expected 7 bytes, as manifest.json says, got 3; ${changed}`],
  ],
  [
    "an emptied file",
    (b) => (b.tamper["golden.jsonl"] = ""),
    [expect.stringMatching(/^golden.jsonl: expected \d+ bytes, as manifest.json says, got 0; /)],
  ],
  [
    "a missing file",
    (b) => (b.tamper["schema.json"] = null),
    ["schema.json: expected this file, which manifest.json lists, got none; copy the bundle again"],
  ],
  [
    "an unlisted file",
    (b) => (b.tamper["notes.txt"] = "x"),
    ["notes.txt: expected only files that manifest.json lists, got this file; remove it"],
  ],
  [
    "a hidden file",
    (b) => (b.tamper[".env"] = "x"),
    [".env: expected only files that manifest.json lists, got this file; remove it"],
  ],
  [
    "a file with a strange name",
    (b) => (b.tamper["a b\n"] = "x"),
    ['"a b\\n": expected only files that manifest.json lists, got this file; remove it'],
  ],
  [
    "a name that differs in case only",
    (b) => (b.tamper["Model.onnx"] = "x"),
    [
      'model.onnx: expected no other file whose name differs in case only, got "Model.onnx"; some file systems hold only one of them',
      "Model.onnx: expected only files that manifest.json lists, got this file; remove it",
    ],
  ],
  [
    "no manifest",
    (b) => (b.tamper["manifest.json"] = null),
    ["manifest.json: expected this file, got none; a bundle is a folder <name>/<version> with this file in it"],
  ],
];

test.each(tampered)("refuses a folder with %s", async (_, change, expected) => {
  expect(await problemsOf(change)).toEqual(expected);
});

const entries: [string, (written: WrittenBundle) => unknown, string[]][] = [
  [
    "a link in place of a file, though it leads to the same bytes",
    async ({ directory, store }) => {
      await rename(join(directory, "model.onnx"), join(store, "model.onnx"));
      await symlink(join(store, "model.onnx"), join(directory, "model.onnx"));
    },
    [
      `model.onnx: expected a plain file, got a symbolic link; ${plain}`,
      "model.onnx: expected this file, which manifest.json lists, got none; copy the bundle again",
    ],
  ],
  [
    "a link that leads nowhere",
    ({ directory }) => symlink("nowhere", join(directory, "x")),
    [`x: expected a plain file, got a symbolic link; ${plain}`],
  ],
  ["a folder", ({ directory }) => mkdir(join(directory, "x")), [`x: expected a plain file, got a folder; ${plain}`]],
  [
    "a pipe",
    ({ directory }) => execFileSync("mkfifo", [join(directory, "x")]),
    [`x: expected a plain file, got a device, pipe or socket; ${plain}`],
  ],
];

test.each(entries)("refuses %s", async (_, after, expected) => {
  expect(await problemsOf(() => {}, { after })).toEqual(expected);
});

test("refuses a folder that is a link, that is no folder, or that is not there", async () => {
  const written = await writeTinyBundle();
  const link = join(written.store, "link");
  await symlink(written.directory, link);
  const file = join(written.directory, "card.md");
  await expect(readBundle(link)).rejects.toMatchObject({
    problems: [`${link}: expected a folder, got a symbolic link`],
  });
  await expect(readBundle(file)).rejects.toMatchObject({ problems: [`${file}: expected a folder, got a plain file`] });
  await written.remove();
  await expect(readBundle(link)).rejects.toMatchObject({
    problems: [`${link}: expected a folder that can be read, got none`],
  });
});

test("a folder named as in a store holds the version that its name says", async () => {
  const words = (folder: string) =>
    `manifest.json: expected name and version as the folder has them, "${folder}", got "tiny/1"; in a model store the folder says which version it holds: move it there`;
  expect(await problemsOf(() => {}, { folder: "tiny/2" })).toEqual([words("tiny/2")]);
  expect(await problemsOf(() => {}, { folder: "other/1" })).toEqual([words("other/1")]);
  expect(await problemsOf(() => {}, { folder: ".tiny-1.tmp" })).toEqual([]);
});

test("says everything that is wrong, not only the first", async () => {
  const written = await writeTinyBundle((bundle) => {
    bundle.files["schema.json"].required.push("cost");
    bundle.files["baseline.json"].rows = 0;
    bundle.tamper["notes.txt"] = "x";
    bundle.tamper["card.md"] = "";
  });
  const error: unknown = await readBundle(written.directory).catch((reason: unknown) => reason);
  await written.remove();
  expect(error).toBeInstanceOf(BundleError);
  const { problems, message, directory } = error as BundleError;
  expect(directory).toBe(written.directory);
  expect(problems.map((problem) => problem.split(/[,:]/)[0])).toEqual([
    "notes.txt",
    "card.md",
    "schema.json",
    "baseline.json",
  ]);
  expect(message).toBe(`bundle ${directory}: 4 problems\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
});

const sources: [string, string, string | Uint8Array, string][] = [
  [
    "a key twice",
    "schema.json",
    '{\n"type":"object",\n"type":"object"}',
    'line 3: expected each key once, got the key "type" twice in one object',
  ],
  [
    "a key twice in two spellings",
    "schema.json",
    '{"a":1,"\\u0061":1}',
    'line 1: expected each key once, got the key "a" twice in one object',
  ],
  ["the key __proto__", "evaluation.json", '{"__proto__":{}}', 'line 1: expected no key of this name, got "__proto__"'],
  [
    "a bottomless document",
    "baseline.json",
    "[".repeat(100_000),
    "line 1: expected nesting of at most 64 levels, got a deeper one",
  ],
];
test.each(sources)("refuses JSON with %s", async (_, file, text, expected) => {
  expect(await problemsOf((bundle) => (bundle.files[file] = text))).toContain(`${file}, ${expected}`);
});

test("refuses what is no JSON at all", async () => {
  const problems = await problemsOf((bundle) => {
    bundle.files["schema.json"] = new Uint8Array([0x22, 0xff, 0x22]);
    bundle.files["preprocessing.json"] = "\ufeff{}";
    bundle.files["postprocessing.json"] = "";
    bundle.files["baseline.json"] = "{}}";
  });
  expect(problems.slice(0, 4)).toEqual([
    "schema.json: expected UTF-8 text, got bytes that are not UTF-8",
    "preprocessing.json: expected UTF-8 text without a byte order mark, got one with it",
    "postprocessing.json: expected JSON, got nothing",
    expect.stringMatching(/^baseline.json: expected JSON, got text that does not parse \(.+\)$/),
  ]);
});

test("refuses graphs that do not hold together, with the place in the file", async () => {
  const problems = await problemsOf(({ files }) => {
    files["preprocessing.json"].nodes[1].params.mean = [1, 2];
    files["postprocessing.json"].outputs[0].from = ["p9"];
  });
  expect(problems).toHaveLength(2);
  expect(problems[0]).toMatch(/^preprocessing.json, nodes\[1\].params.mean: expected .+, got /);
  expect(problems[1]).toBe(
    'postprocessing.json, outputs[0].from[0]: expected the name of an input or the id of an earlier node, got "p9"',
  );
});

test("refuses an evaluation and a baseline that are not as the format says", async () => {
  const problems = await problemsOf(({ files }) => {
    files["evaluation.json"].metrics.holdout.rmse = "low";
    files["evaluation.json"].average = "micro";
    files["baseline.json"].features.price.counts = [1];
    files["baseline.json"].prediction.edges = [2, 1];
  });
  expect(problems).toEqual([
    "baseline.json, prediction.counts: expected 3 counts, one more than edges, got 2",
    "baseline.json, prediction.edges: expected edges that increase, got one that does not",
    'baseline.json, features["price"].counts: expected 3 counts, one more than edges, got 1',
    'evaluation.json, average: expected "macro" or "outputs", got the string "micro"',
    'evaluation.json, metrics.holdout.rmse: expected a number, got the string "low"',
  ]);
});
