/**
 * evaluation.json: how good the model was when it was made, and what it was compared with.
 *
 * Nothing is served from it. It is read all the same, since a gate or a person decides by it whether to promote a
 * version.
 */

import * as z from "zod";
import { type Parsed, parseDocument } from "./document.js";

export const evaluationFile = "evaluation.json";

/** A metric's value; null where it is not defined, as MAPE over true values of zero. */
const metrics = z.record(z.string(), z.number().nullable(), { error: "an object of numbers by metric" });
const bySplit = z.record(z.string(), metrics, { error: "an object of metrics by split" });

export const evaluationSchema = z
  .strictObject({
    format: z.literal("plumb-evaluation/1"),
    splits: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          rows: z.int().min(0),
          from: z.string().describe("First date or key, where the split is by one.").optional(),
          to: z.string().describe("Last date or key.").optional(),
        }),
      )
      .min(1)
      .describe("The parts of the data, in order."),
    positive: z
      .union([z.string(), z.number(), z.boolean()], { error: "a label" })
      .describe("Of two labels, the one that precision, recall and F1 are about.")
      .optional(),
    average: z
      .enum(["macro", "outputs"])
      .describe(
        "Of more labels (macro): precision, recall and F1 are means over the labels. Of several outputs: metrics are means over them.",
      )
      .optional(),
    metrics: bySplit.describe("Of the model, by split, then by metric: `metrics.holdout.rmse`."),
    outputs: z
      .record(z.string(), bySplit, { error: "an object of metrics by output and split" })
      .describe("Of several outputs: each one's own metrics, by its name. `outputs.price.holdout.rmse`.")
      .optional(),
    baselines: z
      .record(z.string(), bySplit, { error: "an object of metrics by baseline and split" })
      .describe("Of naive predictors on the same rows: `baselines.last_value.holdout.rmse`."),
  })
  .describe("evaluation.json of a Plumb bundle.");

export type Evaluation = z.infer<typeof evaluationSchema>;

/** Reads evaluation.json, parsed. */
export function parseEvaluation(document: unknown): Parsed<Evaluation> {
  return parseDocument({ file: evaluationFile }, evaluationSchema, document);
}
