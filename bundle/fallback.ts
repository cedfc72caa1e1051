/**
 * Does the manifest's fallback fit the rest of the bundle?
 *
 * It stands in for the model in an answer that callers read as they read any other. So it takes the features that there
 * are, and gives exactly what the bundle's own postprocessing gives: a number or one of the same labels, and
 * probabilities where those are given.
 */
import {
  createPostprocessor,
  createPreprocessor,
  type Postprocessor,
  type Preprocessor,
} from "../preprocessing/index.js";
import { type Manifest, manifestFile } from "./manifest.js";
import { type GraphPlace, placeIn, planGraph, postprocessingFile } from "./plan-graph.js";
import { describePrediction, isPredicted, predictedWords } from "./predicted.js";
import { countOf, describeValue, listWords, quote, sentence } from "./problem.js";
import type { RowSchema } from "./row-schema.js";
import { featureProblems, tensorProblems } from "./wiring.js";

type Fallback = Manifest["fallback"];
type Constant = Extract<Fallback, { kind: "constant" }>;
type Rule = Extract<Fallback, { kind: "rule" }>;

/** How far the probabilities of a constant may be from a sum of 1: what a few digits too little make. */
const sumTolerance = 1e-6;

/** What a fallback has to fit; a part that could not be read is undefined, and what touches it is not compared. */
export interface FallbackSurroundings {
  rowSchema: RowSchema | undefined;
  postprocessor: Postprocessor | undefined;
}

export function fallbackProblems(fallback: Fallback, { rowSchema, postprocessor }: FallbackSurroundings): string[] {
  switch (fallback.kind) {
    case "none":
    case "last_good_version":
      // Which version that will be isn't known before it is asked.
      return [];
    case "constant":
      return postprocessor
        ? [...predictionProblems(fallback, postprocessor), ...probabilityProblems(fallback, postprocessor)]
        : [];
    case "rule":
      return ruleProblems(fallback, rowSchema, postprocessor);
  }
}

function predictionProblems({ prediction }: Constant, postprocessor: Postprocessor): string[] {
  if (isPredicted(prediction, postprocessor)) return [];
  const expected = predictedWords(postprocessor);
  return [
    sentence({ file: manifestFile, where: "fallback.prediction", expected, got: describePrediction(prediction) }),
  ];
}

function probabilityProblems({ probabilities }: Constant, { labels = [], hasProbabilities }: Postprocessor): string[] {
  const place = { file: manifestFile, where: "fallback.probabilities" };
  if (!hasProbabilities) {
    const expected = `none, since ${postprocessingFile} has no such output`;
    return probabilities === undefined ? [] : [sentence({ ...place, expected, got: describeValue(probabilities) })];
  }
  if (probabilities === undefined) {
    return [
      sentence({
        ...place,
        expected: `a number for each label, since ${postprocessingFile} gives probabilities`,
        got: "nothing",
      }),
    ];
  }
  const names = labels.map(String);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    const expected = `labels in ${postprocessingFile} that differ when they are written as names`;
    return [
      sentence({
        ...place,
        expected,
        got: `${words([twice])} twice`,
        advice: "give the labels other names, or use a rule",
      }),
    ];
  }
  const unknown = Object.keys(probabilities).filter((name) => !names.includes(name));
  const missing = names.filter((name) => !Object.hasOwn(probabilities, name));
  const sum = names.reduce((total, name) => total + (probabilities[name] ?? 0), 0);
  const problems: string[] = [];
  if (unknown.length > 0) {
    problems.push(
      sentence({
        ...place,
        expected: `only the labels of ${postprocessingFile}, ${words(names)}`,
        got: words(unknown, "and"),
      }),
    );
  }
  if (missing.length > 0) {
    problems.push(
      sentence({
        ...place,
        expected: `a number for each label of ${postprocessingFile}`,
        got: `none for ${words(missing)}`,
      }),
    );
  }
  if (problems.length === 0 && Math.abs(sum - 1) > sumTolerance) {
    problems.push(
      sentence({ ...place, expected: `numbers that add up to 1 within ${sumTolerance}`, got: `a sum of ${sum}` }),
    );
  }
  return problems;
}

const beforePlace: GraphPlace = { file: manifestFile, member: "fallback.preprocessing" };
const afterPlace: GraphPlace = { file: manifestFile, member: "fallback.postprocessing" };

function ruleProblems(
  rule: Rule,
  rowSchema: RowSchema | undefined,
  postprocessor: Postprocessor | undefined,
): string[] {
  const problems: string[] = [];
  const before = planGraph(beforePlace, rule.preprocessing, createPreprocessor);
  if ("problems" in before) problems.push(...before.problems);
  else if (rowSchema) problems.push(...featureProblems(beforePlace, rowSchema, before.value.plan));
  const after = planGraph(afterPlace, rule.postprocessing, createPostprocessor);
  if ("problems" in after) problems.push(...after.problems);
  else if (postprocessor) problems.push(...answerProblems(after.value.plan, postprocessor));
  if ("value" in before && "value" in after) problems.push(...exchangeProblems(before.value.plan, after.value.plan));
  return problems;
}

/** There is no model between the two graphs: what the first gives is what the second takes, all of it. */
function exchangeProblems(before: Preprocessor, after: Postprocessor): string[] {
  const taken = new Set(after.inputs.map(({ name }) => name));
  return [
    ...after.inputs.flatMap((input, index) => {
      const output = before.outputs.find(({ name }) => name === input.name);
      return tensorProblems(
        placeIn(afterPlace, `inputs[${index}]`),
        input,
        output,
        `an output of ${beforePlace.member}`,
      );
    }),
    ...before.outputs.flatMap(({ name }, index) => {
      if (taken.has(name)) return [];
      const expected = `an output that ${afterPlace.member} takes`;
      return [sentence({ ...placeIn(beforePlace, `outputs[${index}].name`), expected, got: words([name]) })];
    }),
  ];
}

/** The rule gives what the bundle's own postprocessing gives. */
function answerProblems(rule: Postprocessor, own: Postprocessor): string[] {
  const place = placeIn(afterPlace, "outputs");
  const problems: string[] = [];
  if (!isSameList(rule.labels, own.labels) || !isSameList(rule.names, own.names)) {
    problems.push(
      sentence({ ...place, expected: `${predicted(own)}, as ${postprocessingFile} predicts`, got: predicted(rule) }),
    );
  }
  if (rule.hasProbabilities !== own.hasProbabilities) {
    const [expected, got] = own.hasProbabilities
      ? ['an output "probabilities"', "none"]
      : ['no output "probabilities"', "one"];
    problems.push(sentence({ ...place, expected: `${expected}, as in ${postprocessingFile}`, got }));
  }
  return problems;
}

function predicted({ names, labels }: Postprocessor): string {
  if (names !== undefined) return `${names.length} numbers, named in this order: ${words(names, "and")}`;
  return labels === undefined
    ? "a number"
    : `one of ${countOf(labels.length, "label")}, in this order: ${words(labels, "and")}`;
}

function isSameList(some: readonly unknown[] | undefined, others: readonly unknown[] | undefined): boolean {
  return some?.length === others?.length && (some ?? []).every((each, index) => each === others![index]);
}

/** Labels and names, as messages list them. */
function words(values: readonly unknown[], last: "or" | "and" = "or"): string {
  return listWords(
    values.map((value) => (typeof value === "string" ? quote(value) : String(value))),
    { last },
  );
}
