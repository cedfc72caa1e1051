/**
 * baseline.json: how features and predictions were distributed when the model was trained, so that live traffic can be
 * compared with it.
 *
 * Numbers are counted in bins: `edges` are strictly increasing, and `counts` has one more member, where bin i holds the
 * values v with `edges[i-1] <= v < edges[i]`. Categories are counted by value. Of lists, their lengths are counted, and
 * their items as if each stood alone. Personal data has nothing but the count of missing values.
 */

import * as z from "zod";
import type { Postprocessor } from "../preprocessing/index.js";
import { type Parsed, parseDocument } from "./document.js";
import type { Feature } from "./feature.js";
import { quote, sentence } from "./problem.js";

export const baselineFile = "baseline.json";

const count = z.int().min(0);
const missing = count.describe("Rows in which the value was missing.");

const numericSchema = z.strictObject({
  kind: z.literal("numeric"),
  missing,
  edges: z.array(z.number()),
  counts: z.array(count).min(1),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  std: z.number().nullable(),
});
const categoricalSchema = z.strictObject({
  kind: z.literal("categorical"),
  missing,
  categories: z.array(z.union([z.string(), z.number(), z.boolean()])),
  counts: z.array(count),
  other: count.describe("Rows with a category that is not listed."),
});
const hiddenSchema = z.strictObject({ kind: z.literal("hidden"), missing }).describe("Personal data.");

const listSchema = z.strictObject({
  kind: z.literal("list"),
  missing,
  lengths: numericSchema.omit({ missing: true }).describe("How many items the lists have."),
  items: z
    .discriminatedUnion("kind", [numericSchema.omit({ missing: true }), categoricalSchema.omit({ missing: true })], {
      error: 'a distribution of kind "numeric" or "categorical"',
    })
    .describe("The items of all lists."),
});

const distributionSchema = z.discriminatedUnion("kind", [numericSchema, categoricalSchema, listSchema, hiddenSchema], {
  error: 'a distribution of kind "numeric", "categorical", "list" or "hidden"',
});
const predictionSchema = z.discriminatedUnion("kind", [numericSchema, categoricalSchema, hiddenSchema], {
  error: 'a distribution of kind "numeric", "categorical" or "hidden"',
});
export type Distribution = z.infer<typeof distributionSchema>;
type Counts =
  | Pick<z.infer<typeof numericSchema>, "kind" | "edges" | "counts">
  | Pick<z.infer<typeof categoricalSchema>, "kind" | "categories" | "counts">;

export const baselineSchema = z
  .strictObject({
    format: z.literal("plumb-baseline/1"),
    rows: z.int().min(1).describe("Training rows that were counted."),
    features: z.record(z.string(), distributionSchema, { error: "an object of distributions by feature" }),
    prediction: z
      .union([predictionSchema, z.array(predictionSchema)], { error: "a distribution, or a list of them" })
      .describe("Of a prediction that is a list of numbers, a list: one for each, in order."),
  })
  .describe("baseline.json of a Plumb bundle.");

export type Baseline = z.infer<typeof baselineSchema>;

/** Reads baseline.json, parsed. */
export function parseBaseline(document: unknown): Parsed<Baseline> {
  const parsed = parseDocument({ file: baselineFile }, baselineSchema, document);
  if ("problems" in parsed) return parsed;
  const { features, prediction } = parsed.value;
  const problems = Array.isArray(prediction)
    ? prediction.flatMap((each, index) => distributionProblems(`prediction[${index}]`, each))
    : distributionProblems("prediction", prediction);
  for (const [name, distribution] of Object.entries(features))
    problems.push(...distributionProblems(`features[${quote(name)}]`, distribution));
  return problems.length > 0 ? { problems } : parsed;
}

/** Each distribution belongs to a feature, and one of personal data shows nothing of it. */
export function baselineFeatureProblems(baseline: Baseline, features: readonly Feature[]): string[] {
  return Object.entries(baseline.features).flatMap(([name, distribution]) => {
    const feature = features.find((known) => known.name === name);
    const place = { file: baselineFile, where: `features[${quote(name)}]` };
    if (feature === undefined)
      return [sentence({ ...place, expected: "a feature of schema.json", got: "another name" })];
    if (distribution.kind === "hidden") return [];
    const got = quote(distribution.kind);
    if (feature.pii) return [sentence({ ...place, expected: 'kind "hidden", since it is personal data', got })];
    if ((feature.type === "array") === (distribution.kind === "list")) return [];
    const expected =
      feature.type === "array" ? 'kind "list", since it is an array' : 'a kind other than "list", since it is no array';
    return [sentence({ ...place, expected, got })];
  });
}

/** A distribution for each number of a prediction. */
export function baselinePredictionProblems({ prediction }: Baseline, { names }: Postprocessor): string[] {
  const got = Array.isArray(prediction) ? prediction.length : undefined;
  if (got === names?.length) return [];
  const expected =
    names === undefined ? "one distribution" : `a list of ${names.length}, one for each number of a prediction`;
  return [
    sentence({
      file: baselineFile,
      where: "prediction",
      expected,
      got: got === undefined ? "one" : `a list of ${got}`,
    }),
  ];
}

function distributionProblems(where: string, distribution: Distribution): string[] {
  if (distribution.kind === "hidden") return [];
  if (distribution.kind === "list") {
    const { lengths, items } = distribution;
    return [...countsProblems(`${where}.lengths`, lengths), ...countsProblems(`${where}.items`, items)];
  }
  return countsProblems(where, distribution);
}

function countsProblems(where: string, distribution: Counts): string[] {
  const { counts } = distribution;
  const [expected, why] =
    distribution.kind === "numeric"
      ? [distribution.edges.length + 1, "one more than edges"]
      : [distribution.categories.length, "one per category"];
  const problems: string[] = [];
  if (counts.length !== expected) {
    problems.push(
      sentence({
        file: baselineFile,
        where: `${where}.counts`,
        expected: `${expected} counts, ${why}`,
        got: `${counts.length}`,
      }),
    );
  }
  if (
    distribution.kind === "numeric" &&
    distribution.edges.some((edge, index, edges) => index > 0 && edge <= edges[index - 1]!)
  ) {
    problems.push(
      sentence({
        file: baselineFile,
        where: `${where}.edges`,
        expected: "edges that increase",
        got: "one that does not",
      }),
    );
  }
  return problems;
}
