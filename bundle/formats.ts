/**
 * The formats of a bundle's files as JSON Schemas: what `proto/` holds for readers and writers in other languages.
 *
 * Made from the zod schemas that the reader itself uses, so the two cannot say different things. What crosses members
 * or files (names that must match, sums that must agree) is not in them; docs/bundle-format.md has it all.
 */
import * as z from "zod";
import { postprocessingGraphSchema, preprocessingGraphSchema } from "../preprocessing/index.js";
import { baselineSchema } from "./baseline.js";
import { evaluationSchema } from "./evaluation.js";
import { goldenRowSchema } from "./golden.js";
import { manifestSchema } from "./manifest.js";
import { rowSchemaDocumentSchema } from "./row-schema-document.js";

const graphSchema = z
  .union([
    preprocessingGraphSchema.describe("preprocessing.json: features in, tensors out."),
    postprocessingGraphSchema.describe("postprocessing.json: the models' tensors in, an answer out."),
  ])
  .describe("A graph of a Plumb bundle, before or after its models.");

const schemas: Readonly<Record<string, z.ZodType>> = {
  "manifest.schema.json": manifestSchema,
  "row-schema.schema.json": rowSchemaDocumentSchema,
  "graph.schema.json": graphSchema,
  "golden-row.schema.json": goldenRowSchema,
  "baseline.schema.json": baselineSchema,
  "evaluation.schema.json": evaluationSchema,
};

/** @returns The text of every schema file in `proto/`, by file name. */
export function formatSchemas(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(schemas).map(([file, schema]) => [file, `${JSON.stringify(z.toJSONSchema(schema), null, 2)}\n`]),
  );
}
