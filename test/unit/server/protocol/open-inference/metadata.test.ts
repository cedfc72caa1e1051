/** Goal: the metadata name what a request may have and an answer has, and no extension that doesn't work. */

import { expect, it } from "vitest";
import {
  modelConfiguration,
  modelMetadata,
  serverMetadata,
} from "../../../../../server/protocol/open-inference/metadata.js";
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

it("of a model have a second form, which names no dimension of rows", () => {
  const contract = makeContract({ labels: [0, 1], rowsMax: 50 });
  expect(modelConfiguration(contract)).toMatchObject({
    name: "demand",
    max_batch_size: 50,
    input: [
      { name: "price", data_type: "TYPE_FP64", dims: [1], optional: false },
      { name: "count", data_type: "TYPE_INT64", dims: [1], optional: true },
      { name: "promo", data_type: "TYPE_BOOL", dims: [1], optional: true },
      { name: "city", data_type: "TYPE_STRING", dims: [1], optional: true },
      { name: "window", data_type: "TYPE_FP64", dims: [3], optional: true },
      { name: "flags", data_type: "TYPE_BOOL", dims: [-1], optional: true },
      { name: "tags", data_type: "TYPE_STRING", dims: [-1], optional: true },
    ],
    output: [{ name: "prediction", data_type: "TYPE_INT64", dims: [1] }],
  });
});

it("of the server are its name, its version and what it can", () => {
  expect(serverMetadata("1.2.3")).toEqual({
    name: "plumb",
    version: "1.2.3",
    extensions: ["classification", "model_configuration", "binary_tensor_data", "statistics"],
  });
});
