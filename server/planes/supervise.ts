/**
 * Which serving processes are started, drained and killed, and when: pure, with the time passed in.
 *
 * Invariants:
 * - Each place has one process that serves, or is on its way to; a second one only while it takes over from the first.
 * - A process is drained only when its successor is ready, unless the server ends.
 * - At most one place changes its process on purpose at a time; a process that died is replaced whatever else goes on.
 * - Nothing is killed for a silence that this process slept through itself.
 */

import type { ServingState } from "./messages.js";

export interface SupervisionRules {
  readonly places: number;
  /** Silence after which the event loop of a process counts as held for ever, milliseconds. */
  readonly hangMs: number;
  /** How long a drain may take in all, milliseconds. */
  readonly drainMsMax: number;
}

export type SupervisionEvent =
  | { readonly kind: "begin" | "tick" | "reload" }
  | { readonly kind: "heard"; readonly id: number; readonly state: ServingState; readonly isStuck: boolean }
  | { readonly kind: "ended"; readonly id: number; readonly code: number | null }
  | { readonly kind: "stop"; readonly why: string };

export type SupervisionAction =
  | { readonly kind: "start"; readonly id: number; readonly place: number; readonly listensWhenReady: boolean }
  | { readonly kind: "drain"; readonly id: number; readonly why: string; readonly othersServe: boolean }
  | { readonly kind: "kill"; readonly id: number; readonly why: string }
  | { readonly kind: "note"; readonly level: "info" | "warn" | "error"; readonly message: string }
  /** Nothing is left. */
  | { readonly kind: "end"; readonly code: 0 | 1 };

/** One process. */
export interface Life {
  readonly id: number;
  /** From 1 on. */
  readonly place: number;
  state: ServingState;
  /** When that began. */
  sinceMs: number;
  heardMs: number;
  /** Why it is to be replaced by another. */
  renew: "reload" | "stuck" | undefined;
  killed: boolean;
}

interface Place {
  /** Processes in a row that died too soon. */
  failures: number;
  /** No process is started before. */
  startMs: number;
}

export interface Supervision {
  readonly rules: SupervisionRules;
  readonly lives: readonly Life[];
  readonly places: readonly Place[];
  readonly nextId: number;
  readonly tickedMs: number;
  /** Undefined until the server ends. */
  readonly endCode: 0 | 1 | undefined;
  readonly endWhy: string;
  /** A process has been ready: from then on a death is no failed start of the server. */
  readonly wasReady: boolean;
}

/** How often a tick is due, milliseconds. */
export const tickEveryMs = 250;
/** A process that starts may hold its event loop for longer: sessions are created on it where there is no pool. */
const startHangMs = 120_000;
/** A process that was ready for so long before it died is no part of a crash loop, milliseconds. */
const soundMs = 30_000;
/** The first is replaced at once; who dies too soon again waits for so long, and for twice as long each time. */
const backoffMs = { first: 500, max: 30_000 } as const;

export function createSupervision(rules: SupervisionRules, nowMs: number): Supervision {
  const places = Array.from({ length: rules.places }, () => ({ failures: 0, startMs: nowMs }));
  return {
    rules,
    lives: [],
    places,
    nextId: 1,
    tickedMs: nowMs,
    endCode: undefined,
    endWhy: "a start failed",
    wasReady: false,
  };
}

/** Whether callers are served: a process is ready, and none that listens already is on its way to it. */
export function serves({ lives, endCode }: Supervision): boolean {
  const listensTooSoon = lives.some(({ id, state }) => id === firstId && state === "starting");
  return endCode === undefined && !listensTooSoon && lives.some(({ state }) => state === "ready");
}

/** The process of a place that is to stay there. */
export function mainLife({ lives }: Supervision, place: number): Life | undefined {
  return (
    lives.findLast((life) => life.place === place && life.state !== "draining") ??
    lives.find((life) => life.place === place)
  );
}

/** It listens from the first moment on, so that liveness is answered while models load; all others once they are ready. */
const firstId = 1;

/** What follows from an event: the next state, and what is to be done. */
export function supervise(
  before: Supervision,
  event: SupervisionEvent,
  nowMs: number,
): { readonly state: Supervision; readonly actions: readonly SupervisionAction[] } {
  const state = {
    ...before,
    lives: before.lives.map((life) => ({ ...life })),
    places: before.places.map((place) => ({ ...place })),
  };
  const actions: SupervisionAction[] = [];
  switch (event.kind) {
    case "heard":
      hear(state, event, nowMs);
      break;
    case "ended":
      end(state, event, nowMs, actions);
      break;
    case "reload":
      for (const life of state.lives) if (life.state !== "draining") life.renew = "reload";
      break;
    case "stop":
      state.endCode ??= 0;
      state.endWhy = event.why;
      break;
    case "tick":
      watch(state, nowMs, actions);
      break;
    case "begin":
  }
  if (state.endCode === undefined) keepPlaces(state, nowMs, actions);
  else endAll(state, state.endCode, nowMs, actions);
  return { state, actions };
}

