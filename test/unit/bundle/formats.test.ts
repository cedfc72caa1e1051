/** Goal: the JSON Schemas in proto/ are those of the reader, and say the same as it about whole files. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { formatSchemas } from "../../../bundle/formats.js";
import { parseGraph } from "../../../preprocessing/index.js";
import { routesJsonSchema } from "../../../server/routing/route.js";
import { type Document, linearRule, tinyBundle, tinyLabels } from "../../support/tiny-bundle.js";

const proto = new URL("../../../proto/", import.meta.url);
const schemas: Record<string, string> = { ...formatSchemas(), "routes.schema.json": routesJsonSchema() };

test("proto/ holds the current schemas, and no others of bundles", () => {
  for (const [file, text] of Object.entries(schemas)) {
    expect(readFileSync(new URL(file, proto), "utf8"), `${file} is stale: run node scripts/write-proto.mjs`).toBe(text);
  }
  expect(readdirSync(proto).filter((file) => file.endsWith(".schema.json"))).toEqual(Object.keys(schemas).sort());
  const readme = readFileSync(new URL("README.md", proto), "utf8");
  for (const file of Object.keys(schemas)) expect(readme).toContain(`\`${file}\``);
});

const accepts = (file: string, document: unknown) =>
  z.fromJSONSchema(JSON.parse(schemas[file]!)).safeParse(document).success;

test("the schemas take the files of a sound bundle, and refuse an unknown member", () => {
  const { manifest, files } = tinyBundle();
  const documents: [string, Document][] = [
    ["manifest.schema.json", { ...manifest, files: { "card.md": { sha256: "0".repeat(64), bytes: 7 } } }],
    ["row-schema.schema.json", files["schema.json"]],
    ["graph.schema.json", files["preprocessing.json"]],
    ["graph.schema.json", files["postprocessing.json"]],
    ["golden-row.schema.json", JSON.parse(files["golden.jsonl"].split("\n")[0])],
    ["golden-row.schema.json", { kind: "zero", row: {}, error: "row_refused" }],
    ["baseline.schema.json", files["baseline.json"]],
    [
      "routes.schema.json",
      { format: "plumb-routes/1", routes: { demand: { champion: 1, shadows: [{ version: 2 }] } } },
    ],
    ["routes.schema.json", { routes: { demand: { champion: 1, assign_by: { header: "X-Customer" } } } }],
    ["evaluation.schema.json", files["evaluation.json"]],
    ["evaluation.schema.json", { ...files["evaluation.json"], positive: "yes" }],
    ["evaluation.schema.json", { ...files["evaluation.json"], average: "macro" }],
  ];
  for (const [file, document] of documents) {
    expect({ file, accepted: accepts(file, document) }).toEqual({ file, accepted: true });
    expect({ file, accepted: accepts(file, { ...document, unknown: 1 }) }).toEqual({ file, accepted: false });
  }
});

test("the manifest's schema takes a fallback of each kind, and refuses what isn't one", () => {
  const rule = linearRule({ feature: "price", coef: 1, intercept: 0, labels: tinyLabels });
  const { manifest } = tinyBundle();
  const accepted = (fallback: Document) => accepts("manifest.schema.json", { ...manifest, files: {}, fallback });
  for (const fallback of [
    { kind: "none" },
    { kind: "constant", prediction: 1 },
    { kind: "constant", prediction: "a", probabilities: { a: 1 } },
    rule,
  ]) {
    expect(accepted(fallback)).toBe(true);
    expect(accepted({ ...fallback, unknown: 1 })).toBe(false);
  }
  expect(accepted({ kind: "constant" })).toBe(false);
  expect(accepted({ kind: "constant", prediction: "a", probabilities: { a: 2 } })).toBe(false);
  expect(accepted({ ...rule, postprocessing: rule.preprocessing })).toBe(false);
});

// Both come from one zod schema; this holds the way to JSON Schema to what the reader does with it.
const graphs: [string, (graph: Document) => void][] = [
  ["another format", (graph) => (graph.format = "plumb-graph/2")],
  ["no inputs", (graph) => (graph.inputs = [])],
  ["an input without a name", (graph) => (graph.inputs[0].name = "")],
  ["an input of another type", (graph) => (graph.inputs[0].type = "date")],
  ["an unknown member of an input", (graph) => (graph.inputs[0].unit = "EUR")],
  ["a node without inputs", (graph) => (graph.nodes[0].inputs = [])],
  ["a node without parameters", (graph) => delete graph.nodes[0].params],
  ["an unknown member of a node", (graph) => (graph.nodes[0].note = "")],
  ["no outputs", (graph) => (graph.outputs = [])],
  ["an output of another dtype", (graph) => (graph.outputs[0].dtype = "int64")],
  ["an output without rows", (graph) => (graph.outputs[0].shape = [3])],
];
test.each(graphs)("reader and schema both refuse a graph with %s", (_, change) => {
  for (const file of ["preprocessing.json", "postprocessing.json"]) {
    const graph = tinyBundle().files[file];
    expect(() => parseGraph(graph)).not.toThrow();
    change(graph);
    expect(() => parseGraph(graph)).toThrow();
    expect(accepts("graph.schema.json", graph)).toBe(false);
  }
});
