/** A random tree model as an ONNX file, and its answers: complete trees whose sums are exact in any order. */

import { Buffer } from "node:buffer";
import type { Random } from "../../loadtest/random.js";

const treeCount = 100;
const depth = 6;
const innerNodes = 2 ** depth - 1;

export interface TreeModel {
  readonly onnx: Buffer;
  /** @param block - A row in float32. */
  answer(block: Float32Array): number;
}

/** @param featureCount - Values of a row, about -2 to 2. */
export function growTrees(featureCount: number, random: Random): TreeModel {
  const features = Array.from({ length: treeCount * innerNodes }, () => Math.floor(random.uniform() * featureCount));
  const splits = Float32Array.from(features, () => random.uniform() * 3 - 1.5);
  // Multiples of 2^-10: float32 holds each sum of a hundred of them.
  const leaves = Float32Array.from(
    { length: treeCount * 2 ** depth },
    () => Math.floor(random.uniform() * 1024) / 1024,
  );
  return {
    onnx: encodeModel(featureCount, features, splits, leaves),
    answer(block) {
      let sum = 0;
      for (let tree = 0; tree < treeCount; tree++) {
        let node = 0;
        while (node < innerNodes) {
          const at = tree * innerNodes + node;
          node = 2 * node + (block[features[at]!]! <= splits[at]! ? 1 : 2);
        }
        sum += leaves[tree * 2 ** depth + node - innerNodes]!;
      }
      return sum;
    },
  };
}

/** Numbers of onnx.proto3: fields of a message, and element types. */
const float32 = 1;
const uint8 = 2;

function encodeModel(featureCount: number, features: number[], splits: Float32Array, leaves: Float32Array): Buffer {
  const ids = { trueIds: [] as number[], trueLeafs: [] as number[], falseIds: [] as number[] };
  for (let tree = 0; tree < treeCount; tree++) {
    for (let node = 0; node < innerNodes; node++) {
      const child = 2 * node + 1;
      const isLast = child >= innerNodes;
      const first = isLast ? tree * 2 ** depth + child - innerNodes : tree * innerNodes + child;
      ids.trueIds.push(first);
      ids.falseIds.push(first + 1);
      ids.trueLeafs.push(isLast ? 1 : 0);
    }
  }
  const zeros = features.map(() => 0);
  const node = Buffer.concat([
    text(1, "X"),
    text(2, "Y"),
    text(4, "TreeEnsemble"),
    integer("n_targets", 1),
    integer("aggregate_function", 1),
    integer("post_transform", 0),
    integers(
      "tree_roots",
      Array.from({ length: treeCount }, (_, tree) => tree * innerNodes),
    ),
    integers("nodes_featureids", features),
    tensor("nodes_splits", float32, Buffer.from(splits.buffer), splits.length),
    tensor("nodes_modes", uint8, Buffer.from(zeros), zeros.length),
    integers("nodes_missing_value_tracks_true", zeros),
    integers("nodes_truenodeids", ids.trueIds),
    integers("nodes_trueleafs", ids.trueLeafs),
    integers("nodes_falsenodeids", ids.falseIds),
    integers("nodes_falseleafs", ids.trueLeafs),
    integers(
      "leaf_targetids",
      Array.from(leaves, () => 0),
    ),
    tensor("leaf_weights", float32, Buffer.from(leaves.buffer), leaves.length),
    text(7, "ai.onnx.ml"),
  ]);
  const graph = [message(1, node), text(2, "trees"), value(11, "X", featureCount), value(12, "Y", 1)];
  const versions = [message(8, number(2, 21)), message(8, Buffer.concat([text(1, "ai.onnx.ml"), number(2, 5)]))];
  return Buffer.concat([number(1, 10), message(7, Buffer.concat(graph)), ...versions]);
}

function value(field: number, name: string, width: number): Buffer {
  const shape = [message(1, text(2, "rows")), message(1, number(1, width))];
  const type = Buffer.concat([number(1, float32), message(2, Buffer.concat(shape))]);
  return message(field, Buffer.concat([text(1, name), message(2, message(1, type))]));
}

const attribute = (name: string, kind: number, content: Buffer) =>
  message(5, Buffer.concat([text(1, name), content, number(20, kind)]));
const integer = (name: string, content: number) => attribute(name, 2, number(3, content));
const integers = (name: string, content: readonly number[]) =>
  attribute(name, 7, message(8, Buffer.concat(content.map(varint))));
const tensor = (name: string, type: number, bytes: Buffer, length: number) =>
  attribute(name, 4, message(5, Buffer.concat([number(1, length), number(2, type), message(9, bytes)])));

const number = (field: number, content: number) => Buffer.concat([varint(field * 8), varint(content)]);
const text = (field: number, content: string) => message(field, Buffer.from(content));
const message = (field: number, content: Buffer) =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);

function varint(content: number): Buffer {
  const bytes: number[] = [];
  let rest = content;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.from([...bytes, rest]);
}
