/**
 * ONNX Runtime as an engine. The only importer of onnxruntime-node.
 *
 * The package's public `run` is a `setImmediate` round the same synchronous native call (its dist/backend.js): it takes
 * nothing off this thread, and costs a turn of the event loop and two promises per batch. So the binding below it is
 * called directly. The version is pinned exactly, and the first `load` fails with a sentence if the binding has another
 * form than the one used here (docs/decisions/0001-synchronous-onnxruntime.md).
 */

import { createRequire } from "node:module";
import type { Block } from "../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession, TensorDescription } from "./engine.js";
import { rowWidth } from "./tensor.js";

interface NativeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}
type TensorConstructor = new (type: string, data: Block, dims: readonly number[]) => NativeTensor;
interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  readonly inputMetadata: readonly { name: string }[];
  readonly outputMetadata: readonly { name: string }[];
  run(
    feeds: Record<string, NativeTensor>,
    fetches: Record<string, null>,
    options: object,
  ): Record<string, NativeTensor>;
  dispose(): void;
}
interface Runtime {
  createNative: () => NativeSession;
  Tensor: TensorConstructor;
}

// One thread: more change the bits of a tree ensemble's sum (measured: 899 of 1,032 rows at batch 129). No arena: a
// burst of large batches would stay in it for ever. Nothing is printed: the runtime's own lines would stand among the
// JSON ones and repeat values of rows, and what it throws has the same text.
const sessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  enableCpuMemArena: false,
  logSeverityLevel: 4,
};
const runOptions = {};

// The runtime reports to its makers by default, and writes an id into the home folder. Read when the native library is
// loaded.
process.env.ORT_DISABLE_TELEMETRY ??= "1";

/**
 * Loads the native library on first use, so that a process that runs no model (a CLI's `--help`) doesn't pay for it.
 */
let runtime: Runtime | undefined;
export function openRuntime(): Runtime {
  if (runtime) return runtime;
  const require = createRequire(import.meta.url);
  const { Tensor } = require("onnxruntime-common") as { Tensor: TensorConstructor };
  const { binding, initOrt } = require("onnxruntime-node/dist/binding.js") as {
    binding?: { InferenceSession?: new () => NativeSession };
    initOrt?: () => void;
  };
  const Native = binding?.InferenceSession;
  if (Native === undefined || initOrt === undefined || typeof Native.prototype.loadModel !== "function") {
    throw new Error(
      "onnxruntime-node's binding has another form than that of 1.30.0: install the version that package.json pins",
    );
  }
  initOrt();
  runtime = { createNative: () => new Native(), Tensor };
  return runtime;
}

class OnnxSession implements EngineSession {
  readonly #native: NativeSession;
  readonly #model: EngineModel;
  readonly #Tensor: TensorConstructor;
  readonly #fetches: Record<string, null>;

  constructor(native: NativeSession, model: EngineModel, Tensor: TensorConstructor) {
    this.#native = native;
    this.#model = model;
    this.#Tensor = Tensor;
    this.#fetches = Object.fromEntries(model.outputs.map(({ name }) => [name, null]));
  }

  run(blocks: readonly Block[], rowCount: number): Block[] {
    const feeds: Record<string, NativeTensor> = {};
    const { inputs, outputs } = this.#model;
    for (let i = 0; i < inputs.length; i++) {
      const { name, dtype, shape } = inputs[i]!;
      feeds[name] = new this.#Tensor(dtype, blocks[i]!, [rowCount, ...(shape.slice(1) as number[])]);
    }
    const results = this.#native.run(feeds, this.#fetches, runOptions);
    return outputs.map((output) => outputBlock(results[output.name], output, rowCount));
  }

  release(): void {
    this.#native.dispose();
  }
}

function outputBlock(tensor: NativeTensor | undefined, output: TensorDescription, rowCount: number): Block {
  const data = tensor?.data;
  const expected = output.dtype === "float32" ? Float32Array : Float64Array;
  const length = rowCount * rowWidth(output);
  if (!(data instanceof expected) || data.length !== length) {
    const got = tensor === undefined ? "nothing" : `${tensor.type} [${tensor.dims.join(", ")}]`;
    throw new Error(
      `output "${output.name}" of the model: expected ${output.dtype} [${[rowCount, ...output.shape.slice(1)].join(", ")}], got ${got}`,
    );
  }
  return data;
}

export const onnxruntime: Engine = {
  name: "onnxruntime",
  load(model: EngineModel): EngineSession {
    const { createNative, Tensor } = openRuntime();
    const native = createNative();
    try {
      const { buffer, byteOffset, byteLength } = ownBytes(model.bytes);
      native.loadModel(buffer, byteOffset, byteLength, sessionOptions);
    } catch (error) {
      throw new Error(`model "${model.id}": ONNX Runtime can't load the file: ${(error as Error).message}`, {
        cause: error,
      });
    }
    sameNames("input", model, native.inputMetadata, model.inputs);
    sameNames("output", model, native.outputMetadata, model.outputs);
    return new OnnxSession(native, model, Tensor);
  },
};

/** The binding refuses memory that threads share. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
}

function sameNames(
  kind: "input" | "output",
  model: EngineModel,
  found: readonly { name: string }[],
  declared: readonly TensorDescription[],
): void {
  const expected = declared.map(({ name }) => name).sort();
  const got = found.map(({ name }) => name).sort();
  // A model may have more outputs than the bundle uses, but an input that isn't fed would fail at the first call.
  const matches = kind === "input" ? expected.join() === got.join() : expected.every((name) => got.includes(name));
  if (!matches) {
    throw new Error(
      `model "${model.id}": the manifest declares the ${kind}s ${JSON.stringify(expected)}, the file has ${JSON.stringify(got)}`,
    );
  }
}
