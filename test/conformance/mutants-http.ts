/** For each case over HTTP a server that is wrong in the one thing that the case is about. */

import { Buffer } from "node:buffer";
import type { HttpRequest, HttpResponse } from "./reference/http.js";
import type { Mutant } from "./reference/server.js";

// biome-ignore lint/suspicious/noExplicitAny: replies are changed in whatever they have
type Json = any;
type Change = NonNullable<Mutant["http"]>;

const edit =
  (change: (json: Json) => void): Change =>
  (response) =>
    change(response.json);
const status =
  (code: number): Change =>
  (response) => {
    response.status = code;
  };
const header =
  (name: string, value: string): Change =>
  (response) => {
    response.headers[name] = value;
  };
const at =
  (index: number, change: Change): Change =>
  (response, request, now) => {
    if (now === index) change(response, request, now);
  };
const first = (change: Change): Change => at(0, change);
const output = (change: (output: Json) => void): Change => edit((json) => change(json.outputs[0]));

/** The server answers what it should refuse. */
const takes: Change = (response) => {
  response.status = 200;
  response.json = { model_name: "sum", outputs: [] };
};
const refuses: Change = (response) => {
  Object.assign(response, { status: 400, json: { error: "not here" }, binary: Buffer.alloc(0) });
};
const breaks: Change = (response) => {
  Object.assign(response, { status: 500, json: { error: "internal" }, binary: Buffer.alloc(0) });
};
const withoutError: Change = edit((json) => {
  delete json.error;
});
const wrongValue: Change = output((tensor) => {
  if (tensor.data !== undefined) tensor.data[0] += 1;
});
/** Also where the values are bytes. */
const wrongAnswer: Change = (response, request, index) => {
  if (response.binary.length > 0) response.binary[response.binary.length - 1]! ^= 0x10;
  else wrongValue(response, request, index);
};
const hasHeader = ({ headers }: HttpRequest) => headers["inference-header-content-length"] !== undefined;
const ofBinary =
  (change: Change): Change =>
  (response, request, index) => {
    if (hasHeader(request)) change(response, request, index);
  };
/** Binary data as JSON. */
const asJson: Change = (response: HttpResponse) => {
  const { json } = response as { json: Json };
  for (const tensor of json.outputs) Object.assign(tensor, { data: [0], parameters: undefined });
  response.binary = Buffer.alloc(0);
};
const statistics = (change: (stat: Json) => void): Change => edit((json) => change(json.model_stats[0]));
const set =
  (name: string, value: unknown): Change =>
  (response) => {
    (response.json as Json)[name] = value;
  };

