/**
 * What a model file of trees computes, if it is of the form that the trainer writes: the row, perhaps cast or with
 * whole categories made of some columns, through one `TreeEnsemble`, and its sums scaled or moved by constants.
 * Anything else is left to ONNX Runtime.
 */

import type { EngineModel } from "../engine.js";
import { rowWidth } from "../tensor.js";
import { type Ensemble, readEnsemble } from "./ensemble.js";
import { NotCovered } from "./not-covered.js";
import { type OnnxFile, type OnnxNode, type OnnxTensor, readOnnx } from "./onnx-file.js";

export interface TreeModel {
  readonly inputDtype: "float32" | "float64";
  readonly featureCount: number;
  readonly ensemble: Ensemble;
  /** By feature, what is done to its value first. */
  readonly rules: readonly WholeRule[];
  /** What is done to the sums, in order. */
  readonly after: readonly AfterStep[];
}

/**
 * How the value of a category becomes a whole number: not at all, rounded down, its fraction cut off, or missing if it
 * has one.
 */
export type WholeRule = "as it is" | "floor" | "truncate" | "or missing";

export interface AfterStep {
  readonly op: "Div" | "Mul" | "Add";
  /** By target. */
  readonly operand: Float64Array;
}

/** @throws {@link NotCovered} */
export function readTreeModel(model: EngineModel): TreeModel {
  const [input, output] = [model.inputs[0], model.outputs[0]];
  if (
    model.inputs.length !== 1 ||
    model.outputs.length !== 1 ||
    input!.shape.length !== 2 ||
    output!.shape.length !== 2
  )
    throw new NotCovered("it hasn't one input and one output of columns");
  const reading = new Reading(readOnnx(model.bytes));
  const trees = reading.onlyTrees();
  const featureCount = rowWidth(input!);
  const before = reading.before(trees, input!.name, featureCount);
  const ensemble = readEnsemble(trees, featureCount);
  const after = reading.after(trees, output!.name, ensemble);
  reading.refuseUnread();
  if (output!.dtype !== ensemble.dtype)
    throw new NotCovered(`its trees are ${ensemble.dtype}, and the manifest's output is ${output!.dtype}`);
  if (before.castTo ? before.castTo !== ensemble.dtype || input!.dtype !== "float32" : input!.dtype !== ensemble.dtype)
    throw new NotCovered(`its trees are ${ensemble.dtype}, and what they get is something else`);
  if (rowWidth(output!) !== ensemble.targetCount)
    throw new NotCovered(`it has ${ensemble.targetCount} targets, and the manifest's output ${rowWidth(output!)}`);
  refuseFractionalMembers(ensemble, before.rules);
  return { inputDtype: input!.dtype, featureCount, ensemble, rules: before.rules, after };
}

/**
 * ONNX Runtime looks for a member by a value's integer part, the operator's definition by equality: on whole numbers
 * both agree.
 */
function refuseFractionalMembers({ nodes: { feature, members } }: Ensemble, rules: readonly WholeRule[]): void {
  for (const [node, list] of members) {
    if (rules[feature[node]!] === "as it is")
      throw new NotCovered(`node ${node} splits by members a feature that may not be whole`);
    if (!list.every((member) => Number.isInteger(member) && Math.abs(member) < 2 ** 31))
      throw new NotCovered(`node ${node} has members that are no whole numbers of 32 bits`);
  }
}

/** Whether the values lie along a row, so that every row has the same done to it. */
function isRow({ shape, values }: OnnxTensor): boolean {
  return shape.length <= 2 && (shape.at(-1) ?? 1) === values.length;
}

/**
 * Its optimizer compares in float32: it takes a number that is near enough for the one that does nothing (measured; of
 * a last step it doesn't).
 */
function isPassedOver(op: AfterStep["op"], value: number): boolean {
  return Math.fround(value) === (op === "Add" ? 0 : 1) && value !== 1;
}

/** Follows the nodes from the trees to both ends, and remembers which it met. */
class Reading {
  readonly #file: OnnxFile;
  readonly #producers = new Map<string, OnnxNode>();
  readonly #read = new Set<OnnxNode>();

  constructor(file: OnnxFile) {
    this.#file = file;
    for (const node of file.nodes) for (const output of node.outputs) this.#producers.set(output, node);
  }

  onlyTrees(): OnnxNode {
    const found = this.#file.nodes.filter(({ op, domain }) => op === "TreeEnsemble" && domain === "ai.onnx.ml");
    if (found.length !== 1)
      throw new NotCovered(found.length === 0 ? "it has no TreeEnsemble" : `it has ${found.length} TreeEnsembles`);
    return this.#take(found[0]!);
  }

