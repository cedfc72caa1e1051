/**
 * Goal: a graph that is wrong is refused when it is loaded, in a sentence that says where, what was expected and what
 * came.
 */
import { describe, expect, it } from "vitest";
import { oneOf } from "../../../preprocessing/graph-error.js";
import { createPostprocessor, createPreprocessor, parseGraph } from "../../../preprocessing/index.js";
import { operatorsAfter, operatorsBefore } from "../../../preprocessing/operators.js";
import { binaryDocument, demandDocument, regressionDocument, replaced } from "./documents.js";

type Place = readonly (string | number)[];

describe("a document is returned as it is", () => {
  it.each([demandDocument(), regressionDocument(), binaryDocument()])("%#", (document) => {
    expect(parseGraph(document)).toEqual(document);
  });
});

const formBefore: readonly (readonly [Place, unknown, string])[] = [
  [["format"], "plumb-graph/2", 'format: expected "plumb-graph/1", got "plumb-graph/2"'],
  [["format"], undefined, 'format: expected "plumb-graph/1", got nothing'],
  [["extra"], 1, 'the graph: expected only the keys "format", "inputs", "nodes", "outputs", got the key "extra"'],
  [["inputs"], [], "inputs: expected at least one of the inputs, got a list of 0"],
  [["inputs"], {}, "inputs: expected a list of inputs, got an object"],
  [["inputs", 1], null, "inputs[1]: expected an object, got null"],
  [
    ["inputs", 0, "type"],
    "float",
    'inputs[0].type: expected "number", "integer", "boolean", "string", "numbers", "booleans" or "strings", got "float"',
  ],
  [["inputs", 0, "name"], "", 'inputs[0].name: expected a name that is not empty, got ""'],
  [["inputs", 1, "dtype"], "float32", 'inputs[1]: expected only the keys "name", "type", got the key "dtype"'],
  [["nodes"], undefined, "nodes: expected a list of nodes, got nothing"],
  [["nodes", 0, "id"], 7, "nodes[0].id: expected a name, got 7"],
  [
    ["nodes", 0, "inputs"],
    "price",
    'nodes[0].inputs: expected a list of names of inputs and ids of nodes, got "price"',
  ],
  [
    ["nodes", 0, "inputs"],
    [],
    "nodes[0].inputs: expected at least one of the names of inputs and ids of nodes, got a list of 0",
  ],
  [["nodes", 0, "params"], undefined, "nodes[0].params: expected an object, got nothing"],
  [["nodes", 0, "params"], [], "nodes[0].params: expected an object, got a list of 0"],
  [["nodes", 0, "note"], "hm", 'nodes[0]: expected only the keys "id", "op", "inputs", "params", got the key "note"'],
  [["nodes", 1, "op"], "sigmoid", `nodes[1].op: expected ${oneOf([...operatorsBefore.keys()])}, got "sigmoid"`],
  [["nodes", 1, "op"], "toString", /^nodes\[1\]\.op: .* got "toString"$/.source],
  [
    ["nodes", 1, "params", "scale", 0],
    "2",
    'nodes[1].params.scale[0]: expected a number, or "NaN", "Infinity", "-Infinity" or "-0.0", got "2"',
  ],
  [["nodes", 1, "params", "scale", 0], "NaN", 'nodes[1].params.scale[0]: expected a finite number, got "NaN"'],
  [
    ["nodes", 1, "params", "with_mean"],
    true,
    'nodes[1].params: expected only the keys "mean", "scale", got the key "with_mean"',
  ],
  [["outputs", 0, "dtype"], "float16", 'outputs[0].dtype: expected "float32" or "float64", got "float16"'],
  [["outputs", 0, "shape", 0], 1, 'outputs[0].shape[0]: expected "rows", got 1'],
  [["outputs", 0, "shape", 1], 2.5, "outputs[0].shape[1]: expected a whole number, got 2.5"],
  [["outputs", 0, "shape", 1], 0, "outputs[0].shape[1]: expected 1 or more, got 0"],
  [["outputs", 0, "shape"], 3, 'outputs[0].shape: expected ["rows", ...whole numbers], got 3'],
  [
    ["outputs", 0, "params"],
    {},
    'outputs[0]: expected only the keys "name", "dtype", "shape", "from", got the key "params"',
  ],
];

