/**
 * The JSON of an inference request and of its answer: what the members mean, and tensors' elements as lists.
 *
 * Numbers are taken as they are written: 0.1 of an FP32 is 0.1, not the float32 next to it, so that the same text means
 * the same row to `/predict`. A null is a missing value. Members and parameters that nobody here knows are let be, as
 * the protocol wants it.
 *
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */

import { describeValue, quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { kindOf } from "../json/text.js";
import type { OutputTensor, OutputValues } from "./outputs.js";
import {
  checkHead,
  describeElement,
  type ElementReader,
  type InputTensor,
  numberRange,
  type TensorHead,
  tensorFault,
  unknownTensor,
} from "./tensor.js";

type Members = Readonly<Record<string, unknown>>;

/** One tensor of a request: its elements stand in `data`, or as so many bytes behind the JSON. */
export interface SentTensor {
  readonly head: TensorHead;
  readonly data: readonly unknown[] | undefined;
  readonly binaryBytes: number;
}

/** An output that is asked for, and the form in which it is. */
export interface ChosenOutput {
  readonly output: OutputTensor;
  readonly isBinary: boolean;
  /** So many of the largest values of a row, as texts; 0: the values themselves. */
  readonly classCount: number;
}

export interface SentRequest {
  readonly id: string | undefined;
  /** Microseconds in the request; 0 where it names none. */
  readonly timeoutMs: number;
  readonly inputs: readonly SentTensor[];
  readonly outputs: readonly ChosenOutput[];
}

/** What a version's requests may have. */
export interface KnownTensors {
  readonly inputs: ReadonlyMap<string, InputTensor>;
  readonly outputs: readonly OutputTensor[];
}

/**
 * Reads the members of a request; not yet what the tensors hold.
 *
 * @throws {@link ServeError} malformed_body, invalid_request (a parameter), schema_mismatch, too_many_rows.
 */
export function readRequest(members: Members, known: KnownTensors, rowsMax: number): SentRequest {
  const id = members.id ?? undefined;
  if (id !== undefined && typeof id !== "string") throw malformed("id", "a string", id);
  const parameters = readParameters("parameters", members.parameters);
  refuseUnsupported(parameters);
  const seen = new Set<string>();
  const inputs = listOf("inputs", members.inputs).map((input, index) => {
    const sent = readInput(`inputs[${index}]`, input, known.inputs, rowsMax);
    const { name } = sent.head.input;
    if (seen.has(name)) throw tensorFault(name, "one tensor of this name", "two");
    seen.add(name);
    return sent;
  });
  return { id, timeoutMs: readTimeout(parameters.timeout), inputs, outputs: readOutputs(members, parameters, known) };
}

function readInput(at: string, value: unknown, known: KnownTensors["inputs"], rowsMax: number): SentTensor {
  const members = objectOf(at, value);
  const name = nameOf(at, members);
  const input = known.get(name);
  if (input === undefined) throw unknownTensor(at, name, [...known.keys()]);
  const head = checkHead(input, members.datatype, listOf(`${at}.shape`, members.shape), rowsMax);
  const parameters = readParameters(`${at}.parameters`, members.parameters);
  refuseSharedMemory(at, parameters);
  const { binary_data_size: binaryBytes } = parameters;
  const data = members.data ?? undefined;
  if ((data === undefined) === (binaryBytes === undefined)) {
    throw tensorFault(
      name,
      'either "data" or the parameter "binary_data_size"',
      data === undefined ? "neither" : "both",
    );
  }
  if (data !== undefined) return { head, data: listOf(`${at}.data`, data), binaryBytes: 0 };
  if (!Number.isSafeInteger(binaryBytes) || (binaryBytes as number) < 0) {
    throw malformed(`${at}.parameters.binary_data_size`, "a number of bytes", binaryBytes);
  }
  return { head, data: undefined, binaryBytes: binaryBytes as number };
}

/** All outputs in the form of the request, or those that are listed: in their order, each in a form of its own. */
function readOutputs(members: Members, parameters: Members, { outputs }: KnownTensors): ChosenOutput[] {
  const asBinary = readFlag("parameters.binary_data_output", parameters.binary_data_output) ?? false;
  const listed = listOf("outputs", members.outputs ?? []);
  if (listed.length === 0) return outputs.map((output) => ({ output, isBinary: asBinary, classCount: 0 }));
  const seen = new Set<string>();
  return listed.map((value, index) => {
    const at = `outputs[${index}]`;
    const asked = objectOf(at, value);
    const name = nameOf(at, asked);
    const output = outputs.find((each) => each.name === name);
    if (output === undefined)
      throw unknownTensor(
        at,
        name,
        outputs.map((each) => each.name),
      );
    if (seen.has(name))
      throw new ServeError("malformed_body", `${at}: expected each output once, got ${quote(name)} again`);
    seen.add(name);
    const own = readParameters(`${at}.parameters`, asked.parameters);
    refuseSharedMemory(at, own);
    return {
      output,
      isBinary: readFlag(`${at}.parameters.binary_data`, own.binary_data) ?? asBinary,
      classCount: readClassCount(`${at}.parameters.classification`, own.classification, output),
    };
  });
}

function readClassCount(at: string, value: unknown, { datatype, name, width }: OutputTensor): number {
  if (value === undefined) return 0;
  if (datatype === "BYTES" || datatype === "BOOL") {
    throw new ServeError("invalid_request", `${at}: expected none, because ${quote(name)} is ${datatype}, not numbers`);
  }
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw invalid(at, "a number of classes, 1 or more", value);
  return Math.min(value as number, width);
}

function readTimeout(value: unknown): number {
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid("parameters.timeout", "microseconds", value);
  return (value as number) / 1000;
}

/** What would change the answer, or the order of answers, can't be let be. */
function refuseUnsupported(parameters: Members): void {
  for (const [key, value] of Object.entries(parameters)) {
    const isStateful = /^sequence_(?:id|start|end)$/.test(key) && value !== 0 && value !== "" && value !== false;
    const isReserved = key.startsWith("triton_");
    if (isStateful || isReserved || (key === "priority" && value !== 0)) {
      throw new ServeError("invalid_request", `parameters: ${quote(key)} isn't supported here: leave it away`);
    }
  }
}

function refuseSharedMemory(at: string, parameters: Members): void {
  if (parameters.shared_memory_region === undefined) return;
  throw new ServeError(
    "invalid_request",
    `${at}.parameters: shared memory isn't supported here: send the tensor itself`,
  );
}

function readParameters(at: string, value: unknown): Members {
  return value === undefined || value === null ? {} : objectOf(at, value);
}

function readFlag(at: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw invalid(at, "true or false", value);
}

function nameOf(at: string, { name }: Members): string {
  if (typeof name !== "string") throw malformed(`${at}.name`, "a string", name);
  return name;
}

function objectOf(at: string, value: unknown): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw malformed(at, "an object", value);
}

