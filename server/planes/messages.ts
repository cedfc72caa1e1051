/**
 * What primary and serving processes say to each other, over the channel that Node opens between a process and its
 * child: plain data, checked where it arrives.
 *
 * A serving process has what it needs to answer in its own memory at all times, and neither end waits for the other. Both
 * are of one build, unless its files are replaced while a primary runs: so the first message of a serving process has the
 * version of the protocol.
 */

import { z } from "zod";
import { configSchema } from "../config.js";
import { type ErrorCode, errorTable } from "../errors.js";
import { routeSchema } from "../routing/route.js";

/** Changes with any message. */
export const protocolVersion = 3;

const errorCodes = Object.keys(errorTable) as ErrorCode[];
const count = z.number().int().nonnegative();
const machine = z.strictObject({ processors: z.number().positive(), memoryBytes: z.number().positive() });
const merge = z.enum(["sum", "max", "min", "each"]);
const metrics = z.strictObject({ text: z.string(), merges: z.record(z.string(), merge) });
/** By model. */
const routes = z.record(z.string(), routeSchema);
const config = configSchema.extend({ defaultModelIsLoose: z.boolean().optional() });

const model = z.string();
const order = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("scan") }),
  z.strictObject({ kind: z.enum(["load", "unload"]), model, version: count }),
  z.strictObject({ kind: z.literal("index"), readyOnly: z.boolean() }),
  z.strictObject({ kind: z.enum(["load_model", "unload_model"]), model }),
]);

/** To a serving process. The sockets that it listens on come before its order, each with a message of its own. */
const toServing = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("socket"), of: z.enum(["http", "grpc"]) }),
  z.strictObject({
    kind: z.literal("start"),
    process: z.string(),
    config,
    machine,
    /** Whether others serve meanwhile. */
    listensWhenReady: z.boolean(),
    routes,
    /** How often it says that it lives, milliseconds. */
    beatEveryMs: count,
  }),
  z.strictObject({ kind: z.literal("scrape"), id: count }),
  /** Describes a model, or all of them. */
  z.strictObject({ kind: z.literal("describe"), id: count, model: z.string().optional() }),
  /** All routes, which hold from now on. */
  z.strictObject({ kind: z.literal("routes"), id: count, routes }),
  /** Asks whether it can serve a route. */
  z.strictObject({ kind: z.literal("check"), id: count, model: z.string(), route: routeSchema }),
  z.strictObject({ kind: z.literal("compare"), id: count, model: z.string() }),
  /** Does what an operator asks of the store; it may take minutes. */
  z.strictObject({ kind: z.literal("order"), id: count, order }),
  /** Drains and ends. */
  z.strictObject({ kind: z.literal("stop"), reason: z.string(), othersServe: z.boolean() }),
]);

const servingState = z.enum(["starting", "ready", "draining"]);

/** From a serving process. */
const fromServing = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("hello"), version: z.number() }),
  /** In short intervals, from its event loop, and when its state changes. */
  z.strictObject({
    kind: z.literal("beat"),
    state: servingState,
    connections: z.number().int(),
    callsInFlight: count,
    stuckWorkers: count,
  }),
  /** What it serves, for people; once, before it says that it is ready. */
  z.strictObject({ kind: z.literal("serves"), what: z.string() }),
  /** It couldn't start, and ends. */
  z.strictObject({ kind: z.literal("failed"), why: z.string() }),
  z.strictObject({ kind: z.literal("metrics"), id: count, metrics }),
  z.strictObject({ kind: z.literal("described"), id: count, json: z.string() }),
  /** The routes hold. */
  z.strictObject({ kind: z.literal("routed"), id: count }),
  /** Why it can't serve the route. */
  z.strictObject({ kind: z.literal("checked"), id: count, fault: z.string().optional() }),
  /** The order is done, or can't be. */
  z.strictObject({ kind: z.literal("ordered"), id: count, status: count, json: z.string() }),
  z.strictObject({ kind: z.literal("refused"), id: count, code: z.enum(errorCodes), message: z.string() }),
  /** The last of all. */
  z.strictObject({ kind: z.literal("stopped"), cutOff: count, metrics }),
]);

export type ToServing = z.output<typeof toServing>;
export type FromServing = z.output<typeof fromServing>;
export type StartOrder = Extract<ToServing, { kind: "start" }>;
type WithoutId<T> = T extends { id: number } ? Omit<T, "id"> : never;
/** What a serving process answers, with the same `id`. */
export type Question = WithoutId<ToServing>;
export type Answer = Extract<FromServing, { id: number }>;
export type ServingState = z.infer<typeof servingState>;
export type MetricsText = z.infer<typeof metrics>;

/** @throws Error with a sentence for what is none. */
export function readToServing(message: unknown): ToServing {
  return read(toServing, message);
}

/** @throws Error with a sentence for what is none. */
export function readFromServing(message: unknown): FromServing {
  return read(fromServing, message);
}

function read<T extends z.ZodType>(schema: T, message: unknown): z.output<T> {
  const result = schema.safeParse(message);
  if (result.success) return result.data;
  const { path, message: why } = result.error.issues[0]!;
  throw new Error(`a message between processes that isn't one: ${path.map(String).join(".")}: ${why}`);
}
