/** Goal: what stands in an ONNX file is read as it was written, in each of the ways in which the format can have it. */

import { describe, expect, test } from "vitest";
import { NotCovered } from "../../../../../server/inference/tree/not-covered.js";
import { readOnnx } from "../../../../../server/inference/tree/onnx-file.js";
import { encodeOnnx, type OnnxGraph, type OnnxTensor } from "../../../../support/onnx-file.js";

const graph = (change: Partial<OnnxGraph> = {}): OnnxGraph => ({ nodes: [], inputs: [], outputs: [], ...change });
const read = (change: Partial<OnnxGraph>) => readOnnx(encodeOnnx(graph(change)));

test("inputs, outputs and nodes are read by name, in their order", () => {
  const column = (name: string) => ({ name, type: "float32" as const, shape: ["rows", 2] });
  const file = read({
    nodes: [
      { op: "Floor", inputs: ["X"], outputs: ["F"] },
      { op: "TreeEnsemble", domain: "ai.onnx.ml", inputs: ["F", ""], outputs: ["Y", "Z"] },
    ],
    inputs: [column("X"), column("W")],
    outputs: [column("Y")],
  });
  expect(file.inputs).toEqual(["X", "W"]);
  expect(file.outputs).toEqual(["Y"]);
  expect(file.nodes.map(({ attributes, ...node }) => [node, attributes.size])).toEqual([
    [{ op: "Floor", domain: "", inputs: ["X"], outputs: ["F"] }, 0],
    [{ op: "TreeEnsemble", domain: "ai.onnx.ml", inputs: ["F", ""], outputs: ["Y", "Z"] }, 0],
  ]);
});

test("attributes are whole numbers, lists of them and tensors; of graphs only that they are there", () => {
  const attributes = {
    one: 7,
    negative: -1,
    none: 0,
    large: 2 ** 40,
    list: [0, -3, 200, 2 ** 31],
    body: graph(),
    table: tensorOf("float32", [1, 2]),
  };
  const [node] = read({ nodes: [{ op: "Any", inputs: [], outputs: [], attributes }] }).nodes;
  expect(Object.fromEntries(node!.attributes)).toEqual({
    ...attributes,
    body: undefined,
    table: { dtype: "float32", shape: [2], values: Float32Array.of(1, 2) },
  });
  expect([...node!.attributes.keys()]).toEqual(Object.keys(attributes));
});

test.each([
  ["packed", 1],
  ["not packed", 2],
])("a list of ten million whole numbers, %s, is refused before it is read to its end", (_, bytesEach) => {
  const varint = (value: number) =>
    value < 128 ? [value] : [(value & 127) | 128, ((value >> 7) & 127) | 128, ((value >> 14) & 127) | 128, value >> 21];
  const count = 10_000_000;
  const field = (number: number, ...parts: Buffer[]) => {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(content.length)]), content]);
  };
  const list = bytesEach === 1 ? field(8, Buffer.alloc(count)) : Buffer.alloc(count * 2, Buffer.from([0x40, 5]));
  const attribute = field(5, field(1, Buffer.from("list")), list, Buffer.from([0xa0, 1, 7]));
  const bytes = field(7, field(1, attribute));
  expect(() => readOnnx(bytes)).toThrow(new NotCovered("it has a list of more than 8000000 whole numbers"));
  // Short of that it is read: the file is of the right form.
  expect(
    readOnnx(
      field(7, field(1, field(5, field(1, Buffer.from("list")), field(8, Buffer.alloc(3)), Buffer.from([0xa0, 1, 7])))),
    ).nodes[0]!.attributes.get("list"),
  ).toEqual([0, 0, 0]);
});

test("a list that is packed is read as one that isn't", () => {
  const listed = encodeOnnx(
    graph({ nodes: [{ op: "Any", inputs: [], outputs: [], attributes: { list: [5, 6, 7] } }] }),
  );
  // Field 8 three times, two bytes each; packed it is there once, with its length and, so that the file stays as long,
  // a fourth number.
  const found = Buffer.from(listed).indexOf(Buffer.from([0x40, 5, 0x40, 6, 0x40, 7]));
  expect(found).toBeGreaterThan(0);
  const packed = Buffer.from(listed);
  packed.set([0x42, 4, 5, 6, 7, 8], found);
  expect(readOnnx(listed).nodes[0]!.attributes.get("list")).toEqual([5, 6, 7]);
  expect(readOnnx(packed).nodes[0]!.attributes.get("list")).toEqual([5, 6, 7, 8]);
});

