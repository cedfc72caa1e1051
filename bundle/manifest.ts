/**
 * manifest.json: what a bundle is, what it takes and gives, how true it is, and the hash of every other file.
 *
 * Strict throughout: an unknown member is refused, because a member that is not read is a promise that is not kept.
 */

import * as z from "zod";
import { postprocessingGraphSchema, preprocessingGraphSchema } from "../preprocessing/index.js";
import { type Parsed, parseDocument } from "./document.js";
import { quote, sentence } from "./problem.js";

export const manifestFile = "manifest.json";

/** Names of models: lower case, so that they are the same on every file system and in every URL. */
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** Versions as folder names: positive integers without leading zeros. */
export const versionPattern = /^[1-9][0-9]{0,14}$/;
/** File names inside a bundle: no folder, no leading dot, no character that some system reads otherwise. */
const fileNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const count = z.int({ error: "an integer from 0 up" }).min(0);
const difference = z.number({ error: "a number from 0 up" }).min(0);
const positiveCount = z.int({ error: "an integer from 1 up" }).min(1);
const words = (what: string) => z.string({ error: what }).min(1).max(500);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: "a SHA-256 of 64 lower-case hexadecimal digits" });

const tensorSchema = z.strictObject({
  name: words("the tensor's name in the model").describe("The tensor's name in the ONNX graph."),
  dtype: z.enum(["float32", "float64"]),
  shape: z
    .tuple([z.literal("rows")], positiveCount, { error: 'a shape such as ["rows", 3]' })
    .describe("The rows of a batch, then the sizes of one row."),
});

const modelSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, {
      error: "an id of letters, digits, _ and - that starts with a letter or _",
    })
    .describe("Names the model's outputs after the model, as `id.name`."),
  file: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,122}\.onnx$/, { error: "the name of an .onnx file in the bundle" }),
  inputs: z.array(tensorSchema).min(1).max(64),
  outputs: z.array(tensorSchema).min(1).max(64),
});

const flipsSchema = z
  .strictObject({
    rows: positiveCount.describe("Rows of the data that were compared."),
    differing: count.describe("How many of them are answered otherwise than by the pipeline."),
    largest: z
      .number()
      .min(0)
      .nullable()
      .describe(
        "Largest difference of two predictions, or of a classifier's probabilities; null where it has labels only.",
      ),
    allowed: z.number().min(0).max(1).describe("The share of rows that whoever exported it lets differ."),
  })
  .describe(
    "How often a last bit of the features sends a row to another leaf of a tree than in training's own libraries. Absent where none can.",
  );

const paritySchema = z.strictObject({
  tier: z
    .enum(["A", "B", "C"])
    .describe(
      "A: bit for bit as the training library. B: bit for bit as the portable math. C: within a measured bound.",
    ),
  reference: words("the libraries and versions that the bundle was compared with"),
  rows: count.describe("How many rows were compared when the bundle was made."),
  features_ulp_max: count.describe("Worst difference found in the features, in units in the last place."),
  margin_ulp_max: count.describe(
    "Worst difference found in the models' raw outputs, those near zero aside where `margin_abs` is for them.",
  ),
  tolerance: z
    .strictObject({
      features_ulp: count,
      margin_ulp: count,
      prediction_ulp: count,
      margin_abs: difference
        .describe("A difference of a raw output up to here is accepted, however many units it is.")
        .optional(),
      prediction_abs: difference.describe("The same of predictions and probabilities.").optional(),
    })
    .describe("The differences from the golden rows that a proof still accepts."),
  flips: flipsSchema.optional(),
});

const fallbackSchema = z
  .discriminatedUnion(
    "kind",
    [
      z.strictObject({ kind: z.literal("none") }).describe("Calls that the model can't answer get their error."),
      z
        .strictObject({
          kind: z.literal("constant"),
          prediction: z
            .union([z.number(), z.string(), z.boolean(), z.array(z.number())], {
              error: "a number, a label or a list of numbers",
            })
            .describe(
              "A number, one of the labels, or a list of a number for each name of postprocessing.json's prediction.",
            ),
          probabilities: z
            .record(z.string(), z.number().min(0).max(1))
            .describe("By label, as text. There exactly when postprocessing.json gives probabilities.")
            .optional(),
        })
        .describe("The same answer for every row."),
      z
        .strictObject({
          kind: z.literal("rule"),
          preprocessing: preprocessingGraphSchema,
          postprocessing: postprocessingGraphSchema,
        })
        .describe("Two graphs without a model between: the second takes the tensors that the first gives."),
      z
        .strictObject({ kind: z.literal("last_good_version") })
        .describe(
          "The answer of the newest older version that serves, where it takes the rows and answers in the same form.",
        ),
    ],
    { error: 'a fallback of kind "none", "constant", "rule" or "last_good_version"' },
  )
  .describe("What is answered where the model can't: too late, failed, or with a number that isn't finite.");

const lineageSchema = z.strictObject({
  data_sha256: sha256.nullable().describe("Of the training data; null where it is not known."),
  code_commit: words("a commit, or null where it is not known").nullable(),
  trainer: words("the program that wrote the bundle, and its version"),
  libraries: z.record(z.string(), z.string(), { error: "an object of library versions by name" }),
  seed: count.nullable(),
});

const protoSchema = z
  .strictObject({
    fields: z
      .record(z.string(), positiveCount.max(536_870_910, "an integer of at most 536870910"), {
        error: "an object of field numbers by feature",
      })
      .describe("By feature. A name that is no feature any more keeps its number reserved."),
  })
  .describe("Field numbers of the model's typed proto. Absent: the order of schema.json, from 1.");

