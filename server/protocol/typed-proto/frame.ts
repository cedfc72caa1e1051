/** What is the same in every reply of a version, made once. */

import { Buffer } from "node:buffer";
import type { Prediction, Scalar } from "../../../preprocessing/index.js";
import { WireWriter } from "../protobuf/wire.js";
import type { ProtocolContract } from "../protocol.js";
import { type ValueType, valueTypeOf } from "./messages.js";

export interface TypedFrame {
  readonly valueType: ValueType;
  readonly width: number;
  /** `value` of each label that is a text. */
  readonly labelFields: ReadonlyMap<Scalar, Buffer>;
  /** The entries of a row's probabilities, with 0 for each, and where the numbers stand. */
  readonly entries: Buffer;
  readonly numberPlaces: readonly number[];
  /** Model and version. */
  readonly tail: Buffer;
  readonly labels: readonly Scalar[];
  readonly labelKeys: readonly string[];
  readonly jsonTail: string;
}

export function createFrame({ name, number, postprocessor }: ProtocolContract): TypedFrame {
  const { names, labels = [], hasProbabilities } = postprocessor;
  const valueType = valueTypeOf(postprocessor);
  const entries = hasProbabilities ? labels.map(entryOf) : [];
  const numberPlaces: number[] = [];
  let end = 0;
  for (const entry of entries) {
    end += entry.length;
    numberPlaces.push(end - 8);
  }
  const texts = valueType === "string" ? labels : [];
  return {
    valueType,
    width: names?.length ?? 1,
    labelFields: new Map(texts.map((label) => [label, labelBytes(label)])),
    entries: Buffer.concat(entries),
    numberPlaces,
    tail: new WireWriter().text(2, name).text(3, String(number)).finish(),
    labels,
    labelKeys: hasProbabilities ? labels.map((label) => `${JSON.stringify(String(label))}:`) : [],
    jsonTail: `,"model":${JSON.stringify(name)},"version":"${number}","requestId":"`,
  };
}

/** The value of a map's entry: its tag, and room for the number. */
const doubleOfEntry = Buffer.from([0x11, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A map's entry: field 2 of a prediction, its key in front of 8 bytes of zeros. */
function entryOf(label: Scalar): Buffer {
  const entry = new WireWriter().item(1, String(label)).raw(doubleOfEntry);
  return new WireWriter().message(2, entry).finish();
}

export function labelBytes(label: Prediction): Buffer {
  return new WireWriter().item(1, String(label)).finish();
}