const formAfter: readonly (readonly [Place, unknown, string])[] = [
  [["inputs", 0, "dtype"], "float", 'inputs[0].dtype: expected "float32" or "float64", got "float"'],
  [["inputs", 0, "type"], "number", 'inputs[0]: expected only the keys "name", "dtype", "shape", got the key "type"'],
  [
    ["nodes", 0, "op"],
    "standard_scaler",
    `nodes[0].op: expected ${oneOf([...operatorsAfter.keys()])}, got "standard_scaler"`,
  ],
  [["outputs", 0, "name"], "answer", 'outputs[0].name: expected "prediction" or "probabilities", got "answer"'],
  [["outputs", 0, "params"], {}, "outputs[0].params.names: expected a list of names, got nothing"],
  [
    ["outputs", 0, "params"],
    { names: ["a"] },
    "outputs[0].params.names: expected two names or more: a prediction that is one value has none, got a list of 1",
  ],
  [
    ["outputs", 0, "params"],
    { names: ["a", ""] },
    'outputs[0].params.names[1]: expected a name that is not empty, got ""',
  ],
  [["outputs", 1, "params"], undefined, "outputs[1].params: expected an object, got nothing"],
  [
    ["outputs", 1, "params", "labels", 0],
    null,
    "outputs[1].params.labels[0]: expected a string, number or boolean, got null",
  ],
  [["outputs", 1, "params", "labels"], "no", 'outputs[1].params.labels: expected a list of labels, got "no"'],
];

describe("the form before the models", () => {
  it.each(formBefore)("%j = %j", (place, value, sentence) => {
    const parse = () => parseGraph(replaced(demandDocument(), place, value));
    expect(parse).toThrow(
      sentence.startsWith("^") ? new RegExp(sentence) : expect.objectContaining({ message: sentence }),
    );
  });

  it.each([undefined, null, 7, "graph", []])("refuses %j for a document", (document) => {
    expect(() => parseGraph(document)).toThrow(/^the graph: expected an object, got /);
  });
});

describe("the form after the models", () => {
  it.each(formAfter)("%j = %j", (place, value, sentence) => {
    expect(() => parseGraph(replaced(binaryDocument(), place, value))).toThrow(
      expect.objectContaining({ message: sentence }),
    );
  });
});

const names = {
  source: "the name of an input or the id of an earlier node",
  unused: "a name that a later node or an output takes",
};

const wiringBefore: readonly (readonly [string, Place, unknown, string])[] = [
  ["an unknown source", ["nodes", 0, "inputs"], ["cost"], `nodes[0].inputs[0]: expected ${names.source}, got "cost"`],
  [
    "a later node",
    ["nodes", 0, "inputs"],
    ["n3"],
    `nodes[0].inputs[0]: expected ${names.source}, got "n3", which is not an earlier one`,
  ],
  [
    "itself",
    ["nodes", 0, "inputs"],
    ["n1"],
    `nodes[0].inputs[0]: expected ${names.source}, got "n1", which is not an earlier one`,
  ],
  [
    "an unknown source of an output",
    ["outputs", 0, "from"],
    ["n2", "n4"],
    `outputs[0].from[1]: expected ${names.source}, got "n4"`,
  ],
  [
    "an id twice",
    ["nodes", 1, "id"],
    "n1",
    'nodes[1].id: expected a name that no input and no earlier node has, got "n1"',
  ],
  [
    "an id that is an input",
    ["nodes", 0, "id"],
    "promo",
    'nodes[0].id: expected a name that no input and no earlier node has, got "promo"',
  ],
  [
    "an input twice",
    ["inputs", 1, "name"],
    "price",
    'inputs[1].name: expected a name that no input and no earlier node has, got "price"',
  ],
  [
    "a node that nothing takes",
    ["outputs", 0, "from"],
    ["n1", "n3"],
    `nodes[1].id: expected ${names.unused}, got "n2", which nothing takes`,
  ],
  [
    "an input that nothing takes",
    ["nodes", 0, "inputs"],
    ["promo"],
    `inputs[0].name: expected ${names.unused}, got "price", which nothing takes`,
  ],
  [
    "a shape that is too wide",
    ["outputs", 0, "shape"],
    ["rows", 2, 2],
    "outputs[0].shape: expected 3 values a row, as wide as its columns, got 4",
  ],
  [
    "too few parameters",
    ["nodes", 1, "inputs"],
    ["n1", "price"],
    "nodes[1].params.mean: expected 2 values, one per column, got 1",
  ],
  [
    "strings for numbers",
    ["inputs", 0, "type"],
    "string",
    'nodes[1].inputs: expected number columns, got a string column (feature "price")',
  ],
];

