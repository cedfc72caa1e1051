/**
 * Is a model's run known to end soon, whatever the values of its rows?
 *
 * A graph is *bounded* if the shapes of all its tensors follow from the shape of what it is fed, and each of its
 * operators takes a time that follows from shapes. It is *unbounded* if it may loop or branch, if it has an operator
 * that isn't known here, or if the size of a tensor depends on the values of a row: such a run may last for ever, or
 * ask for any amount of memory. The answer decides where a version runs
 * (docs/decisions/0009-unbounded-models-in-processes.md), so whatever is in doubt is unbounded.
 *
 * The invariant behind it: as long as no node so far was refused, every shape is known from shapes. So the output of
 * `Shape` is *fixed*, as a constant is, and so is everything that is computed out of fixed tensors only. An operator
 * with an input that says how large its output is takes fixed tensors there.
 */

import type { EngineModel } from "./engine.js";
import { OutlineError, type OutlineNode, readLists, readOutline } from "./onnx-outline.js";

/**
 * Operators whose output has a shape that follows from the shapes of their inputs and from attributes, and so has the
 * time that they take. Those of ONNX up to opset 23.
 */
const bounded = new Set(
  `Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
  Cast CastLike Ceil Celu Clip Concat Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Det Div
  DynamicQuantizeLinear Einsum Elu Equal Erf Exp EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
  GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf
  IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool
  MaxRoiPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not Or PRelu Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN
  Reciprocal Relu ReverseSequence RoiAlign Round ScatterElements ScatterND Scatter Selu Shrink Sigmoid Sign Sin Sinh Size Softmax
  Softplus Softsign SpaceToDepth Sqrt StringConcat Sub Sum Swish Tan Tanh TfIdfVectorizer ThresholdedRelu Transpose Trilu Where Xor`.split(
    /\s+/,
  ),
);

/** Operators like these, except for inputs that say what shape the output has: which those are. */
const sizedBy: Readonly<Record<string, readonly number[]>> = {
  AffineGrid: [1],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  DFT: [1, 2],
  Expand: [1],
  MaxUnpool: [2],
  OneHot: [1],
  Pad: [1, 3],
  Range: [0, 1, 2],
  ReduceL1: [1],
  ReduceL2: [1],
  ReduceLogSum: [1],
  ReduceLogSumExp: [1],
  ReduceMax: [1],
  ReduceMean: [1],
  ReduceMin: [1],
  ReduceProd: [1],
  ReduceSum: [1],
  ReduceSumSquare: [1],
  Reshape: [1],
  Resize: [1, 2, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1, 2],
  TopK: [1],
  Unsqueeze: [1],
  Upsample: [1],
};

/** Operators whose output is a constant, or known from the shape of what they are given. */
const fixing = new Set(["Constant", "Shape", "Size"]);

/** Operators whose output depends on chance, which is no more known than a row's values. */
const drawing = new Set([
  "Bernoulli",
  "Dropout",
  "Multinomial",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
]);

/** Operators that run a graph of their own. */
const nesting = new Set(["If", "Loop", "Scan", "SequenceMap"]);

/** Operators whose output is as large as the values say, whatever else they are given. */
const sizedByValues = new Set([
  "Compress",
  "NonMaxSuppression",
  "NonZero",
  "StringNormalizer",
  "StringSplit",
  "Unique",
]);

/** Operators of ai.onnx.ml. All that depends on values in them is which way a row takes through a tree. */
const boundedMl = new Set(
  `ArrayFeatureExtractor Binarizer CategoryMapper FeatureVectorizer Imputer LabelEncoder LinearClassifier LinearRegressor Normalizer OneHotEncoder
  SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor ZipMap`.split(/\s+/),
);

/**
 * Ensembles in which ONNX Runtime 1.30 looks for no circle: a row that comes into one goes round for ever (measured; of
 * `TreeEnsemble`, it refuses such a file).
 */
const circling = new Set(["TreeEnsembleClassifier", "TreeEnsembleRegressor"]);
const circleLists = ["nodes_nodeids", "nodes_truenodeids", "nodes_falsenodeids"] as const;
const circleListSet: ReadonlySet<string> = new Set(circleLists);

/**
 * Why a run of these models may take any amount of time or memory.
 *
 * @returns Half a sentence, "its graph has a Loop"; undefined if every run is bounded by the number of rows.
 * @remarks Reads names only: 1 ms for an ensemble of 60,000 nodes. Takes any bytes.
 */
export function whyUnbounded(models: readonly Pick<EngineModel, "bytes">[]): string | undefined {
  for (const { bytes } of models) {
    const reason = whyUnboundedFile(bytes);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function whyUnboundedFile(bytes: Uint8Array): string | undefined {
  try {
    const { nodes, constants, hasFunctions } = readOutline(bytes);
    if (nodes.length === 0) return "its file has no graph that can be read";
    if (hasFunctions) return "its file defines operators of its own";
    const fixed = new Set(constants);
    // A name that the file gives twice is nobody's constant.
    for (const { outputs } of nodes) for (const name of outputs) fixed.delete(name);
    for (const node of nodes) {
      const reason = whyUnboundedNode(node, fixed) ?? whyCircular(node, bytes);
      if (reason !== undefined) return reason;
      if (!isFixed(node, fixed)) continue;
      for (const name of node.outputs) fixed.add(name);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof OutlineError)) throw error;
    return error.message;
  }
}

const isOnnx = (domain: string) => domain === "" || domain === "ai.onnx";

function whyUnboundedNode({ op, domain, inputs }: OutlineNode, fixed: ReadonlySet<string>): string | undefined {
  if (domain === "ai.onnx.ml" && boundedMl.has(op)) return undefined;
  if (!isOnnx(domain)) return `its operator ${quoted(`${domain}.${op}`)} isn't known to end`;
  if (nesting.has(op)) return `its graph has ${op === "If" ? "an" : "a"} ${op}`;
  if (sizedByValues.has(op)) return `the size that ${op} gives depends on values`;
  const sizes = Object.hasOwn(sizedBy, op) ? sizedBy[op]! : undefined;
  if (sizes === undefined)
    return bounded.has(op) || fixing.has(op) || drawing.has(op)
      ? undefined
      : `its operator ${quoted(op)} isn't known to end`;
  for (const index of sizes) {
    const name = inputs[index] ?? "";
    if (name !== "" && !fixed.has(name)) return `the size that ${op} gives depends on values`;
  }
  return undefined;
}

function isFixed({ op, domain, inputs }: OutlineNode, fixed: ReadonlySet<string>): boolean {
  if (!isOnnx(domain) || drawing.has(op)) return false;
  return fixing.has(op) || inputs.every((name) => name === "" || fixed.has(name));
}

/** In a tree without a circle, nodes can be numbered so that each is below its children, and every exporter does. */
function whyCircular(node: OutlineNode, bytes: Uint8Array): string | undefined {
  if (!circling.has(node.op)) return undefined;
  const lists = readLists(bytes, node, circleListSet);
  const [ids, yes, no] = circleLists.map((name) => lists.get(name) ?? []) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    const isLeaf = yes[i] === 0 && no[i] === 0;
    if (!isLeaf && !(yes[i]! > id && no[i]! > id)) return "a way through one of its trees may be a circle";
  }
  return undefined;
}

/** From a file that nobody vouches for, into a log. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 60));
}