function listOf(at: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(at, "a list", value);
}

function malformed(at: string, expected: string, value: unknown): ServeError {
  return new ServeError(
    "malformed_body",
    `${at}: expected ${expected}, got ${value === undefined ? "nothing" : kindOf(value)}`,
  );
}

function invalid(at: string, expected: string, value: unknown): ServeError {
  return new ServeError("invalid_request", `${at}: expected ${expected}, got ${describeValue(value)}`);
}

/**
 * Reads a tensor's elements, a flat list or one list a row.
 *
 * @throws {@link ServeError} malformed_body for a list that isn't as long as the shape says; the reader throws it for
 *   elements that are no value of the data type.
 */
export function openJson(head: TensorHead, data: readonly unknown[]): ElementReader {
  const { input, datatype } = head;
  if (datatype === "FP16") throw tensorFault(input.name, "binary data, the only form of FP16", '"data"');
  const elements = flatten(head, data);
  const takesNull = !input.isMask && !input.isList;
  if (input.kind === "string") return openTexts(input, elements, takesNull);
  const { least, most, isWhole } = numberRange(datatype);
  const isBoolean = input.kind === "boolean";
  const values = new Float64Array(elements.length);
  const read = (first: number, end: number) => {
    for (let i = first; i < end; i++) {
      const value = elements[i];
      if (typeof value === "number" && !isBoolean) {
        if (!(value >= least && value <= most) || (isWhole && !Number.isInteger(value)))
          throw elementFault(input, i, numberWords(datatype), value);
        values[i] = value;
      } else if (typeof value === "boolean" && isBoolean) values[i] = value ? 1 : 0;
      else if (value === null && takesNull) values[i] = Number.NaN;
      else throw elementFault(input, i, isBoolean ? "true or false" : numberWords(datatype), value);
    }
  };
  return { values, read };
}

function openTexts(input: InputTensor, elements: readonly unknown[], takesNull: boolean): ElementReader {
  const values: (string | null)[] = [];
  const read = (first: number, end: number) => {
    for (let i = first; i < end; i++) {
      const value = elements[i];
      if (typeof value !== "string" && !(value === null && takesNull)) throw elementFault(input, i, "a string", value);
      values.push(value as string | null);
    }
  };
  return { values, read };
}

function numberWords(datatype: TensorHead["datatype"]): string {
  const { least, most, isWhole } = numberRange(datatype);
  const range = datatype === "FP64" ? "" : ` from ${least} to ${most}`;
  const hint = datatype.endsWith("INT64") ? " (beyond, JSON loses digits: send binary data)" : "";
  return `${isWhole ? "an integer" : "a number"}${range}${hint}`;
}

function flatten({ input, rowCount, width }: TensorHead, data: readonly unknown[]): readonly unknown[] {
  const count = rowCount * width;
  const depth = input.blockShape?.length ?? 1;
  if (!Array.isArray(data[0])) {
    if (data.length === count) return data;
    throw tensorFault(input.name, `${count} elements, as its shape says`, String(data.length));
  }
  if (data.length !== rowCount)
    throw tensorFault(input.name, `${rowCount} rows, as its shape says`, String(data.length));
  for (const [row, items] of data.entries()) {
    if (Array.isArray(items) && (depth > 1 ? items.flat(depth - 1) : items).length === width) continue;
    throw tensorFault(
      input.name,
      `a list of ${width} for row ${row}, as its shape says`,
      describeElement(input, items),
    );
  }
  return data.flat(depth);
}

function elementFault(input: InputTensor, index: number, expected: string, value: unknown): ServeError {
  return tensorFault(input.name, `${expected}, in element ${index}`, describeElement(input, value));
}

/**
 * An output's values as the items of a JSON list; a number as the shortest text that reads back as the same one, its
 * sign included, which `JSON.stringify` takes from zero.
 */
export function writeJson(values: OutputValues): string {
  const list = Array.from<unknown>(values);
  if (!list.some((value) => Object.is(value, -0))) return JSON.stringify(list).slice(1, -1);
  return list.map((value) => (Object.is(value, -0) ? "-0" : JSON.stringify(value))).join(",");
}
