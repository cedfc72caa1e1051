/** Requests that carry tensors as bytes. */

import { Buffer } from "node:buffer";
import { bytesOf, jsonInput, type Tensor } from "./tensors.js";

export interface BinaryMessage {
  readonly body: Buffer;
  /** Of the JSON, bytes. */
  readonly length: string;
}

/**
 * @param members - Of the request, beside its inputs.
 * @param isBinary - Which inputs are bytes; the others are lists in the JSON.
 */
export function binaryMessage(
  tensors: readonly Tensor[],
  members: object = {},
  isBinary: (tensor: Tensor, index: number) => boolean = () => true,
): BinaryMessage {
  const binary = tensors.map((tensor, index) => (isBinary(tensor, index) ? bytesOf(tensor) : undefined));
  const inputs = tensors.map((tensor, index) => binaryInput(tensor, binary[index]));
  return joinBinary(
    { inputs, ...members },
    binary.flatMap((bytes) => bytes ?? []),
  );
}

function binaryInput(tensor: Tensor, bytes: Buffer | undefined): object {
  if (bytes === undefined) return jsonInput(tensor);
  const { data: _, ...head } = jsonInput(tensor);
  return { ...head, parameters: { binary_data_size: bytes.length } };
}

export function joinBinary(members: object, binary: readonly Buffer[]): BinaryMessage {
  const json = Buffer.from(JSON.stringify(members));
  return { body: Buffer.concat([json, ...binary]), length: String(json.length) };
}
