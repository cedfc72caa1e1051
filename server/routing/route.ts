/**
 * A model's route: which version is its champion, which share of its calls goes to another one, and which
 * versions answer beside it for comparison. Plain data, in the
 * form that routes.json and the admin listener have; read here, and refused in sentences.
 */

import { z } from "zod";
import { namePattern } from "../../bundle/index.js";

/** Shares are multiples of this, 0.01 %. */
export const shareStep = 0.0001;

/** Headers that the server reads for itself, or that say nothing of who calls. */
const ownHeaders: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  "x-plumb-arm",
  "x-plumb-shadow",
  "x-request-id",
  "x-timeout-ms",
]);

const version = z.int({ error: "expected a version, a positive integer" }).min(1, "expected a positive integer");
const share = z
  .number({ error: "expected a share from 0 to 1" })
  .min(0, "expected a share from 0 to 1")
  .max(1, "expected a share from 0 to 1")
  .refine((value) => Math.abs(value / shareStep - Math.round(value / shareStep)) < 1e-6, {
    error: "expected a multiple of 0.0001 (0.01 %)",
  });
const text = (charsMax: number) =>
  z
    .string({ error: "expected a text" })
    .min(1, "expected a text, got an empty one")
    .max(charsMax, `expected at most ${charsMax} characters`);

export const assignBySchema = z
  .strictObject({
    feature: text(256).optional(),
    header: text(100)
      .regex(/^[\w-]+$/, "expected a header's name")
      .transform((name) => name.toLowerCase())
      .refine((name) => !ownHeaders.has(name), "expected a header that the server doesn't read itself")
      .optional(),
    request_id: z.literal(true, { error: "expected true" }).optional(),
  })
  .refine((value) => Object.keys(value).length === 1, 'expected one of "feature", "header" and "request_id"');

/** No user and no query: the address is shown in metrics and comparisons. */
const mirrorUrl = text(1024).refine(isMirrorUrl, "expected http:// or https:// without user, query and fragment");

const shadowSchema = z
  .strictObject({
    version: version.optional(),
    share: share.optional(),
    url: mirrorUrl.optional(),
    protocol: z.enum(["predict", "open_inference"], { error: "expected predict or open_inference" }).optional(),
    timeout_ms: z.int({ error: "expected milliseconds" }).min(1, "expected 1 or more").max(60_000).optional(),
    features: z.array(text(256)).max(10_000).optional(),
  })
  .refine((shadow) => (shadow.version === undefined) !== (shadow.url === undefined), {
    error: 'expected one of "version" and "url"',
  })
  .refine(({ url, protocol, timeout_ms, features }) => url !== undefined || !(protocol ?? timeout_ms ?? features), {
    error: '"protocol", "timeout_ms" and "features" go with "url"',
  });

/** When rows of two versions are alike, and what is shown of those that aren't. */
const compareSchema = z.strictObject({
  tolerance: z.number({ error: "expected a number from 0 on" }).min(0, "expected a number from 0 on").optional(),
  ignore_outputs: z.array(text(256)).max(1000).optional(),
  worst_row_features: z.array(text(256)).max(100).optional(),
});

export const routeSchema = z
  .strictObject({
    champion: version,
    canary: z.strictObject({ version, share }).optional(),
    assign_by: assignBySchema.optional(),
    salt: text(200).optional(),
    shadows: z
      .array(shadowSchema, { error: "expected a list of shadows" })
      .max(4, "expected at most 4 shadows")
      .refine((shadows) => new Set(shadows.map((one) => one.version ?? one.url)).size === shadows.length, {
        error: "expected each version and each URL once",
      })
      .optional(),
    compare: compareSchema.optional(),
  })
  .refine(({ champion, canary }) => canary?.version !== champion, {
    error: "expected another version than the champion's",
    path: ["canary", "version"],
  });

const modelName = z.string().regex(namePattern, "expected a model's name");

export const routesFormat = "plumb-routes/1";

const routesSchema = z.strictObject({
  format: z.literal(routesFormat, { error: `expected ${JSON.stringify(routesFormat)}` }).optional(),
  routes: z.record(modelName, routeSchema, {
    error: "expected an object of routes by model",
  }),
});

export type Route = z.infer<typeof routeSchema>;
/** By model. */
export type Routes = Readonly<Record<string, Route>>;

/** What is wrong with a route, in one sentence. */
export class RouteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RouteError";
  }
}

/** @throws {@link RouteError} */
export function parseRoute(name: string, json: unknown): Route {
  const what = `the route of ${JSON.stringify(name)}`;
  parse(modelName, name, what);
  return parse(routeSchema, json, what);
}

/** The whole of routes.json. @throws {@link RouteError} */
export function parseRoutes(json: unknown): Routes {
  return parse(routesSchema, json, "the routes").routes;
}

function parse<T extends z.ZodType>(schema: T, json: unknown, what: string): z.infer<T> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new RouteError(result.error.issues.map((issue) => `${what}: ${sentence(issue)}`).join("; "));
}

function isMirrorUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}

/** routes.json as a JSON Schema, as proto/ has it. */
export function routesJsonSchema(): string {
  const schema = z.toJSONSchema(routesSchema.describe("routes.json: the routes of a model store."), { io: "input" });
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function sentence(issue: z.core.$ZodIssue): string {
  const place = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  if (issue.code === "unrecognized_keys")
    return `${place}unknown: ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
  if (issue.code === "invalid_key") return `${place}${issue.issues[0]?.message ?? issue.message}`;
  return `${place}${issue.code === "invalid_type" && issue.path.length === 0 ? "expected an object" : issue.message}`;
}