  before(trees: OnnxNode, input: string, featureCount: number) {
    let rules: readonly WholeRule[] = new Array<WholeRule>(featureCount).fill("as it is");
    let block = trees.inputs[0]!;
    if (this.#producers.get(block)?.op === "Where") ({ rules, block } = this.#wholeCategories(block, featureCount));
    let castTo: "float32" | "float64" | undefined;
    const cast = this.#producers.get(block);
    if (cast?.op === "Cast") {
      const to = this.#take(cast).attributes.get("to");
      castTo = to === 11 ? "float64" : "float32";
      if (to !== 1 && to !== 11) throw new NotCovered("it casts to a type that isn't covered");
      block = cast.inputs[0]!;
    }
    if (block !== input)
      throw new NotCovered(`its trees don't begin with the input "${input}", cast or with whole categories at most`);
    return { rules, castTo };
  }

  /** `Where(mask, whole, block)`: the columns of the mask get whole numbers. */
  #wholeCategories(name: string, featureCount: number): { rules: WholeRule[]; block: string } {
    const [maskName, whole, block] = this.#take(this.#producers.get(name)!).inputs as [string, string, string];
    const mask = this.#constant(maskName);
    if (mask.dtype !== "bool" || mask.values.length !== featureCount || !isRow(mask))
      throw new NotCovered("it chooses columns in a way that isn't covered");
    const rule = this.#ruleOf(whole, block);
    return { rules: Array.from(mask.values, (isCategory) => (isCategory ? rule : "as it is")), block };
  }

  #ruleOf(name: string, block: string): WholeRule {
    const made = this.#producers.get(name);
    if (made?.op === "Floor" && made.inputs[0] === block) {
      this.#take(made);
      return "floor";
    }
    const [condition, yes, no] =
      made?.op === "Where" ? this.#take(made).inputs.map((input) => this.#producers.get(input) ?? input) : [];
    const isOf = (node: OnnxNode | string | undefined, op: string): node is OnnxNode => {
      const is = typeof node === "object" && node.op === op && node.inputs[0] === block;
      if (is) this.#take(node);
      return is;
    };
    if (isOf(condition, "Less") && isOf(yes, "Ceil") && isOf(no, "Floor") && this.#isConstant(condition.inputs[1]!, 0))
      return "truncate";
    if (
      isOf(condition, "Equal") &&
      (made!.inputs[1] === block || yes === block) &&
      this.#isConstant(made!.inputs[2]!, Number.NaN)
    ) {
      const floor = this.#producers.get(condition.inputs[1]!);
      if (isOf(floor, "Floor")) return "or missing";
    }
    throw new NotCovered("it makes whole numbers in a way that isn't covered");
  }

  after(trees: OnnxNode, output: string, { targetCount }: Ensemble): AfterStep[] {
    const steps: AfterStep[] = [];
    let name = trees.outputs[0]!;
    while (name !== output) {
      const users = this.#file.nodes.filter(({ inputs }) => inputs.includes(name));
      const [user] = users;
      if (
        users.length !== 1 ||
        (user!.op !== "Div" && user!.op !== "Mul" && user!.op !== "Add") ||
        user!.inputs[0] !== name
      )
        throw new NotCovered("what is done to the sums isn't covered");
      const constant = this.#constant(this.#take(user!).inputs[1]!);
      const { values } = constant;
      if ((values.length !== 1 && values.length !== targetCount) || !isRow(constant))
        throw new NotCovered("a constant is as wide as neither one target nor all");
      if (user!.outputs[0] !== output && values.length === 1 && isPassedOver(user!.op, values[0]!))
        throw new NotCovered(`ONNX Runtime passes over a step of ${values[0]}`);
      const operand = Float64Array.from(
        { length: targetCount },
        (_, target) => values[values.length === 1 ? 0 : target]!,
      );
      steps.push({ op: user!.op, operand });
      name = user!.outputs[0]!;
    }
    return steps;
  }

  refuseUnread(): void {
    const unread = this.#file.nodes.find((node) => !this.#read.has(node));
    if (unread) throw new NotCovered(`it has a node "${unread.op}" beside its trees`);
  }

  #take(node: OnnxNode): OnnxNode {
    if (this.#read.has(node)) throw new NotCovered(`its node "${node.op}" leads back to itself`);
    this.#read.add(node);
    return node;
  }

  #constant(name: string): OnnxTensor {
    const constant = this.#file.constants.get(name);
    if (constant === undefined) throw new NotCovered(`"${name}" isn't a constant`);
    return constant;
  }

  #isConstant(name: string, value: number): boolean {
    const values = this.#file.constants.get(name)?.values;
    return values?.length === 1 && (values[0] === value || (Number.isNaN(value) && Number.isNaN(values[0])));
  }
}
