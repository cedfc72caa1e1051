/**
 * A process of the data plane: the public listeners, lanes and pools. It is a child of the primary, which has everything
 * else; started by it, never by hand.
 *
 * What it needs to answer is in its own memory. A primary that is slow or stopped is noticed by nothing here; where it is
 * gone, this process answers what it has, and ends with exit code 1.
 */

import { endProcess } from "../ending.js";
import { ServeError } from "../errors.js";
import { whatIsServed } from "../greeting.js";
import { keepCallsYoung } from "../keep-calls-young.js";
import type { Routes } from "../routing/route.js";
import { Server } from "../server.js";
import { endAtOnce } from "../signals.js";
import { describeModel, describeModels } from "../transport/describe.js";
import { performOrder } from "../transport/store-orders.js";
import { Channel } from "./channel.js";
import {
  type FromServing,
  protocolVersion,
  readToServing,
  type ServingState,
  type StartOrder,
  type ToServing,
} from "./messages.js";
import { FeedbackAsker } from "./shared-feedback.js";

/** How long an order may take to come after a signal that the primary has too, milliseconds. */
const orderMs = 200;

interface Stop {
  readonly reason: string;
  readonly othersServe: boolean;
  /** What the exit code is at least. */
  readonly code: 0 | 1;
}

// Before anything that takes time: what is sent meanwhile is read later.
const sockets: { http?: object; grpc?: object } = {};
/** As they came after the order. */
let routes: Routes | undefined;
let server: Server | undefined;
let stop!: (stop: Stop) => void;
let start!: (order: StartOrder) => void;
const stopped = new Promise<Stop>((resolve) => {
  stop = resolve;
});
const ordered = new Promise<StartOrder>((resolve) => {
  start = resolve;
});
const channel = new Channel<ToServing, FromServing>(process, {
  read: readToServing,
  take,
  onBad: (error) => server?.logs.event("error", error.message),
});
const asker = new FeedbackAsker((message) => channel.send(message));
process.once("disconnect", () => stop({ reason: "the primary is gone", othersServe: false, code: 1 }));
listenToSignals();
channel.send({ kind: "hello", version: protocolVersion });
const first = await Promise.race([ordered, stopped]);
process.exitCode = "kind" in first ? await serve(first) : first.code;
if (process.connected) process.disconnect();

async function serve(order: StartOrder): Promise<number> {
  const { process: name, config, machine, listensWhenReady, beatEveryMs } = order;
  keepCallsYoung();
  const serving = new Server(config, {
    process: name,
    machine,
    listensWhenReady,
    routes: routes ?? order.routes,
    shared: { http: { socket: sockets.http }, grpc: { socket: sockets.grpc } },
  });
  server = serving;
  serving.release.experiments.askOthers = (items) => asker.ask(items);
  let state: ServingState = "starting";
  // Only one is ever under way: to a primary that reads nothing, no further one is sent.
  let isSending = false;
  const beat = () => {
    if (isSending) return;
    isSending = true;
    channel.send({ kind: "beat", state, ...serving.counts }, undefined, () => {
      isSending = false;
    });
  };
  const beating = setInterval(beat, beatEveryMs);
  beat();
  const started = serving.start().then(
    () => "started" as const,
    (error: Error) => error,
  );
  const first = await Promise.race([started, stopped]);
  let code: number = 1;
  if (first instanceof Error) channel.send({ kind: "failed", why: first.message });
  else {
    if (first === "started") {
      state = "ready";
      channel.send({ kind: "serves", what: whatIsServed(config, serving, serving.registry) });
      beat();
    }
    const { reason, othersServe, code: least } = await stopped;
    state = "draining";
    beat();
    const cutOff = await serving.stop(reason, othersServe);
    code = cutOff === 0 ? least : 1;
    await sayLast(serving, cutOff);
  }
  clearInterval(beating);
  return await endProcess(serving, code);
}

/** What it counted until its end. */
async function sayLast(serving: Server, cutOff: number): Promise<void> {
  const { text, merges } = await serving.scrape();
  if (!process.connected) return;
  await new Promise<void>((resolve) => {
    channel.send({ kind: "stopped", cutOff, metrics: { text, merges: { ...merges } } }, undefined, resolve);
  });
}

function take(message: ToServing, handle: unknown): void {
  switch (message.kind) {
    case "socket":
      sockets[message.of] = handle as object;
      return;
    case "start":
      start(message);
      return;
    case "stop":
      stop({ ...message, code: 0 });
      return;
    case "scrape":
      server
        ?.scrape()
        .then(({ text, merges }) => {
          channel.send({ kind: "metrics", id: message.id, metrics: { text, merges: { ...merges } } });
        })
        .catch((error: Error) => server!.logs.event("error", "the scrape failed", { cause: error.stack }));
      return;
    case "routes":
      routes = message.routes;
      server?.release.take(routes);
      channel.send({ kind: "routed", id: message.id });
      return;
    case "check": {
      if (server === undefined) return;
      const fault = server.release.findFault(message.model, message.route);
      channel.send({ kind: "checked", id: message.id, ...(fault !== undefined && { fault }) });
      return;
    }
    case "order":
      if (server !== undefined)
        void order(server, message).then((answer) => channel.send({ id: message.id, ...answer }));
      return;
    case "feedback":
      if (server !== undefined) {
        const results = message.items.map((item) => server!.release.experiments.join(item));
        channel.send({ kind: "fed", id: message.id, results });
      }
      return;
    case "feedback_known":
      asker.take(message.ask, message.results);
      return;
    case "describe":
    case "compare":
    case "experiment":
      if (server !== undefined) channel.send({ id: message.id, ...describe(server, message) });
  }
}

async function order(server: Server, { order }: ToServing & { kind: "order" }) {
  try {
    const { status, answer } = await performOrder(server, order);
    return { kind: "ordered", status, json: JSON.stringify(answer) } as const;
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown) {
  const { code, message } = ServeError.from(error);
  return { kind: "refused", code, message } as const;
}

function describe(
  { registry, release }: Server,
  { kind, model }: { kind: "describe" | "compare" | "experiment"; model?: string | undefined },
) {
  const make = () => {
    if (model === undefined) return describeModels(registry);
    if (kind === "experiment") return release.figures(model) ?? null;
    return kind === "compare" ? release.compare(model) : describeModel(registry, model);
  };
  try {
    const described = make();
    return { kind: "described", json: JSON.stringify(described) } as const;
  } catch (error) {
    return refused(error);
  }
}

/**
 * A terminal sends its signals to all processes, and so does systemd: the primary has them too, and says what is to be
 * done. SIGTERM by hand, to one of them, drains this one, and another takes its place.
 */
function listenToSignals(): void {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR2", "SIGPWR"]) process.on(signal, () => {});
  let count = 0;
  for (const signal of ["SIGTERM", "SIGXCPU"]) {
    process.on(signal, () => {
      // An order of the primary's comes first: it knows whether the whole server ends.
      if (++count === 1) setTimeout(() => stop({ reason: signal, othersServe: true, code: 0 }), orderMs);
      else endAtOnce();
    });
  }
}