/** Within one event. */
type Changing = { -readonly [Key in keyof Supervision]: Supervision[Key] };

function hear(state: Changing, event: SupervisionEvent & { kind: "heard" }, nowMs: number): void {
  const life = state.lives.find(({ id }) => id === event.id);
  if (life === undefined) return;
  life.heardMs = nowMs;
  // What was said before an order came there changes nothing.
  if (life.state !== "draining" && life.state !== event.state) enter(life, event.state, nowMs);
  if (event.state === "ready") state.wasReady = true;
  if (event.isStuck) life.renew ??= "stuck";
}

function enter(life: Life, to: ServingState, nowMs: number): void {
  life.state = to;
  life.sinceMs = nowMs;
}

function end(
  state: Changing,
  { id, code }: { id: number; code: number | null },
  nowMs: number,
  actions: SupervisionAction[],
): void {
  const life = state.lives.find((each) => each.id === id);
  if (life === undefined) return;
  state.lives = state.lives.filter((each) => each !== life);
  if (state.endCode !== undefined) {
    if (code !== 0) state.endCode = 1;
    return;
  }
  if (!state.wasReady) {
    state.endCode = 1;
    return;
  }
  if (life.state === "draining" && !life.killed) return;
  const place = state.places[life.place - 1]!;
  const isSound = life.state === "ready" && nowMs - life.sinceMs >= soundMs;
  place.failures = isSound ? 1 : place.failures + 1;
  const delayMs = place.failures === 1 ? 0 : Math.min(backoffMs.max, backoffMs.first * 2 ** (place.failures - 2));
  place.startMs = nowMs + delayMs;
  const next = delayMs === 0 ? "now" : `in ${delayMs / 1000} s`;
  if (life.state === "starting" && state.lives.some(({ renew }) => renew === "reload")) {
    for (const each of state.lives) if (each.renew === "reload") each.renew = undefined;
    actions.push({
      kind: "note",
      level: "error",
      message: "a new serving process couldn't start: those that are left serve on as they are",
    });
  } else
    actions.push({
      kind: "note",
      level: "error",
      message: `serving process ${life.place} has ended: another one starts ${next}`,
    });
}

/** Looks for silence. */
function watch(state: Changing, nowMs: number, actions: SupervisionAction[]): void {
  // A sleep of this process is nobody's silence.
  const lateMs = nowMs - state.tickedMs - tickEveryMs;
  if (lateMs > tickEveryMs) for (const life of state.lives) life.heardMs = Math.min(nowMs, life.heardMs + lateMs);
  state.tickedMs = nowMs;
  const { hangMs, drainMsMax } = state.rules;
  for (const life of state.lives) {
    if (life.killed) continue;
    const patienceMs = life.state === "starting" ? Math.max(hangMs, startHangMs) : hangMs;
    if (nowMs - life.heardMs > patienceMs) kill(life, `its event loop was held for ${patienceMs / 1000} s`, actions);
    else if (life.state === "draining" && nowMs - life.sinceMs > drainMsMax)
      kill(life, "its drain didn't end", actions);
  }
}

function kill(life: Life, why: string, actions: SupervisionAction[]): void {
  life.killed = true;
  actions.push({ kind: "kill", id: life.id, why });
}

function keepPlaces(state: Changing, nowMs: number, actions: SupervisionAction[]): void {
  for (let place = 1; place <= state.places.length; place++) {
    const here = state.lives.filter((life) => life.place === place && life.state !== "draining" && !life.killed);
    const successor = here.at(-1);
    if (here.length > 1 && successor!.state === "ready") {
      for (const life of here.slice(0, -1)) drain(life, life.renew ?? "replaced", true, nowMs, actions);
    } else if (here.length === 0) start(state, place, nowMs, actions);
  }
  // One change at a time, and not while a place has nobody who is ready.
  const settled =
    state.lives.length === state.places.length && state.lives.every((life) => life.state === "ready" && !life.killed);
  const oldest = state.lives.find(({ renew }) => renew !== undefined);
  if (settled && oldest !== undefined) start(state, oldest.place, nowMs, actions);
}

function start(state: Changing, place: number, nowMs: number, actions: SupervisionAction[]): void {
  if (nowMs < state.places[place - 1]!.startMs) return;
  const id = state.nextId++;
  state.lives = [
    ...state.lives,
    { id, place, state: "starting", sinceMs: nowMs, heardMs: nowMs, renew: undefined, killed: false },
  ];
  actions.push({ kind: "start", id, place, listensWhenReady: id !== firstId });
}

function drain(life: Life, why: string, othersServe: boolean, nowMs: number, actions: SupervisionAction[]): void {
  enter(life, "draining", nowMs);
  actions.push({ kind: "drain", id: life.id, why, othersServe });
}

function endAll(state: Changing, code: 0 | 1, nowMs: number, actions: SupervisionAction[]): void {
  for (const life of state.lives) if (life.state !== "draining") drain(life, state.endWhy, false, nowMs, actions);
  if (state.lives.length === 0) actions.push({ kind: "end", code });
}
