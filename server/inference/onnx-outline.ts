/**
 * Reads the outline of an ONNX file: its nodes with their inputs and outputs by name, and the names of its constants.
 * Values stay unread.
 *
 * ONNX is a protobuf message; the field numbers below are those of onnx.proto3. The reader is for files that nobody
 * vouches for: it takes time and memory in proportion to the file, never recurses, and stops at more nodes than any
 * model has. A field of another wire type than the format's is skipped, as ONNX Runtime's reader skips it, so that both
 * see the same graph.
 */

import { PbfReader } from "pbf";

export interface OnnxOutline {
  readonly nodes: readonly OutlineNode[];
  /** Names of the constants that stand in the file. */
  readonly constants: ReadonlySet<string>;
  /** Whether the file defines operators of its own, out of others. */
  readonly hasFunctions: boolean;
}

export interface OutlineNode {
  readonly op: string;
  readonly domain: string;
  /** "" is an input that isn't given. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Where the node's attributes stand in the file, each as first byte and end. */
  readonly attributes: readonly (readonly [first: number, end: number])[];
}

/** More than any exporter writes; without a bound, a file of empty nodes would fill the heap. */
const nodesMax = 200_000;
/** Inputs and outputs of all nodes, attributes, and constants. */
const partsMax = 2_000_000;
/** Whole numbers of one list: those of an ensemble of 8 million nodes. */
const listMax = 8_000_000;

export class OutlineError extends Error {}

const wireBytes = 2;

/** @throws {@link OutlineError} with half a sentence, for bytes that are no such message or too many parts. */
export function readOutline(bytes: Uint8Array): OnnxOutline {
  // A FlatBuffer, which ONNX Runtime recognises by these bytes and doesn't read as protobuf.
  if (Buffer.from(bytes.subarray(4, 8)).toString("latin1") === "ORTM")
    throw new OutlineError("its file is in ONNX Runtime's own format");
  const outline = { nodes: [] as OutlineNode[], constants: new Set<string>(), hasFunctions: false };
  let parts = 0;
  const count = () => {
    if (++parts > partsMax) throw new OutlineError(`its graph has more than ${partsMax} names`);
  };
  const readNode = (reader: PbfReader): OutlineNode => {
    const node = {
      op: "",
      domain: "",
      inputs: [] as string[],
      outputs: [] as string[],
      attributes: [] as [number, number][],
    };
    return reader.readMessage((field, to, from) => {
      if (from.type !== wireBytes) return;
      if (field === 1 || field === 2) {
        count();
        (field === 1 ? to.inputs : to.outputs).push(from.readString());
      } else if (field === 4) to.op = from.readString();
      else if (field === 5) {
        count();
        const first = from.pos;
        from.pos = from.readVarint() + from.pos;
        to.attributes.push([first, from.pos]);
      } else if (field === 7) to.domain = from.readString();
    }, node);
  };
  const readGraph = (field: number, to: typeof outline, from: PbfReader): void => {
    if (from.type !== wireBytes) return;
    if (field === 1) {
      if (to.nodes.length === nodesMax) throw new OutlineError(`its graph has more than ${nodesMax} nodes`);
      to.nodes.push(readNode(from));
    } else if (field === 5) {
      count();
      to.constants.add(readName(from));
    }
  };
  read(bytes, 0, bytes.length, (reader) =>
    reader.readFields((field, to, from) => {
      if (from.type !== wireBytes) return;
      if (field === 7) from.readMessage(readGraph, to);
      else if (field === 25) to.hasFunctions = true;
    }, outline),
  );
  return outline;
}

/**
 * The lists of whole numbers among a node's attributes, by name.
 *
 * @param names - Those that are wanted.
 * @throws {@link OutlineError} with half a sentence.
 */
export function readLists(
  bytes: Uint8Array,
  { attributes }: OutlineNode,
  names: ReadonlySet<string>,
): ReadonlyMap<string, readonly number[]> {
  const lists = new Map<string, number[]>();
  for (const [first, end] of attributes) {
    let name = "";
    // The name may stand behind the list.
    read(bytes, first, end, (reader) => {
      reader.readMessage((field, _, from) => {
        if (field === 1 && from.type === wireBytes) name = from.readString();
      }, undefined);
    });
    if (!names.has(name)) continue;
    if (lists.has(name)) throw new OutlineError(`its attribute ${name} is there twice`);
    lists.set(name, readList(bytes, first, end));
  }
  return lists;
}

function readList(bytes: Uint8Array, first: number, end: number): number[] {
  const list: number[] = [];
  const take = (from: PbfReader) => {
    if (list.length === listMax) throw new OutlineError(`it has a list of more than ${listMax} whole numbers`);
    list.push(from.readVarint(true));
  };
  read(bytes, first, end, (reader) => {
    reader.readMessage((field, _, from) => {
      if (field !== 8) return;
      if (from.type === wireBytes) {
        const listEnd = Math.min(bytes.length, from.readVarint() + from.pos);
        while (from.pos < listEnd) take(from);
      } else if (from.type === 0) take(from);
    }, undefined);
  });
  return list;
}

function read(bytes: Uint8Array, first: number, end: number, run: (reader: PbfReader) => void): void {
  const reader = new PbfReader(bytes.subarray(0, end));
  reader.pos = first;
  try {
    run(reader);
  } catch (error) {
    if (error instanceof OutlineError) throw error;
    throw new OutlineError(
      `its file can't be read: byte ${reader.pos} of ${bytes.length}: ${(error as Error).message}`,
    );
  }
  if (reader.pos > end) throw new OutlineError("its file ends in the middle of the graph");
}

/** A TensorProto's name. */
function readName(reader: PbfReader): string {
  return reader.readMessage(
    (field, to, from) => {
      if (field === 8 && from.type === wireBytes) to.name = from.readString();
    },
    { name: "" },
  ).name;
}
