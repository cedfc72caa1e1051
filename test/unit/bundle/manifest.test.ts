/**
 * Goal: every rule of manifest.json is held, and breaking it is said with the place, what was expected and what is
 * there.
 */
import { expect, test } from "vitest";
import type { Document } from "../../support/tiny-bundle.js";
import { problemsOf } from "./problems-of.js";

const hash = "0".repeat(64);
const name = "a name of 1 to 64 lower-case letters, digits, '.', '_' and '-', the first a letter or digit";
const fileName = "a file name of letters, digits, '.', '_' and '-', the first a letter or digit";

const cases: [string, (manifest: Document) => void, string | string[]][] = [
  [
    "another format",
    (m) => (m.format = "plumb-bundle/2"),
    'format: expected "plumb-bundle/1", got the string "plumb-bundle/2"',
  ],
  ["a name in capitals", (m) => (m.name = "Tiny"), `name: expected ${name}, got the string "Tiny"`],
  ["a name that climbs", (m) => (m.name = "../tiny"), `name: expected ${name}, got the string "../tiny"`],
  ["a long name", (m) => (m.name = "a".repeat(65)), `name: expected ${name}, got the string "${"a".repeat(60)}…"`],
  ["version zero", (m) => (m.version = 0), "version: expected a positive integer, got the number 0"],
  ["a version as text", (m) => (m.version = "01"), 'version: expected a positive integer, got the string "01"'],
  ["a fractional version", (m) => (m.version = 1.5), "version: expected a positive integer, got the number 1.5"],
  [
    "a date without time",
    (m) => (m.created = "2026-11-22"),
    'created: expected a time such as 2026-11-22T08:00:00Z, got the string "2026-11-22"',
  ],
  [
    "another task",
    (m) => (m.task = "ranking"),
    'task: expected "regression" or "classification", got the string "ranking"',
  ],
  [
    "a field number of zero",
    (m) => (m.proto = { fields: { price: 0, promo: 1 } }),
    "proto.fields.price: expected an integer from 1 up, got the number 0",
  ],
  [
    "a field number that is too large",
    (m) => (m.proto = { fields: { price: 2 ** 29 - 1, promo: 1 } }),
    "proto.fields.price: expected an integer of at most 536870910, got the number 536870911",
  ],
  [
    "a feature without a field number",
    (m) => (m.proto = { fields: { price: 1, gone: 7 } }),
    'proto.fields["promo"]: expected a number for each feature of schema.json, got none',
  ],
  [
    "a field number that stands twice, or is protobuf's own",
    (m) => (m.proto = { fields: { price: 2, promo: 2, gone: 19_500 } }),
    [
      'proto.fields["promo"]: expected each number once, got 2, which is "price"\'s',
      'proto.fields["gone"]: expected no number from 19000 to 19999, which protobuf keeps for itself, got 19500',
    ],
  ],
  ["no models", (m) => (m.models = []), "models: expected at least 1 item, got an array of 0 values"],
  [
    "a dtype that no block has",
    (m) => (m.models[0].inputs[0].dtype = "float16"),
    'models[0].inputs[0].dtype: expected "float32" or "float64", got the string "float16"',
  ],
  [
    "a shape without rows",
    (m) => (m.models[0].inputs[0].shape = [1, 3]),
    'models[0].inputs[0].shape[0]: expected "rows", got the number 1',
  ],
  [
    "a size of zero",
    (m) => (m.models[0].inputs[0].shape = ["rows", 0]),
    "models[0].inputs[0].shape[1]: expected an integer from 1 up, got the number 0",
  ],
  [
    "a model id with a dot",
    (m) => (m.models[0].id = "a.b"),
    'models[0].id: expected an id of letters, digits, _ and - that starts with a letter or _, got the string "a.b"',
  ],
  [
    "a model in a folder",
    (m) => (m.models[0].file = "../model.onnx"),
    'models[0].file: expected the name of an .onnx file in the bundle, got the string "../model.onnx"',
  ],
  [
    "a model that is not listed",
    (m) => (m.models[0].file = "other.onnx"),
    [
      'files: expected an entry for "other.onnx" with its sha256 and bytes, got none; model "main" is read from it',
      'files: expected only files of the bundle format and the models\' files, got "model.onnx"; remove the entry and the file',
    ],
  ],
  [
    "two models of one id",
    (m) => m.models.push(m.models[0]),
    'models[1].id: expected each model id once, got "main" again',
  ],
  [
    "a tensor twice",
    (m) => m.models[0].outputs.push(m.models[0].outputs[0]),
    'models[0].outputs: expected each tensor once, got "Y" again',
  ],
  ["another tier", (m) => (m.parity.tier = "D"), 'parity.tier: expected "A", "B" or "C", got the string "D"'],
  [
    "a tolerance near zero that is no number",
    (m) => (m.parity.tolerance.margin_abs = "1e-9"),
    'parity.tolerance.margin_abs: expected a number from 0 up, got the string "1e-9"',
  ],
  [
    "a negative tolerance",
    (m) => (m.parity.tolerance.margin_ulp = -1),
    "parity.tolerance.margin_ulp: expected an integer from 0 up, got the number -1",
  ],
  [
    "more flips than rows",
    (m) => (m.parity.flips = { rows: 3, differing: 4, largest: 0.5, allowed: 1 }),
    "parity.flips.differing: expected at most 3, the rows, got 4",
  ],
  [
    "more flips than are allowed",
    (m) => (m.parity.flips = { rows: 1000, differing: 2, largest: null, allowed: 0.001 }),
    "parity.flips.differing: expected a share of the 1000 rows of at most 0.001, which is allowed, got 2; export the bundle again",
  ],
  [
    "flips of a negative size",
    (m) => (m.parity.flips = { rows: 3, differing: 1, largest: -1, allowed: 1 }),
    "parity.flips.largest: expected a number of at least 0, got the number -1",
  ],
  ["no time to answer in", (m) => (m.slo.p95_ms = 0), "slo.p95_ms: expected a number above 0, got the number 0"],
  ["no limits", (m) => delete m.limits, "limits: expected an object, got nothing"],
  [
    "a fractional limit",
    (m) => (m.limits.rows_max = 0.5),
    "limits.rows_max: expected an integer from 1 up, got the number 0.5",
  ],
  [
    "a limit without end",
    (m) => (m.limits.body_bytes_max = 1e12),
    "limits.body_bytes_max: expected an integer of at most 1073741824, got the number 1000000000000",
  ],
  [
    "an unknown fallback",
    (m) => (m.fallback = { kind: "pray" }),
    'fallback.kind: expected a fallback of kind "none", "constant", "rule" or "last_good_version", got the string "pray"',
  ],
  [
    "a library without a version",
    (m) => (m.lineage.libraries = { xgboost: 3 }),
    "lineage.libraries.xgboost: expected a string, got the number 3",
  ],
  [
    "a hash in capitals",
    (m) => (m.lineage.data_sha256 = "A".repeat(64)),
    `lineage.data_sha256: expected a SHA-256 of 64 lower-case hexadecimal digits, got the string "${"A".repeat(60)}…"`,
  ],
  [
    "file names that lead out of the folder, or that systems read in their own way",
    (m) => (m.files = { "../a": {}, "/a": {}, "a\\b": {}, "a\0": {}, ".a": {}, "..": {} }),
    ['"../a"', '"/a"', '"a\\\\b"', '"a\\u0000"', '".a"', '".."'].map(
      (quoted) => `files[${quoted}]: expected ${fileName}, got this name`,
    ),
  ],
  [
    "names that differ in case only",
    (m) => {
      const entry = { sha256: hash, bytes: 1 };
      m.models.push({ ...m.models[0], id: "second", file: "Model.onnx" });
      m.files = { ...required(entry), "model.onnx": entry, "Model.onnx": entry };
    },
    'files: expected names that differ in more than case, got "model.onnx" and "Model.onnx"; some file systems hold only one of them: rename one',
  ],
  [
    "files that the format doesn't have",
    (m) => {
      const entry = { sha256: hash, bytes: 1 };
      m.files = { ...required(entry), "model.onnx": entry, "weights.onnx": entry, "signature.json": entry };
      delete m.files["card.md"];
    },
    [
      'files: expected an entry for "card.md" with its sha256 and bytes, got none',
      'files: expected only files of the bundle format and the models\' files, got "weights.onnx"; remove the entry and the file',
      'files: expected only files of the bundle format and the models\' files, got "signature.json"; that file cannot stand in the list',
    ],
  ],
];

function required(entry: object): Record<string, object> {
  const names = [
    "schema.json",
    "preprocessing.json",
    "postprocessing.json",
    "golden.jsonl",
    "baseline.json",
    "evaluation.json",
    "card.md",
  ];
  return Object.fromEntries(names.map((each) => [each, entry]));
}

test.each(cases)("refuses %s", async (_, change, expected) => {
  const problems = await problemsOf((bundle) => change(bundle.manifest));
  expect(problems).toEqual([expected].flat().map((problem) => `manifest.json, ${problem}`));
});

test("refuses members that the format doesn't name, at any depth", async () => {
  const problems = await problemsOf(({ manifest }) => {
    manifest.owner = "us";
    manifest.parity.note = "fine";
  });
  const words = (key: string) =>
    `expected only the members that the format names, got "${key}"; remove it, or use a version of Plumb that knows it`;
  expect(problems).toEqual([`manifest.json, parity: ${words("note")}`, `manifest.json: ${words("owner")}`]);
});

test("refuses a manifest that is no object", async () => {
  const problems = await problemsOf((bundle) => (bundle.tamper["manifest.json"] = "null"));
  expect(problems).toEqual(["manifest.json: expected an object, got null"]);
});