export const httpMutants: Readonly<Record<string, Change>> = {
  "http.health.live": status(503),
  "http.health.ready": status(503),
  "http.health.model-ready": status(503),
  "http.health.version-ready": status(404),
  "http.health.live-body": set("live", "yes"),
  "http.health.ready-body": set("ready", false),
  "http.health.model-ready-body": set("name", undefined),
  "http.health.unknown-model": status(200),
  "http.health.unknown-version": status(500),
  "http.method.live": status(200),
  "http.method.metadata": status(500),
  "http.method.infer": status(200),
  "http.method.unknown-path": status(400),
  "http.server.status": status(204),
  "http.server.name": set("name", undefined),
  "http.server.version": set("version", 2),
  "http.server.extensions": set("extensions", [1]),
  "http.server.content-type": header("content-type", "text/plain"),
  "http.model.status": status(206),
  "http.model.content-type": header("content-type", "text/html"),
  "http.model.name": set("name", "other"),
  "http.model.versions": set("versions", [1]),
  "http.model.platform": set("platform", undefined),
  "http.model.inputs": set("inputs", []),
  "http.model.inputs-name": edit((json) => {
    json.inputs[1].name = json.inputs[0].name;
  }),
  "http.model.inputs-datatype": edit((json) => {
    json.inputs[0].datatype = "float32";
  }),
  "http.model.inputs-shape": edit((json) => {
    json.inputs[0].shape = [null, 2];
  }),
  "http.model.outputs": set("outputs", undefined),
  "http.model.outputs-name": edit((json) => {
    delete json.outputs[0].name;
  }),
  "http.model.outputs-datatype": edit((json) => {
    json.outputs[0].datatype = "DOUBLE";
  }),
  "http.model.outputs-shape": edit((json) => {
    json.outputs[0].shape = [-2, 1];
  }),
  "http.model.version-address": status(404),
  "http.model.unknown": takes,
  "http.model.unknown-version": withoutError,
  "http.infer.status": status(201),
  "http.infer.content-type": header("content-type", "text/plain"),
  "http.infer.model-name": set("model_name", undefined),
  "http.infer.model-version": set("model_version", "7"),
  "http.infer.version-address": set("model_version", "2"),
  "http.infer.unknown-model": takes,
  "http.infer.unknown-version": takes,
  "http.infer.id": set("id", "another"),
  "http.infer.id-unicode": edit((json) => {
    json.id = Buffer.from(json.id, "latin1").toString("latin1");
  }),
  "http.infer.id-long": edit((json) => {
    json.id = json.id.slice(0, 255);
  }),
  "http.infer.id-absent": set("id", null),
  "http.infer.parameters-form": set("parameters", { nested: {} }),
  "http.infer.outputs": edit((json) => json.outputs.pop()),
  "http.infer.output-datatype": output((tensor) => {
    tensor.datatype = "FP32";
  }),
  "http.infer.output-shape": output((tensor) => {
    tensor.shape = [1];
  }),
  "http.infer.shape-product": output((tensor) => tensor.data.push(0)),
  "http.infer.output-elements": output((tensor) => {
    tensor.data = tensor.data.map(String);
  }),
  "http.infer.row-major-answer": edit((json) => {
    json.outputs[1].data = [[...json.outputs[1].data.slice(0, 2)], json.outputs[1].data.slice(2)];
  }),
  "http.infer.nested-data": first(wrongValue),
  "http.infer.input-order": first(wrongValue),
  "http.infer.member-order": first(refuses),
  "http.infer.whitespace": first(refuses),
  "http.infer.escapes": first(refuses),
  "http.infer.charset": first(refuses),
  "http.infer.chunked": first(refuses),
  "http.infer.batch": output((tensor) => {
    Object.assign(tensor, { shape: [1, 1], data: [0] });
  }),
  "http.infer.batch-order": first(output((tensor) => tensor.data.reverse())),
  "http.infer.empty-parameters-request": first(refuses),
  "http.infer.empty-parameters-input": first(refuses),
  "http.infer.empty-parameters-output": first(wrongValue),
  "http.outputs.one": edit((json) => {
    json.outputs = [json.outputs[0], json.outputs[0]];
  }),
  "http.outputs.all": edit((json) => json.outputs.pop()),
  "http.outputs.values": first(wrongValue),
  "http.outputs.unknown": takes,
  "http.outputs.unnamed": breaks,
  "http.outputs.not-a-list": takes,
  "http.shape.zero-rows": breaks,
  "http.errors.input-missing": takes,
  "http.errors.object": set("outputs", []),
  "http.errors.content-type": header("content-type", "text/html; charset=utf-8"),
  "http.errors.goes-on": at(1, breaks),
  "http.errors.not-utf8": breaks,
  "http.errors.deep": breaks,
  "http.errors.trailing": withoutError,
  "http.binary.mixed": first(wrongValue),
  "http.binary.input-order": first(wrongValue),
  "http.binary.batch": first(wrongValue),
  "http.binary.header-case": refuses,
  "http.binary.output-all": asJson,
  "http.binary.output-header": asJson,
  "http.binary.output-size": (response) => {
    const tensor = (response.json as Json).outputs[0];
    tensor.parameters.binary_data_size += 8;
    response.binary = Buffer.concat([response.binary.subarray(0, 8), Buffer.alloc(8), response.binary.subarray(8)]);
  },
  "http.binary.output-values": ofBinary((response) => {
    response.binary[0]! ^= 0xff;
    response.binary[7]! ^= 0x10;
  }),
  "http.binary.output-content-type": header("content-type", "application/json"),
  "http.binary.output-one": asJson,
  "http.binary.output-false": (response) => {
    const tensor = (response.json as Json).outputs[0];
    delete tensor.data;
    tensor.parameters = { binary_data_size: 8 };
    response.binary = Buffer.alloc(8);
  },
  "http.binary.output-default": (response) => {
    const tensor = (response.json as Json).outputs[0];
    delete tensor.data;
    tensor.parameters = { binary_data_size: 8 };
    response.binary = Buffer.alloc(8);
  },
  "http.binary.output-order": first((response) => {
    // The outputs of the JSON in another order than their bytes, with their sizes as they were.
    const { outputs } = response.json as Json;
    const [a, b] = [
      outputs.findIndex((each: Json) => each.name === "scores"),
      outputs.findIndex((each: Json) => each.name === "sum"),
    ];
    const sizes = [8, 12];
    outputs[a] = { name: "sum", datatype: "FP64", shape: [1, 1], parameters: { binary_data_size: sizes[0] } };
    outputs[b] = { name: "scores", datatype: "FP32", shape: [1, 3], parameters: { binary_data_size: sizes[1] } };
  }),
  "http.binary.id": set("id", undefined),
  "http.raw.infer": first(wrongAnswer),
  "http.raw.outputs": asJson,
  "http.coding.gzip": first(wrongValue),
  "http.coding.deflate": first(breaks),
  "http.coding.gzip-binary": first(breaks),
  "http.coding.unknown": takes,
  "http.coding.damaged": breaks,
  "http.coding.accept-gzip": header("content-encoding", "gzip"),
  "http.coding.accept-identity": header("content-encoding", "gzip"),
  "http.classification.datatype": output((tensor) => {
    tensor.datatype = "FP32";
  }),
  "http.classification.shape": output((tensor) => {
    Object.assign(tensor, { shape: [1, 3], data: [...tensor.data, "0:0"] });
  }),
  "http.classification.format": output((tensor) => {
    tensor.data = tensor.data.map((text: string) => text.split(":")[0]);
  }),
  "http.classification.order": first(output((tensor) => tensor.data.reverse())),
  "http.classification.index": output((tensor) => {
    if (tensor.datatype === "BYTES" && tensor.name === "scores")
      tensor.data = tensor.data.map((text: string) => `${text.split(":")[0]}:0`);
  }),
  "http.classification.one": output((tensor) => {
    Object.assign(tensor, { shape: [1, 2], data: [...tensor.data, "0:0"] });
  }),
  "http.classification.batch": output((tensor) => {
    Object.assign(tensor, { shape: [1, 1], data: tensor.data.slice(0, 1) });
  }),
  "http.classification.not-a-number": takes,
  "http.config.name": set("name", ""),
  "http.config.input": edit((json) => json.input.pop()),
  "http.config.output": edit((json) => {
    json.output[0].data_type = "FP64";
  }),
  "http.config.batch": set("max_batch_size", "8"),
  "http.config.version-address": status(404),
  "http.config.unknown": takes,
  "http.statistics.model": statistics((stat) => {
    stat.name = "other";
  }),
  "http.statistics.version-address": statistics((stat) => {
    stat.version = "0";
  }),
  "http.statistics.all": edit((json) => json.model_stats.shift()),
  "http.statistics.counts": statistics((stat) => {
    stat.last_inference = "today";
  }),
  "http.statistics.durations": statistics((stat) => {
    delete stat.inference_stats.queue.ns;
  }),
  "http.statistics.increments": at(
    2,
    statistics((stat) => {
      stat.inference_stats.success.count = 0;
    }),
  ),
  "http.statistics.batch": at(
    2,
    statistics((stat) => {
      stat.inference_count--;
    }),
  ),
  "http.statistics.batch-stats": statistics((stat) => {
    stat.batch_stats[0].batch_size = 0;
  }),
  "http.statistics.unknown": withoutError,
  "http.repository.index": edit((json) => {
    delete json[0].name;
  }),
  "http.repository.index-model": edit((json) => {
    json[0].state = "LOADING";
  }),
  "http.repository.index-ready": edit((json) => {
    json[1].state = "UNAVAILABLE";
  }),
  "http.repository.load-unknown": takes,
  "http.repository.unload-unknown": breaks,
  "http.repository.unload": at(1, status(200)),
  "http.repository.load": at(2, status(400)),
  "http.settings.trace": status(501),
  "http.settings.logging": (response) => {
    response.json = [];
  },
  "http.parameters.custom": refuses,
  "http.schedule.timeout": refuses,
  "http.schedule.priority": refuses,
};

/** Families: the first that fits an id without a mutant of its own. */
export const httpFamilies: readonly (readonly [RegExp, Change])[] = [
  [/^http\.datatype\.[A-Z]+\d*$/, refuses],
  [/^http\.range\./, breaks],
  [/^http\.datatype\..*-as-/, breaks],
  [/^http\.binary\.input-FP16$/, refuses],
  [/^http\.binary\.input-/, ofBinary(wrongValue)],
  [/^http\.(shape|errors|raw)\./, takes],
  [/^http\.binary\.(size|truncated|trailing|header|text-length)/, takes],
];