describe("wiring before the models", () => {
  it.each(wiringBefore)("refuses %s", (_, place, value, sentence) => {
    const graph = parseGraph(replaced(demandDocument(), place, value));
    expect(() => createPreprocessor(graph)).toThrow(expect.objectContaining({ name: "GraphError", message: sentence }));
  });

  it("refuses a string column for an output", () => {
    const document = replaced(
      replaced(demandDocument(), ["outputs", 0, "from"], ["n2", "promo"]),
      ["nodes", 2, "inputs"],
      ["n1"],
    );
    const graph = parseGraph(replaced(document, ["inputs", 1, "type"], "string"));
    expect(() => createPreprocessor(graph)).toThrow(
      'outputs[0].from: expected number columns, got a string column (feature "promo")',
    );
  });

  it("refuses two outputs of one name", () => {
    const [output] = demandDocument().outputs;
    const graph = parseGraph({ ...demandDocument(), outputs: [output, output] });
    expect(() => createPreprocessor(graph)).toThrow(
      'outputs[1].name: expected a name that no earlier output has, got "X"',
    );
  });

  it("refuses a graph that belongs after the models", () => {
    expect(() => createPreprocessor(parseGraph(regressionDocument()))).toThrow(
      'inputs[0]: expected a feature with "name" and "type", got a tensor',
    );
  });
});

const wiringAfter: readonly (readonly [string, Place, unknown, string])[] = [
  [
    "two predictions",
    ["outputs", 1],
    binaryDocument().outputs[0],
    'outputs[1].name: expected a name that no earlier output has, got "prediction"',
  ],
  [
    "several columns without names",
    ["outputs", 0, "from"],
    ["p1", "p1"],
    'outputs[0].from: expected one column, or "params" with "names" for each, got 2',
  ],
  [
    "several labels a row",
    ["outputs", 0],
    { name: "prediction", from: ["p2", "p2"], params: { names: ["a", "b"] } },
    "outputs[0].from: expected one column of labels alone (a row's other labels go into a bundle each), got 2 columns",
  ],
  [
    "names for a label",
    ["outputs", 0, "params"],
    { names: ["a", "b"] },
    "outputs[0].from: expected one column of labels alone (a row's other labels go into a bundle each), got one with names",
  ],
  [
    "another number of names",
    ["outputs", 0],
    { name: "prediction", from: ["p1"], params: { names: ["a", "b"] } },
    "outputs[0].from: expected 2 columns, one per name, got 1",
  ],
  [
    "a name twice",
    ["outputs", 0],
    { name: "prediction", from: ["p1", "p1"], params: { names: ["a", "a"] } },
    'outputs[0].params.names: expected each name once, got "a" again',
  ],
  [
    "probabilities of a number",
    ["outputs", 0, "from"],
    ["p1"],
    'outputs[1]: expected no probabilities, since "prediction" is a number, got "probabilities"',
  ],
  [
    "labels in another order",
    ["outputs", 1, "params", "labels"],
    ["yes", "no"],
    'outputs[1].params.labels: expected the labels that are predicted, "no", "yes", got "yes", "no"',
  ],
  [
    "too many labels",
    ["outputs", 1, "params", "labels"],
    ["no", "yes", "perhaps"],
    "outputs[1].params.labels: expected 1 labels, one per column, or 2 labels for one column, got 3",
  ],
  [
    "labels for probabilities",
    ["outputs", 1, "from"],
    ["p2"],
    'outputs[1].from: expected number columns, got a string column (feature "main.Y")',
  ],
];

describe("wiring after the models", () => {
  it.each(wiringAfter)("refuses %s", (_, place, value, sentence) => {
    const graph = parseGraph(replaced(binaryDocument(), place, value));
    expect(() => createPostprocessor(graph)).toThrow(
      expect.objectContaining({ name: "GraphError", message: sentence }),
    );
  });

  it("refuses an answer without a prediction", () => {
    const { outputs, ...rest } = binaryDocument();
    expect(() => createPostprocessor(parseGraph({ ...rest, outputs: [outputs[1]] }))).toThrow(
      'outputs: expected an output "prediction", got none',
    );
  });

  it("refuses a graph that belongs before the models", () => {
    expect(() => createPostprocessor(parseGraph(demandDocument()))).toThrow(
      'inputs[0]: expected a tensor with "name", "dtype" and "shape", got a feature',
    );
  });
});