export const manifestSchema = z
  .strictObject({
    format: z.literal("plumb-bundle/1"),
    name: z.string().regex(namePattern, {
      error: "a name of 1 to 64 lower-case letters, digits, '.', '_' and '-', the first a letter or digit",
    }),
    version: z.int({ error: "a positive integer" }).min(1).max(999_999_999_999_999, "an integer of at most 15 digits"),
    created: z.iso.datetime({ offset: true, error: "a time such as 2026-11-22T08:00:00Z" }),
    task: z.enum(["regression", "classification"]),
    models: z.array(modelSchema).min(1).max(64),
    parity: paritySchema,
    slo: z
      .strictObject({
        p95_ms: z.number().gt(0).max(3_600_000).describe("95 of 100 answers come within this time, in milliseconds."),
        rps: z.number().gt(0).max(10_000_000).describe("Requests a second that the service is meant for."),
      })
      .describe("What the service is held to."),
    limits: z.strictObject({
      rows_max: positiveCount.max(1_000_000, "an integer of at most 1000000").describe("Rows in one request."),
      body_bytes_max: positiveCount
        .max(1_073_741_824, "an integer of at most 1073741824")
        .describe("Bytes in the body of one request."),
    }),
    fallback: fallbackSchema,
    proto: protoSchema.optional(),
    lineage: lineageSchema,
    files: z
      .record(
        z.string().regex(fileNamePattern, {
          error: "a file name of letters, digits, '.', '_' and '-', the first a letter or digit",
        }),
        z.strictObject({ sha256, bytes: count }),
        {
          error: "an object of hashes and sizes by file name",
        },
      )
      .describe("Every file of the bundle but manifest.json and signature.json."),
  })
  .describe("manifest.json of a Plumb bundle.");

export type Manifest = z.infer<typeof manifestSchema>;
/** A tensor that a model takes or gives: its name, `float32` or `float64`, and its shape with the rows first. */
export type TensorSpec = Manifest["models"][number]["inputs"][number];

/** Files that every bundle has, beside its models; manifest.json is not among them because it cannot hash itself. */
export const requiredFiles = [
  "schema.json",
  "preprocessing.json",
  "postprocessing.json",
  "golden.jsonl",
  "baseline.json",
  "evaluation.json",
  "card.md",
] as const;
export const signatureFile = "signature.json";

/** Reads manifest.json, parsed. */
export function parseManifest(document: unknown): Parsed<Manifest> {
  const parsed = parseDocument({ file: manifestFile }, manifestSchema, document);
  if ("problems" in parsed) return parsed;
  const problems = [...flipProblems(parsed.value), ...modelProblems(parsed.value), ...fileListProblems(parsed.value)];
  return problems.length > 0 ? { problems } : parsed;
}

function flipProblems({ parity: { flips } }: Manifest): string[] {
  if (flips === undefined) return [];
  const { rows, differing, allowed } = flips;
  const where = "parity.flips.differing";
  if (differing > rows)
    return [sentence({ file: manifestFile, where, expected: `at most ${rows}, the rows`, got: String(differing) })];
  if (differing / rows <= allowed) return [];
  const expected = `a share of the ${rows} rows of at most ${allowed}, which is allowed`;
  return [sentence({ file: manifestFile, where, expected, got: String(differing), advice: "export the bundle again" })];
}

function modelProblems(manifest: Manifest): string[] {
  const problems: string[] = [];
  const ids = new Set<string>();
  for (const [index, model] of manifest.models.entries()) {
    const where = `models[${index}]`;
    if (ids.has(model.id)) {
      problems.push(
        sentence({
          file: manifestFile,
          where: `${where}.id`,
          expected: "each model id once",
          got: `${quote(model.id)} again`,
        }),
      );
    }
    ids.add(model.id);
    for (const side of ["inputs", "outputs"] as const) {
      const names = model[side].map((tensor) => tensor.name);
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) {
        problems.push(
          sentence({
            file: manifestFile,
            where: `${where}.${side}`,
            expected: "each tensor once",
            got: `${quote(twice)} again`,
          }),
        );
      }
    }
    if (!Object.hasOwn(manifest.files, model.file)) {
      const expected = `an entry for ${quote(model.file)} with its sha256 and bytes`;
      problems.push(
        sentence({
          file: manifestFile,
          where: "files",
          expected,
          got: "none",
          advice: `model ${quote(model.id)} is read from it`,
        }),
      );
    }
  }
  return problems;
}

function fileListProblems(manifest: Manifest): string[] {
  const problems: string[] = [];
  const known = new Set<string>([...requiredFiles, ...manifest.models.map((model) => model.file)]);
  for (const name of requiredFiles) {
    if (Object.hasOwn(manifest.files, name)) continue;
    problems.push(
      sentence({
        file: manifestFile,
        where: "files",
        expected: `an entry for ${quote(name)} with its sha256 and bytes`,
        got: "none",
      }),
    );
  }
  const lowerCase = new Map<string, string>();
  for (const name of Object.keys(manifest.files)) {
    const twin = lowerCase.get(name.toLowerCase());
    if (twin !== undefined) {
      const advice = "some file systems hold only one of them: rename one";
      const got = `${quote(twin)} and ${quote(name)}`;
      problems.push(
        sentence({ file: manifestFile, where: "files", expected: "names that differ in more than case", got, advice }),
      );
    }
    lowerCase.set(name.toLowerCase(), name);
    if (known.has(name)) continue;
    const expected = "only files of the bundle format and the models' files";
    const advice =
      name === manifestFile || name === signatureFile
        ? "that file cannot stand in the list"
        : "remove the entry and the file";
    problems.push(sentence({ file: manifestFile, where: "files", expected, got: quote(name), advice }));
  }
  return problems;
}
