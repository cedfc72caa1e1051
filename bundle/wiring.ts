/**
 * Do the parts of a bundle fit together?
 *
 * Row schema -> preprocessing -> models -> postprocessing, and the golden rows beside them: each hands values to the
 * next by name, and each names them in a file of its own.
 */
import type { Postprocessor, Preprocessor } from "../preprocessing/index.js";
import { type Baseline, baselineFeatureProblems, baselinePredictionProblems } from "./baseline.js";
import type { Feature } from "./feature.js";
import { type GoldenRow, goldenFile } from "./golden.js";
import { type Manifest, manifestFile, type TensorSpec } from "./manifest.js";
import { nearestNames } from "./nearest-names.js";
import type { Pause } from "./pause.js";
import { type GraphPlace, placeIn, postprocessingFile, preprocessingFile } from "./plan-graph.js";
import { describePrediction, isPredicted, predictedWords } from "./predicted.js";
import { countOf, listWords, quote, sentence } from "./problem.js";
import type { RowSchema } from "./row-schema.js";
import { schemaFile } from "./row-schema-document.js";

/** The parts; one that could not be read is undefined, and what touches it is not compared. */
export interface Parts {
  manifest: Manifest;
  rowSchema: RowSchema | undefined;
  preprocessor: Preprocessor | undefined;
  postprocessor: Postprocessor | undefined;
  baseline: Baseline | undefined;
}

export function wiringProblems(parts: Parts): string[] {
  const { manifest, rowSchema, preprocessor, postprocessor } = parts;
  return [
    ...(rowSchema && preprocessor ? featureProblems({ file: preprocessingFile }, rowSchema, preprocessor) : []),
    ...(preprocessor ? modelInputProblems(manifest, preprocessor) : []),
    ...(postprocessor
      ? [...modelOutputProblems(manifest, postprocessor), ...taskProblems(manifest, postprocessor)]
      : []),
    ...(rowSchema && parts.baseline ? baselineFeatureProblems(parts.baseline, rowSchema.features) : []),
    ...(postprocessor && parts.baseline ? baselinePredictionProblems(parts.baseline, postprocessor) : []),
  ];
}

/** How many unknown features are told their near ones: each is compared with every name of the schema. */
const advisedMax = 10;

/**
 * Each input of a graph is a feature of the schema, of the same type. The schema may have features that no step reads.
 */
export function featureProblems(place: GraphPlace, { features }: RowSchema, { inputs }: Preprocessor): string[] {
  const byName = new Map(features.map((feature) => [feature.name, feature]));
  const problems: string[] = [];
  for (const [index, { name, type }] of inputs.entries()) {
    const feature = byName.get(name);
    if (feature === undefined) {
      const near = problems.length < advisedMax ? nearestNames(name, [...byName.keys()]).map(quote) : [];
      const advice = near.length > 0 ? { advice: `near it are ${listWords(near, { last: "and" })}` } : {};
      const expected = `the name of a property in ${schemaFile}`;
      problems.push(sentence({ ...placeIn(place, `inputs[${index}].name`), expected, got: quote(name), ...advice }));
    } else if (graphTypeOf(feature) !== type) {
      const expected = `"${graphTypeOf(feature)}", as ${schemaFile} has ${quote(name)}`;
      problems.push(sentence({ ...placeIn(place, `inputs[${index}].type`), expected, got: `"${type}"` }));
    }
  }
  return problems;
}

/** What a graph calls the type of a feature. */
function graphTypeOf({ type, itemType }: Feature): string {
  if (type !== "array") return type;
  return itemType === "integer" ? "numbers" : `${itemType}s`;
}

/** Each input of a model is an output of the graph, and each output of the graph goes into a model. */
function modelInputProblems(manifest: Manifest, preprocessor: Preprocessor): string[] {
  const problems: string[] = [];
  const taken = new Set<string>();
  for (const [modelIndex, model] of manifest.models.entries()) {
    for (const [index, tensor] of model.inputs.entries()) {
      taken.add(tensor.name);
      const output = preprocessor.outputs.find(({ name }) => name === tensor.name);
      const place = { file: manifestFile, where: `models[${modelIndex}].inputs[${index}]` };
      problems.push(...tensorProblems(place, tensor, output, `an output of ${preprocessingFile}`));
    }
  }
  for (const [index, output] of preprocessor.outputs.entries()) {
    if (taken.has(output.name)) continue;
    const expected = `an output that a model in ${manifestFile} takes`;
    problems.push(
      sentence({ file: preprocessingFile, where: `outputs[${index}].name`, expected, got: quote(output.name) }),
    );
  }
  return problems;
}

