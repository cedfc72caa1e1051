/** The Open Inference Protocol over HTTP, as plainly as it goes: a request in, a reply out. */

import { Buffer } from "node:buffer";
import { gunzipSync, inflateSync } from "node:zlib";
import {
  bytesOf,
  datatypes,
  isFloat,
  isInteger,
  type Tensor,
  type Value,
  valuesOf,
} from "../../../conformance/tensors.js";
import { classify, models, type ReferenceModel, type ReferenceState, Refusal } from "./model.js";

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What is sent: mutants change it. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  /** Written as JSON, before the binary data. */
  json: unknown;
  binary: Buffer;
}

type Members = Record<string, unknown>;

export const extensions = ["binary_tensor_data", "classification", "model_configuration", "statistics"].concat([
  "model_repository",
  "schedule_policy",
  "parameters",
  "trace",
  "logging",
]);

const reply = (json: unknown, status = 200): HttpResponse => ({
  status,
  headers: { "content-type": "application/json" },
  json,
  binary: Buffer.alloc(0),
});

export function answerHttp(state: ReferenceState, request: HttpRequest): HttpResponse {
  try {
    return route(state, request);
  } catch (reason) {
    if (!(reason instanceof Refusal)) throw reason;
    return reply({ error: reason.message }, reason.isUnknown ? 404 : 400);
  }
}

function route(state: ReferenceState, { method, path, headers, body }: HttpRequest): HttpResponse {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const [, area, name = "", ...below] = parts;
  const version = below[0] === "versions" ? below[1] : undefined;
  const [verb] = version === undefined ? below : below.slice(2);
  const isRead = method === "GET";
  if (parts[0] !== "v2") throw new Refusal("there is nothing here", true);
  const expected = verb === "infer" || area === "repository" ? "POST" : "GET";
  if (method !== expected) return reply({ error: `${method} isn't taken here` }, 405);
  if (parts.length === 1) return reply({ name: "reference", version: "1.0", extensions });
  if (area === "health" && name === "live") return reply({ live: true });
  if (area === "health" && name === "ready") return reply({ ready: true });
  if (area === "trace") return reply({ trace_level: ["OFF"] });
  if (area === "logging") return reply({ log_info: true });
  if (area === "repository") return repository(state, parts.slice(2), parseOptional(body));
  if (area === "models" && name === "stats") return reply({ model_stats: models.map((model) => stats(state, model)) });
  if (area !== "models" || name === "") throw new Refusal("there is nothing here", true);
  const model = state.model(name, version);
  if (isRead && verb === undefined)
    return reply({ name, versions: ["1"], platform: "reference_sum", ...tensorsOf(model) });
  if (isRead && verb === "ready") {
    const ready = state.loaded.has(name);
    return reply({ name, ready }, ready ? 200 : 400);
  }
  if (isRead && verb === "config") return reply(configuration(model));
  if (isRead && verb === "stats") return reply({ model_stats: [stats(state, model)] });
  if (verb === "infer") return infer(state, model, inflate(headers, body), headers["inference-header-content-length"]);
  throw new Refusal("there is nothing here", true);
}

const tensorsOf = ({ inputs, outputs }: ReferenceModel) => ({ inputs, outputs });

function configuration({ name, inputs, outputs }: ReferenceModel): object {
  const tensor = ({ name, datatype, shape }: Omit<Tensor, "values">) => ({
    name,
    data_type: datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`,
    dims: shape.slice(1),
  });
  return { name, platform: "reference_sum", max_batch_size: 8, input: inputs.map(tensor), output: outputs.map(tensor) };
}

function stats(state: ReferenceState, { name }: ReferenceModel): object {
  const { inferences, executions, last } = state.counts.get(name)!;
  const some = { count: executions, ns: 1000 * executions };
  const kinds = ["success", "fail", "queue", "compute_input", "compute_infer", "compute_output"];
  return {
    name,
    version: "1",
    last_inference: last,
    inference_count: inferences,
    execution_count: executions,
    inference_stats: Object.fromEntries(kinds.map((kind) => [kind, some])),
    batch_stats: [{ batch_size: 1, compute_infer: some }],
  };
}

function repository(state: ReferenceState, [first, name = "", verb]: string[], members: Members): HttpResponse {
  if (first === "index") {
    const all = models.map((model) => ({
      name: model.name,
      version: "1",
      state: state.loaded.has(model.name) ? "READY" : "UNAVAILABLE",
      reason: "",
    }));
    return reply(members.ready === true ? all.filter((each) => each.state === "READY") : all);
  }
  state.model(name);
  if (verb === "load") state.loaded.add(name);
  else state.loaded.delete(name);
  return reply({});
}

function inflate(headers: HttpRequest["headers"], body: Buffer): Buffer {
  const coding = headers["content-encoding"];
  try {
    if (coding === undefined) return body;
    if (coding === "gzip") return gunzipSync(body);
    if (coding === "deflate") return inflateSync(body);
  } catch {
    throw new Refusal("the body isn't in its coding");
  }
  throw new Refusal(`the coding ${coding} isn't known`);
}

function parseObject(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal("the body isn't JSON");
  }
  return objectOf(value, "the body");
}

const parseOptional = (body: Buffer): Members => (body.length === 0 ? {} : parseObject(body.toString()));

function objectOf(value: unknown, what: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw new Refusal(`${what} isn't an object`);
}

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Refusal(`${what} isn't a list`);
}

