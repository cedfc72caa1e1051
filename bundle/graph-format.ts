/**
 * The form of preprocessing.json and postprocessing.json, for `proto/` only: `parseGraph` reads graphs, and tests hold this
 * form to it. The parameters of each operator are in docs/preprocessing.md.
 */
import * as z from "zod";

const name = z.string().min(1);
const sources = z.array(name).min(1).describe("Names of inputs and ids of earlier nodes; their columns stand side by side in this order.");
const tensor = {
  name,
  dtype: z.enum(["float32", "float64"]),
  shape: z.tuple([z.literal("rows")], z.int().min(1)).describe("The rows of a batch, then the sizes of one row."),
};
const format = z.literal("plumb-graph/1");
const nodes = z
  .array(
    z.strictObject({
      id: name,
      op: name.describe("An operator of docs/preprocessing.md."),
      inputs: sources,
      params: z
        .record(z.string(), z.unknown())
        .describe("The operator's own, under scikit-learn's attribute names without the last underscore."),
    }),
  )
  .describe("In the order in which they run.");

const beforeSchema = z
  .strictObject({
    format,
    inputs: z.array(z.strictObject({ name, type: z.enum(["number", "integer", "boolean", "string"]) })).min(1),
    nodes,
    outputs: z.array(z.strictObject({ ...tensor, from: sources })).min(1),
  })
  .describe("preprocessing.json: features in, tensors out.");

const afterSchema = z
  .strictObject({
    format,
    inputs: z.array(z.strictObject({ ...tensor, name: name.describe("Model and output, as `main.Y`.") })).min(1),
    nodes,
    outputs: z
      .array(
        z.union([
          z.strictObject({ name: z.literal("prediction"), from: sources }),
          z.strictObject({
            name: z.literal("probabilities"),
            from: sources,
            params: z.strictObject({ labels: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1) }),
          }),
        ]),
      )
      .min(1),
  })
  .describe("postprocessing.json: the models' tensors in, an answer out.");

export const graphFormatSchema = z.union([beforeSchema, afterSchema]).describe("A graph of a Plumb bundle, before or after its models.");