test.each([
  ["a zero that isn't written", [], 2, 0],
  ["an empty list", [], 7, []],
  ["a tensor that isn't there", [], 4, undefined],
  ["a number where the type says text", [3 << 3, 5], 3, undefined],
  ["a number where the type says a list", [3 << 3, 5], 7, []],
])("an attribute's type decides: %s", (_, value, type, expected) => {
  // Fields 1, the name, and 20, the type; in a node, in a graph, in a model.
  const attribute = [0x0a, 1, 97, ...value, 0xa0, 0x01, type];
  const node = [0x2a, attribute.length, ...attribute];
  const file = [0x3a, node.length + 2, 0x0a, node.length, ...node];
  const { attributes } = readOnnx(Uint8Array.from(file)).nodes[0]!;
  expect([...attributes]).toEqual([["a", expected]]);
});

function tensorOf(
  type: NonNullable<OnnxTensor["type"]>,
  values: readonly number[],
  as: OnnxTensor["as"] = "bytes",
): OnnxTensor {
  return { type, shape: [values.length], values, as };
}

describe.each(["bytes", "list"] as const)("a constant whose values stand as %s", (as) => {
  test.each<[NonNullable<OnnxTensor["type"]>, readonly number[], object]>([
    [
      "float32",
      [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY],
      Float32Array.of(0.5, -0, Number.NaN, Number.POSITIVE_INFINITY),
    ],
    ["float64", [0.1, -1e300], Float64Array.of(0.1, -1e300)],
    ["uint8", [0, 6, 255], Uint8Array.of(0, 6, 255)],
    ["bool", [1, 0, 1], Uint8Array.of(1, 0, 1)],
  ])("is read in %s", (type, values, expected) => {
    const { constants } = read({ constants: { first: tensorOf("float32", [1]), C: tensorOf(type, values, as) } });
    expect(constants.get("C")).toEqual({ dtype: type, shape: [values.length], values: expected });
  });

  test("of a type that trees have no use for is there, as another", () => {
    expect(read({ constants: { C: tensorOf("int64", [1, 2], as) } }).constants.get("C")).toMatchObject({
      dtype: "other",
      shape: [2],
    });
  });
});

test("a constant of no dimension has one value", () => {
  const { constants } = read({ constants: { C: { shape: [], values: [3] } } });
  expect(constants.get("C")).toEqual({ dtype: "float32", shape: [], values: Float32Array.of(3) });
});

test("bytes of a last, incomplete value are none", () => {
  // 1 in float32, and two bytes more: written as bytes, and then told to be float32 (1 in place of 2 in the field of
  // the type).
  const file = Buffer.from(encodeOnnx(graph({ constants: { C: tensorOf("uint8", [0, 0, 128, 63, 7, 7]) } })));
  const type = file.indexOf(Buffer.from([2 << 3, 2]));
  expect(type).toBeGreaterThan(0);
  file[type + 1] = 1;
  expect(readOnnx(file).constants.get("C")?.values).toEqual(Float32Array.of(1));
});

test("what says nothing of a graph is an empty file", () => {
  expect(readOnnx(new Uint8Array(0))).toEqual({ nodes: [], constants: new Map(), inputs: [], outputs: [] });
});

test.each([
  ["a field of no kind", [0x3f]],
  ["a length that is longer than any", [0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ["a field that ends in its number", [0x3a, 0x05, 0x0a, 0x80]],
])("%s is refused by its place", (_, bytes) => {
  expect(() => readOnnx(Uint8Array.from(bytes))).toThrow(NotCovered);
  expect(() => readOnnx(Uint8Array.from(bytes))).toThrow(
    new RegExp(`^its file can't be read: byte \\d+ of ${bytes.length}: `),
  );
});
