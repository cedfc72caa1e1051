/** Goal: the metadata name what a request may have and an answer has, and no extension that doesn't work. */

import { expect, it } from "vitest";
import { modelMetadata, serverMetadata } from "../../../../../server/protocol/open-inference/metadata.js";
import { makeContract } from "../../../../support/open-inference.js";

it("of a model are its tensors", () => {
  const contract = makeContract({ labels: ["no", "yes"], hasProbabilities: true });
  expect(modelMetadata(contract, [3, 2])).toEqual({
    name: "demand",
    versions: ["3", "2"],
    platform: "onnx_onnxv1",
    inputs: [
      { name: "price", datatype: "FP64", shape: [-1, 1] },
      { name: "count", datatype: "INT64", shape: [-1, 1] },
      { name: "promo", datatype: "BOOL", shape: [-1, 1] },
      { name: "city", datatype: "BYTES", shape: [-1, 1] },
      { name: "window", datatype: "FP64", shape: [-1, 3] },
      { name: "flags", datatype: "BOOL", shape: [-1, -1] },
      { name: "tags", datatype: "BYTES", shape: [-1, -1] },
    ],
    outputs: [
      { name: "prediction", datatype: "BYTES", shape: [-1, 1] },
      { name: "probabilities", datatype: "FP64", shape: [-1, 2] },
    ],
  });
});

it("of the server are its name, its version and what it can", () => {
  expect(serverMetadata("1.2.3")).toEqual({
    name: "plumb",
    version: "1.2.3",
    extensions: ["binary_tensor_data", "classification"],
  });
});