function infer(
  state: ReferenceState,
  model: ReferenceModel,
  body: Buffer,
  header: string | string[] | undefined,
): HttpResponse {
  const length = header === undefined ? body.length : /^\d+$/.test(String(header)) ? Number(header) : Number.NaN;
  if (!(length <= body.length)) throw new Refusal("the header isn't a length within the body");
  const isRaw = length === 0 && header !== undefined;
  const members = isRaw ? {} : parseObject(body.toString("utf8", 0, length));
  const tensors = isRaw ? [rawTensor(model, body)] : readTensors(members.inputs, body.subarray(length));
  const parameters = objectOf(members.parameters ?? {}, "parameters");
  const answered = state.infer(model, tensors);
  const binary: Buffer[] = [];
  const outputs = chooseOutputs(members.outputs, answered, isRaw || parameters.binary_data_output === true).map(
    ({ tensor, isBinary }) => {
      const { values, ...head } = tensor;
      if (!isBinary) return { ...head, data: values };
      const bytes = bytesOf(tensor);
      binary.push(bytes);
      return { ...head, parameters: { binary_data_size: bytes.length } };
    },
  );
  const id = members.id === undefined ? {} : { id: members.id };
  const answer = reply({ model_name: model.name, model_version: "1", ...id, outputs });
  if (binary.length === 0) return answer;
  return { ...answer, headers: { "content-type": "application/octet-stream" }, binary: Buffer.concat(binary) };
}

function rawTensor({ inputs: [input] }: ReferenceModel, body: Buffer): Tensor {
  const values = valuesOf(input!.datatype, body);
  if (values === undefined) throw new Refusal("the bytes aren't whole elements");
  return { name: input!.name, datatype: input!.datatype, shape: [1, input!.shape[1]!], values };
}

function chooseOutputs(asked: unknown, answered: readonly Tensor[], asBinary: boolean) {
  const listed = listOf(asked ?? [], "outputs");
  if (listed.length === 0)
    return answered.map((tensor) => ({ tensor, isBinary: asBinary || tensor.datatype === "FP16" }));
  return listed.map((value) => {
    const { name, parameters = {} } = objectOf(value, "an output");
    const tensor = answered.find((each) => each.name === name);
    if (tensor === undefined) throw new Refusal(`there is no output ${name}`);
    const { classification, binary_data: isBinary = asBinary } = objectOf(parameters, "parameters");
    if (classification !== undefined && typeof classification !== "number")
      throw new Refusal("classification isn't a number");
    return {
      tensor: classification === undefined ? tensor : classify(tensor, classification),
      isBinary: isBinary === true,
    };
  });
}

function readTensors(inputs: unknown, binary: Buffer): Tensor[] {
  let at = 0;
  const tensors = listOf(inputs, "inputs").map((value): Tensor => {
    const input = objectOf(value, "an input");
    const { name, datatype } = input;
    if (typeof name !== "string" || typeof datatype !== "string" || datatypes[datatype] === undefined)
      throw new Refusal("an input has no name, or no data type of the table");
    const shape = listOf(input.shape, "a shape") as number[];
    if (!shape.every((size) => Number.isInteger(size) && size >= 0))
      throw new Refusal("a shape isn't of whole numbers");
    const size = objectOf(input.parameters ?? {}, "parameters").binary_data_size;
    if (size === undefined) return { name, datatype, shape, values: readData(datatype, shape, input.data) };
    if (!Number.isInteger(size) || (size as number) < 0 || at + (size as number) > binary.length)
      throw new Refusal("binary_data_size isn't within the body");
    const values = valuesOf(datatype, binary.subarray(at, at + (size as number)));
    if (values === undefined) throw new Refusal("the bytes aren't whole elements");
    at += size as number;
    return { name, datatype, shape, values };
  });
  if (at !== binary.length) throw new Refusal("bytes are left over");
  return tensors;
}

function readData(datatype: string, shape: readonly number[], data: unknown): Value[] {
  const list = listOf(data, "data");
  const isNested = Array.isArray(list[0]);
  const width = shape[1] ?? 1;
  const isRight = list.every((each) =>
    isNested ? Array.isArray(each) && each.length === width : !Array.isArray(each),
  );
  if (!isRight || (isNested && list.length !== shape[0]))
    throw new Refusal("data are neither flat nor in their dimensions");
  const values = list.flat() as Value[];
  if (!values.every((value) => isElement(datatype, value))) throw new Refusal(`an element isn't of ${datatype}`);
  return values;
}

function isElement(datatype: string, value: unknown): boolean {
  if (datatype === "BOOL") return typeof value === "boolean";
  if (datatype === "BYTES") return typeof value === "string";
  const { least, most } = datatypes[datatype]!;
  const isWhole = !isInteger(datatype) || Number.isInteger(value);
  return (
    typeof value === "number" &&
    isWhole &&
    (isFloat(datatype) || isInteger(datatype)) &&
    value >= least &&
    value <= most
  );
}
