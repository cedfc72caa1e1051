/** What the Open Inference Protocol says of the server and of a model. */

import type { ProtocolContract } from "../protocol.js";
import { tensorsOf } from "./decode.js";
import { shapeOf } from "./tensor.js";

/** Extensions of the protocol, by Triton's names; only what is served here. */
const extensions = ["binary_tensor_data", "classification"];

export function serverMetadata(version: string): object {
  return { name: "plumb", version, extensions };
}

/** @param versions - Numbers of the model's versions that are ready. */
export function modelMetadata(contract: ProtocolContract, versions: readonly number[]): object {
  const { inputs, outputs } = tensorsOf(contract);
  return {
    name: contract.name,
    versions: versions.map(String),
    platform: "onnx_onnxv1",
    inputs: [...inputs.values()]
      .filter(({ isMask }) => !isMask)
      .map((input) => ({ name: input.name, datatype: input.datatype, shape: shapeOf(input) })),
    outputs: outputs.map(({ name, datatype, width }) => ({ name, datatype, shape: [-1, width] })),
  };
}
