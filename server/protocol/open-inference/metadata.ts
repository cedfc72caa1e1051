/** What the Open Inference Protocol says of the server and of a model. */

import type { ProtocolContract } from "../protocol.js";
import { tensorsOf } from "./decode.js";
import { type Datatype, shapeOf } from "./tensor.js";

/** Extensions of the protocol, by Triton's names; only what is served here. */
const extensions = ["classification", "model_configuration", "binary_tensor_data", "statistics"];

const platform = "onnx_onnxv1";

/** @param withRepository - Whether the repository extension is served where this is asked. */
export function serverMetadata(version: string, withRepository = false): object {
  return { name: "plumb", version, extensions: withRepository ? [...extensions, "model_repository"] : extensions };
}

/** @param versions - Numbers of the model's versions that are ready. */
export function modelMetadata(contract: ProtocolContract, versions: readonly number[]): object {
  const { inputs, outputs } = tensorsOf(contract);
  return {
    name: contract.name,
    versions: versions.map(String),
    platform,
    inputs: [...inputs.values()]
      .filter(({ isMask }) => !isMask)
      .map((input) => ({ name: input.name, datatype: input.datatype, shape: shapeOf(input) })),
    outputs: outputs.map(({ name, datatype, dims }) => ({ name, datatype, shape: [-1, ...dims] })),
  };
}

/** What Triton's clients read of a model's configuration: perf_analyzer asks for it before it sends anything. */
export function modelConfiguration(contract: ProtocolContract): object {
  const { inputs, outputs } = tensorsOf(contract);
  return {
    name: contract.name,
    platform,
    max_batch_size: contract.bodyLimits.decode.rowsMax,
    input: [...inputs.values()]
      .filter(({ isMask }) => !isMask)
      .map((input) => ({
        name: input.name,
        data_type: configurationType(input.datatype),
        dims: shapeOf(input).slice(1),
        optional: !input.feature.required,
      })),
    output: outputs.map(({ name, datatype, dims }) => ({ name, data_type: configurationType(datatype), dims })),
  };
}

function configurationType(datatype: Datatype): string {
  return datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`;
}
