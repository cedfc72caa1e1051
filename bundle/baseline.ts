/**
 * baseline.json: how features and predictions were distributed when the model was trained, so that live traffic can be
 * compared with it.
 *
 * Numbers are counted in bins: `edges` are strictly increasing, and `counts` has one more member, where bin i holds the
 * values v with `edges[i-1] <= v < edges[i]`. Categories are counted by value. Personal data has neither, only the count
 * of missing values.
 */
import * as z from "zod";

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

const distributionSchema = z.discriminatedUnion("kind", [numericSchema, categoricalSchema, hiddenSchema], {
  error: 'a distribution of kind "numeric", "categorical" or "hidden"',
});
export type Distribution = z.infer<typeof distributionSchema>;

export const baselineSchema = z
  .strictObject({
    format: z.literal("plumb-baseline/1"),
    rows: z.int().min(1).describe("Training rows that were counted."),
    features: z.record(z.string(), distributionSchema, { error: "an object of distributions by feature" }),
    prediction: distributionSchema,
  })
  .describe("baseline.json of a Plumb bundle.");

export type Baseline = z.infer<typeof baselineSchema>;