/** Each input of postprocessing is an output of a model, by `id.name`. Models may give more than is read. */
function modelOutputProblems(manifest: Manifest, postprocessor: Postprocessor): string[] {
  const given = new Map<string, TensorSpec>();
  for (const model of manifest.models)
    for (const tensor of model.outputs) given.set(`${model.id}.${tensor.name}`, tensor);
  return postprocessor.inputs.flatMap((input, index) => {
    const place = { file: postprocessingFile, where: `inputs[${index}]` };
    return tensorProblems(place, input, given.get(input.name), `a model's output in ${manifestFile}, as "id.name"`);
  });
}

interface Tensor {
  name: string;
  dtype: string;
  shape: readonly (string | number)[];
}

/**
 * A tensor is as it is where it comes from.
 *
 * @param source - The tensor of this name there; undefined if there is none.
 * @param what - What it would be there, with the place.
 */
export function tensorProblems(
  place: { file: string; where: string },
  tensor: Tensor,
  source: Tensor | undefined,
  what: string,
): string[] {
  if (source === undefined)
    return [
      sentence({ ...place, where: `${place.where}.name`, expected: `the name of ${what}`, got: quote(tensor.name) }),
    ];
  const [expected, got] = [tensorWords(source), tensorWords(tensor)];
  return expected === got
    ? []
    : [sentence({ ...place, expected: `${expected}, as the tensor is where it comes from`, got })];
}

function tensorWords({ dtype, shape }: Tensor): string {
  return `${dtype} [${shape.join(", ")}]`;
}

function taskProblems(manifest: Manifest, postprocessor: Postprocessor): string[] {
  const gives = postprocessor.labels === undefined ? "regression" : "classification";
  if (gives === manifest.task) return [];
  const got = `"${manifest.task}", where ${postprocessingFile} predicts ${gives === "regression" ? "a number" : "a label"}`;
  return [sentence({ file: manifestFile, where: "task", expected: `"${gives}"`, got })];
}

/** Problems of golden rows are the same in every row, as a rule: the first few say it. */
const goldenProblemsMax = 5;

/** Does each golden row have the values that the graphs give and take? */
export async function goldenProblems(
  golden: readonly GoldenRow[],
  preprocessor: Preprocessor,
  postprocessor: Postprocessor,
  pause: Pause,
): Promise<string[]> {
  const { labels, hasProbabilities } = postprocessor;
  const problems: string[] = [];
  for (const row of golden) {
    if (row.error !== undefined) continue;
    const place = { file: goldenFile, where: `line ${row.line}` };
    problems.push(
      ...listProblems(
        { ...place, where: `${place.where}, features` },
        row.features,
        preprocessor.outputs,
        preprocessingFile,
      ),
    );
    problems.push(
      ...listProblems({ ...place, where: `${place.where}, raw` }, row.raw, postprocessor.inputs, postprocessingFile),
    );
    if (!isPredicted(row.prediction, postprocessor)) {
      const expected = predictedWords(postprocessor);
      problems.push(
        sentence({ ...place, where: `${place.where}, prediction`, expected, got: describePrediction(row.prediction) }),
      );
    }
    const [expected, got] = [hasProbabilities ? labels!.length : 0, row.probabilities?.length ?? 0];
    if (expected !== got) {
      const words = hasProbabilities
        ? `${expected} numbers, one per label`
        : `none, since ${postprocessingFile} has no such output`;
      problems.push(sentence({ ...place, where: `${place.where}, probabilities`, expected: words, got: `${got}` }));
    }
    if (problems.length > goldenProblemsMax) break;
    await pause();
  }
  return problems.slice(0, goldenProblemsMax);
}

function listProblems(
  place: { file: string; where: string },
  lists: Readonly<Record<string, Float64Array>>,
  tensors: readonly { name: string; width: number }[],
  source: string,
): string[] {
  const isRight = tensors.every(({ name, width }) => Object.hasOwn(lists, name) && lists[name]!.length === width);
  if (isRight && Object.keys(lists).length === tensors.length) return [];
  const known = new Set(tensors.map(({ name }) => name));
  const unknown = Object.keys(lists).filter((name) => !known.has(name));
  return [
    ...unknown.map((name) => sentence({ ...place, expected: `only tensors that ${source} names`, got: quote(name) })),
    ...tensors.flatMap(({ name, width }) => {
      const got = Object.hasOwn(lists, name) ? countOf(lists[name]!.length, "value") : "none";
      return got === countOf(width, "value")
        ? []
        : [sentence({ ...place, expected: `${countOf(width, "value")} of ${quote(name)}, as ${source} has it`, got })];
    }),
  ];
}
