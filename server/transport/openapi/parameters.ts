/** Parameters of addresses, headers of requests and of replies: what the parts of an OpenAPI document refer to. */

import type { JsonObject } from "../../protocol/json-schema.js";
import { packageOf } from "../../protocol/typed-proto/service-name.js";

/** Of every prediction. */
const requestHeaders: Readonly<Record<string, JsonObject>> = {
  Timeout: {
    name: "x-timeout-ms",
    in: "header",
    description:
      "The deadline, milliseconds from the request's arrival; without it the objective of the model applies.",
    schema: { type: "integer", minimum: 1, maximum: 86_400_000 },
  },
  RequestId: {
    name: "x-request-id",
    in: "header",
    description: "Repeated in the reply, in the log and in traces; the server makes one where there is none.",
    schema: { type: "string" },
  },
  Traceparent: {
    name: "traceparent",
    in: "header",
    description: "W3C Trace Context.",
    schema: { type: "string" },
  },
};

const versionInQuery: JsonObject = {
  name: "version",
  in: "query",
  description: "The version that is to answer, in the place of the one that the server chooses.",
  schema: { type: "string", pattern: "^[1-9][0-9]*$" },
};

/** @param example - A model that is served, and a version of it. */
export function parameterComponents(example: { name: string; number: number } | undefined): JsonObject {
  const inPath = (name: string, description: string, value: string | undefined): JsonObject => ({
    name,
    in: "path",
    required: true,
    description,
    schema: { type: "string", minLength: 1 },
    ...(value !== undefined && { example: value }),
  });
  return {
    ...requestHeaders,
    Version: versionInQuery,
    "path.model": inPath("model", "The name of a model.", example?.name),
    "path.package": inPath(
      "package",
      "The name of a model as its proto's package ends in it: GET /models/{model}/proto.",
      example && packageOf(example.name).split(".").at(-1),
    ),
    "path.method": inPath("method", "A method of the inference service that takes one message.", "ModelReady"),
    "path.version": inPath("version", "The number of one of its versions.", example && String(example.number)),
  };
}

const reference = (name: string): JsonObject => ({ $ref: `#/components/parameters/${name}` });

/** Of the names in braces that an address has. */
export function pathParameters(address: string): readonly JsonObject[] {
  return [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => reference(`path.${name}`));
}

/** What every prediction takes beside its body; the query's version where the address names none. */
export function predictParameters(address: string): readonly JsonObject[] {
  const names = [...(address.includes("{version}") ? [] : ["Version"]), ...Object.keys(requestHeaders)];
  return names.map(reference);
}

export const replyHeaders = {
  RequestId: { description: "The caller's own, or the server's.", schema: { type: "string" } },
  RetryAfter: { description: "Seconds, jittered.", schema: { type: "integer", minimum: 1 } },
  Fallback: { description: "Why the bundle's fallback answered.", schema: { type: "string" } },
  Etag: { description: "Names this content: repeat it in If-None-Match.", schema: { type: "string" } },
} as const;

export function headerRef(name: keyof typeof replyHeaders): JsonObject {
  return { $ref: `#/components/headers/${name}` };
}
